"""Rules of containers."""

import re
from typing import Any, Final

from hyperdrive_local.schema.builtin.names import (
    config_key_problems,
    environment_name_problems,
    label_problems,
    qualified_name_problems,
    subdomain_problems,
)
from hyperdrive_local.schema.builtin.quantity import Quantity, parse_quantity
from hyperdrive_local.schema.errors import ErrorKind, FieldError, duplicate, invalid, not_supported, required

_STANDARD_RESOURCES: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
_PAGES_PREFIX: Final = "hugepages-"
_FIELD_PATH: Final = re.compile(r"(?P<path>[^\[\]]*)(?:\['(?P<key>.*)'\])?")
_FIELDS: Final = frozenset({
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
})  # fmt: skip
_SOURCES: Final = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def check_containers(spec: dict[str, Any], path: str, volumes: set[str]) -> list[FieldError]:
    """Check the containers and init containers of a pod spec."""
    found: list[FieldError] = []
    if not spec.get("containers"):
        found.append(required(f"{path}.containers"))
    names: set[str] = set()
    for group in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(group) or []):
            found += _check_container(container, f"{path}.{group}[{index}]", names, volumes)
    return found


def _check_container(container: dict[str, Any], path: str, names: set[str], volumes: set[str]) -> list[FieldError]:
    found: list[FieldError] = []
    name = container.get("name") or ""
    if not name:
        found.append(required(f"{path}.name"))
    else:
        problems = label_problems(name)
        found += [invalid(f"{path}.name", name, problem) for problem in problems]
        if not problems and name in names:
            found.append(duplicate(f"{path}.name", name))
        names.add(name)
    image = container.get("image") or ""
    if not image:
        found.append(required(f"{path}.image"))
    elif image != image.strip() and not path.startswith("spec.template"):
        found.append(invalid(f"{path}.image", image, "must not have leading or trailing whitespace"))
    found += _check_choices(container, path)
    found += _check_ports(container.get("ports") or [], f"{path}.ports")
    for index, variable in enumerate(container.get("env") or []):
        found += _check_variable(variable, f"{path}.env[{index}]")
    found += _check_env_from(container.get("envFrom") or [], f"{path}.envFrom")
    found += _check_mounts(container.get("volumeMounts") or [], f"{path}.volumeMounts", volumes)
    found += _check_handlers(container, path)
    found += check_resources(container.get("resources") or {}, f"{path}.resources")
    return found


def _check_choices(container: dict[str, Any], path: str) -> list[FieldError]:
    choices = {
        "imagePullPolicy": ["Always", "IfNotPresent", "Never"],
        "terminationMessagePolicy": ["File", "FallbackToLogsOnError"],
    }
    return [
        not_supported(f"{path}.{key}", container[key], allowed)
        for key, allowed in choices.items()
        if container.get(key) and container[key] not in allowed
    ]


def _check_handlers(container: dict[str, Any], path: str) -> list[FieldError]:
    handlers = {f"{path}.{key}": container.get(key) for key in ("livenessProbe", "readinessProbe", "startupProbe")}
    lifecycle = container.get("lifecycle") or {}
    handlers |= {f"{path}.lifecycle.{key}": lifecycle.get(key) for key in ("postStart", "preStop")}
    return [
        required(where, "must specify a handler type")
        for where, handler in handlers.items()
        if handler is not None and not {"exec", "httpGet", "tcpSocket", "grpc", "sleep"} & handler.keys()
    ]


def _check_ports(ports: list[dict[str, Any]], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for index, port in enumerate(ports):
        where = f"{path}[{index}]"
        name, number = port.get("name") or "", port.get("containerPort") or 0
        if name:
            found += [invalid(f"{where}.name", name, problem) for problem in _port_name_problems(name)]
        if number == 0:
            found.append(required(f"{where}.containerPort"))
        elif not 0 < number < 65536:
            found.append(invalid(f"{where}.containerPort", number, "must be between 1 and 65535, inclusive"))
        protocol = port.get("protocol") or "TCP"
        if protocol not in {"SCTP", "TCP", "UDP"}:
            found.append(not_supported(f"{where}.protocol", protocol, ["SCTP", "TCP", "UDP"]))
    return found


def _port_name_problems(name: str) -> list[str]:
    problems = []
    if len(name) > 15:
        problems.append("must be no more than 15 characters")
    if not re.fullmatch(r"[a-z0-9-]+", name):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", name):
        problems.append("must contain at least one letter (a-z)")
    if "--" in name:
        problems.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def _check_variable(variable: dict[str, Any], path: str) -> list[FieldError]:
    name = variable.get("name") or ""
    if not name:
        found = [required(f"{path}.name")]
    else:
        found = [invalid(f"{path}.name", name, problem) for problem in environment_name_problems(name)]
    source = variable.get("valueFrom")
    if source is None:
        return found
    given = [key for key in _SOURCES if source.get(key) is not None]
    where = f"{path}.valueFrom"
    for key in given:
        found += _check_source(key, source[key], f"{where}.{key}")
    if not given:
        names = ", ".join(f"`{key}`" for key in _SOURCES[:-1])
        found.append(invalid(where, "", f"must specify one of: {names} or `{_SOURCES[-1]}`"))
    elif variable.get("value"):
        found.append(invalid(where, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        found.append(invalid(where, "", "may not have more than one field specified at a time"))
    return found


def _check_source(kind: str, source: dict[str, Any], path: str) -> list[FieldError]:
    if kind == "fieldRef":
        return _check_field_ref(source, path)
    if kind == "resourceFieldRef":
        return [] if source.get("resource") else [required(f"{path}.resource")]
    if kind == "fileKeyRef":
        return [required(f"{path}.{key}") for key in ("volumeName", "path", "key") if not source.get(key)]
    name, key = source.get("name") or "", source.get("key") or ""
    found = [invalid(f"{path}.name", name, problem) for problem in subdomain_problems(name)]
    if not key:
        return [*found, required(f"{path}.key")]
    return found + [invalid(f"{path}.key", key, problem) for problem in config_key_problems(key)]


def _check_field_ref(source: dict[str, Any], path: str) -> list[FieldError]:
    label = source.get("fieldPath") or ""
    if not label:
        return [required(f"{path}.fieldPath")]
    match = _FIELD_PATH.fullmatch(label)
    keyed = match is not None and match["key"] is not None
    if match is not None and keyed and match["path"] in {"metadata.labels", "metadata.annotations"}:
        key = match["key"].lower() if match["path"] == "metadata.annotations" else match["key"]
        return [invalid(path, match["key"], problem) for problem in qualified_name_problems(key)]
    if label not in _FIELDS:
        detail = f"error converting fieldPath: field label not supported: {label}"
        return [invalid(f"{path}.fieldPath", label, detail)]
    return []


def _check_env_from(sources: list[dict[str, Any]], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for index, source in enumerate(sources):
        given = [key for key in ("configMapRef", "secretRef") if source.get(key) is not None]
        for key in given:
            name = source[key].get("name") or ""
            found += [invalid(f"{path}[{index}].{key}.name", name, text) for text in subdomain_problems(name)]
        if not given:
            found.append(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            found.append(invalid(path, "", "may not have more than one field specified at a time"))
    return found


def _check_mounts(mounts: list[dict[str, Any]], path: str, volumes: set[str]) -> list[FieldError]:
    found: list[FieldError] = []
    taken: set[str] = set()
    for index, mount in enumerate(mounts):
        where = f"{path}[{index}]"
        name, target = mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            found.append(required(f"{where}.name"))
        if name not in volumes:
            found.append(FieldError(f"{where}.name", ErrorKind.NOT_FOUND, name, ""))
        if not target:
            found.append(required(f"{where}.mountPath"))
        if target in taken:
            found.append(invalid(f"{where}.mountPath", target, "must be unique"))
        taken.add(target)
    return found


def check_resources(resources: dict[str, Any], path: str) -> list[FieldError]:
    """Check the quantities of limits and requests, and that no request is above its limit."""
    found: list[FieldError] = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for group, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            found += _check_amount(name, value, f"{path}.{group}[{name}]")
    for name, value in requests.items():
        request, limit = parse_quantity(value), parse_quantity(limits.get(name))
        if request is not None and limit is not None:
            found += _compare(name, request, limit, path)
        elif limit is None and _is_extended(name):
            found.append(required(f"{path}.limits", "Limit must be set for non overcommitable resources"))
    return found


def _compare(name: str, request: Quantity, limit: Quantity, path: str) -> list[FieldError]:
    if _is_extended(name) and request.amount != limit.amount:
        return [invalid(f"{path}.requests", str(request), f"must be equal to {name} limit of {limit}")]
    if request.amount > limit.amount:
        return [invalid(f"{path}.requests", str(request), f"must be less than or equal to {name} limit of {limit}")]
    return []


def _check_amount(name: str, value: Any, path: str) -> list[FieldError]:
    found = [invalid(path, name, problem) for problem in qualified_name_problems(name)]
    is_standard = name in _STANDARD_RESOURCES or name.startswith(_PAGES_PREFIX)
    if not found and "/" not in name and not is_standard:
        found.append(invalid(path, name, "must be a standard resource type or fully qualified"))
        found.append(invalid(path, name, "must be a standard resource for containers"))
    amount = parse_quantity(value)
    if amount is None:
        return found  # it was no quantity: the decoder has refused it
    if amount.amount < 0:
        found.append(invalid(path, str(amount), "must be greater than or equal to 0"))
    if _is_extended(name) and amount.amount.denominator != 1:
        found.append(invalid(path, str(amount), "must be an integer"))
    return found


def _is_extended(name: str) -> bool:
    return "/" in name and not name.partition("/")[0].endswith("kubernetes.io")
