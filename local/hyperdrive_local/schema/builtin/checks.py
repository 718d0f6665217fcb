"""Semantic rules of the builtin kinds: what their types alone do not say."""

from collections.abc import Callable
from typing import Any, Final

from hyperdrive_local.schema.builtin.deployments import check_deployment
from hyperdrive_local.schema.builtin.jobs import check_job
from hyperdrive_local.schema.builtin.metadata import check_metadata
from hyperdrive_local.schema.builtin.names import config_key_problems
from hyperdrive_local.schema.builtin.pods import check_pod
from hyperdrive_local.schema.errors import FieldError, invalid, not_supported, too_long

MAX_CONFIG_MAP_SIZE: Final = 1024 * 1024
_JOB_NAME: Final = ("job-name", "batch.kubernetes.io/job-name")
_EFFECTS: Final = ["NoSchedule", "PreferNoSchedule", "NoExecute"]


def check_builtin(kind: str, obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[FieldError]:
    """Return what is wrong with an object of a builtin kind that has its defaults; `old` makes it an update."""
    check = _CHECKS.get(kind)
    return check_metadata(kind, _as_sent(kind, obj), old) + (check(obj, old) if check else [])


def _as_sent(kind: str, obj: dict[str, Any]) -> dict[str, Any]:
    """Leave out the labels that the server itself gives a Job: of a name too long for one, the template speaks."""
    metadata = obj.get("metadata") or {}
    labels = metadata.get("labels")
    if kind != "Job" or not labels:
        return obj
    sent = {key: value for key, value in labels.items() if key not in _JOB_NAME or value != metadata.get("name")}
    return {**obj, "metadata": {**metadata, "labels": sent}}


def _check_config_map(obj: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
    del old
    found: list[FieldError] = []
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    size = 0
    for key, value in data.items():
        found += [invalid(f"data[{key}]", key, problem) for problem in config_key_problems(key)]
        if key in binary:
            found.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
        size += len(value.encode())
    for key, value in binary.items():
        found += [invalid(f"binaryData[{key}]", key, problem) for problem in config_key_problems(key)]
        size += len(value) * 3 // 4 - value[-2:].count("=")
    if size > MAX_CONFIG_MAP_SIZE:
        found.append(too_long("[]", MAX_CONFIG_MAP_SIZE))
    return found


def _check_lease(obj: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
    del old
    spec = obj.get("spec") or {}
    found: list[FieldError] = []
    duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if duration is not None and duration <= 0:
        found.append(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    if transitions is not None and transitions < 0:
        found.append(invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0"))
    return found


def _check_event(obj: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
    """An event is where its object is; the event of a cluster-wide object is in "default"."""
    del old
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    namespace = (obj.get("metadata") or {}).get("namespace") or ""
    where = about.get("namespace") or ""
    if where == namespace or (not where and namespace in {"default", "kube-system"}):
        return []
    return [invalid("involvedObject.namespace", where, "does not match event.namespace")]


def _check_node(obj: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
    del old
    found: list[FieldError] = []
    for index, taint in enumerate((obj.get("spec") or {}).get("taints") or []):
        if taint.get("effect") not in _EFFECTS:
            found.append(not_supported(f"metadata.taints[{index}].effect", taint.get("effect") or "", _EFFECTS))
    return found


_CHECKS: Final[dict[str, Callable[[dict[str, Any], dict[str, Any] | None], list[FieldError]]]] = {
    "ConfigMap": _check_config_map,
    "Deployment": check_deployment,
    "Event": _check_event,
    "Job": check_job,
    "Lease": _check_lease,
    "Node": _check_node,
    "Pod": check_pod,
}
