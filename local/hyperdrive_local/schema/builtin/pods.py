"""Rules of pod specs and pods."""

from typing import Any, Final

from hyperdrive_local.schema.builtin.containers import check_containers
from hyperdrive_local.schema.builtin.metadata import check_annotations, check_labels
from hyperdrive_local.schema.builtin.names import label_problems, qualified_name_problems, subdomain_problems
from hyperdrive_local.schema.builtin.volumes import check_volumes
from hyperdrive_local.schema.errors import FieldError, forbidden, invalid, not_supported, required

_MAX_INT32: Final = 2**31 - 1
_CHOICES: Final = {
    "restartPolicy": ["Always", "OnFailure", "Never"],
    "dnsPolicy": ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
}
_EFFECTS: Final = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
_IDS: Final = ("runAsUser", "runAsGroup", "fsGroup")
_ONLY_THESE: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def check_pod(obj: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
    """Check the spec of a pod, and on update that only what may change has changed."""
    spec = obj.get("spec") or {}
    found = check_pod_spec(spec, "spec")
    if old is None:
        if spec.get("ephemeralContainers"):
            found.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
        return found
    before = old.get("spec") or {}
    if not found and _fixed_part(spec) != _fixed_part(before):
        found.append(forbidden("spec", _ONLY_THESE))
    return found


def _fixed_part(spec: dict[str, Any]) -> dict[str, Any]:
    fixed = {key: value for key, value in spec.items() if key not in {"activeDeadlineSeconds", "tolerations"}}
    for group in ("containers", "initContainers"):
        if group in fixed:
            fixed[group] = [{key: item for key, item in one.items() if key != "image"} for one in fixed[group]]
    return fixed


def check_pod_template(template: dict[str, Any], path: str) -> list[FieldError]:
    """Check a pod template. The real server leaves "metadata" out of the paths of its labels; so do we."""
    metadata = template.get("metadata") or {}
    found = check_labels(metadata.get("labels"), f"{path}.labels")
    found += check_annotations(metadata.get("annotations"), f"{path}.annotations")
    return found + check_pod_spec(template.get("spec") or {}, f"{path}.spec")


def check_pod_spec(spec: dict[str, Any], path: str) -> list[FieldError]:
    """Check a pod spec wherever it stands."""
    volumes = spec.get("volumes") or []
    found = check_volumes(volumes, f"{path}.volumes")
    found += check_containers(spec, path, {volume.get("name") or "" for volume in volumes})
    found += [
        not_supported(f"{path}.{key}", spec[key], allowed)
        for key, allowed in _CHOICES.items()
        if spec.get(key) and spec[key] not in allowed
    ]
    found += _check_names(spec, path)
    found += check_labels(spec.get("nodeSelector"), f"{path}.nodeSelector")
    found += _check_tolerations(spec.get("tolerations") or [], f"{path}.tolerations")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 0 < deadline <= _MAX_INT32:
        where = f"{path}.activeDeadlineSeconds"
        found.append(invalid(where, deadline, f"must be between 1 and {_MAX_INT32}, inclusive"))
    found += _check_ids(spec.get("securityContext") or {}, f"{path}.securityContext")
    for group in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(group) or []):
            found += _check_ids(container.get("securityContext") or {}, f"{path}.{group}[{index}].securityContext")
    return found + _check_node_affinity(spec, path)


def _check_names(spec: dict[str, Any], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for key in ("serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"):
        if name := spec.get(key):
            found += [invalid(f"{path}.{key}", name, problem) for problem in subdomain_problems(name)]
    for key in ("hostname", "subdomain"):
        if name := spec.get(key):
            found += [invalid(f"{path}.{key}", name, problem) for problem in label_problems(name)]
    return found


def _check_ids(context: dict[str, Any], path: str) -> list[FieldError]:
    return [
        invalid(f"{path}.{key}", context[key], f"must be between 0 and {_MAX_INT32}, inclusive")
        for key in _IDS
        if context.get(key) is not None and not 0 <= context[key] <= _MAX_INT32
    ]


def _check_tolerations(tolerations: list[dict[str, Any]], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for index, toleration in enumerate(tolerations):
        where = f"{path}[{index}]"
        key, operator = toleration.get("key") or "", toleration.get("operator") or ""
        effect = toleration.get("effect") or ""
        if key:
            found += [invalid(f"{where}.key", key, problem) for problem in qualified_name_problems(key)]
        if not key and operator != "Exists":
            detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            found.append(invalid(f"{where}.operator", operator, detail))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            found.append(invalid(f"{where}.effect", effect, detail))
        if operator == "Exists" and toleration.get("value"):
            detail = "value must be empty when `operator` is 'Exists'"
            found.append(invalid(f"{where}.operator", toleration["value"], detail))
        if operator not in {"", "Equal", "Exists"}:
            found.append(not_supported(f"{where}.operator", operator, ["Equal", "Exists"]))
        if effect and effect not in _EFFECTS:
            found.append(not_supported(f"{where}.effect", effect, _EFFECTS))
    return found


def _check_node_affinity(spec: dict[str, Any], path: str) -> list[FieldError]:
    key = "requiredDuringSchedulingIgnoredDuringExecution"
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(key)
    if affinity is None or affinity.get("nodeSelectorTerms"):
        return []
    where = f"{path}.affinity.nodeAffinity.{key}.nodeSelectorTerms"
    return [required(where, "must have at least one node selector term")]
