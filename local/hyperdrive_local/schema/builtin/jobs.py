"""Rules of batch/v1 Jobs."""

import copy
from typing import Any, Final

from hyperdrive_local.schema import golang
from hyperdrive_local.schema.builtin.names import subdomain_problems
from hyperdrive_local.schema.builtin.pods import check_pod_template
from hyperdrive_local.schema.errors import ErrorKind, FieldError, invalid, not_supported, required

_COUNTS: Final = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_RESTART_POLICIES: Final = ["OnFailure", "Never"]
_IMMUTABLE: Final = (
    "completions", "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy",
    "successPolicy",
)  # fmt: skip
# Of a suspended Job that has never run, these parts of the template may still change.
_SCHEDULING: Final = ("nodeSelector", "tolerations", "affinity", "schedulingGates")


def check_job(obj: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
    """Check the spec and the status of a Job."""
    spec = obj.get("spec") or {}
    found = _check_spec(spec) + _check_selector(spec, obj)
    status = obj.get("status") or {}
    found += [
        invalid(f"status.{key}", status[key], "must be greater than or equal to 0")
        for key in ("active", "succeeded", "failed")
        if (status.get(key) or 0) < 0
    ]
    if old is not None:
        found += _check_update(spec, old)
    return found


def _check_spec(spec: dict[str, Any]) -> list[FieldError]:
    found = [
        invalid(f"spec.{key}", spec[key], "must be greater than or equal to 0")
        for key in _COUNTS
        if (spec.get(key) or 0) < 0
    ]
    found += _check_indexed(spec)
    managed_by = spec.get("managedBy")
    if managed_by is not None:
        domain, slash, name = managed_by.partition("/")
        if not slash or not name or subdomain_problems(domain):
            detail = 'must be a domain-prefixed path (such as "acme.io/foo")'
            found.append(invalid("spec.managedBy", managed_by, detail))
    found += _check_replacement(spec)
    template = spec.get("template") or {}
    found += check_pod_template(template, "spec.template")
    found += _check_failure_policy(spec)
    policy = (template.get("spec") or {}).get("restartPolicy") or "Always"
    where = "spec.template.spec.restartPolicy"
    if policy == "Always":
        valid = ", ".join(golang.quoted(item) for item in _RESTART_POLICIES)
        found.append(required(where, f"valid values: {valid}"))
    elif policy not in _RESTART_POLICIES:
        found.append(not_supported(where, policy, _RESTART_POLICIES))
    return found


def _check_indexed(spec: dict[str, Any]) -> list[FieldError]:
    found: list[FieldError] = []
    mode = spec.get("completionMode")
    if mode not in {None, "NonIndexed", "Indexed"}:
        found.append(not_supported("spec.completionMode", mode, ["NonIndexed", "Indexed"]))
    if mode == "Indexed" and spec.get("completions") is None:
        found.append(required("spec.completions", "when completion mode is Indexed"))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        found.append(required("spec.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if mode != "Indexed":
        found += [
            invalid(f"spec.{key}", spec[key], "requires indexed completion mode")
            for key in ("backoffLimitPerIndex", "maxFailedIndexes")
            if spec.get(key) is not None
        ]
    return found


def _check_replacement(spec: dict[str, Any]) -> list[FieldError]:
    policy = spec.get("podReplacementPolicy")
    allowed = ["Failed"] if spec.get("podFailurePolicy") is not None else ["Failed", "TerminatingOrFailed"]
    if policy is None or policy in allowed:
        return []
    return [not_supported("spec.podReplacementPolicy", policy, allowed)]


def _check_failure_policy(spec: dict[str, Any]) -> list[FieldError]:
    found: list[FieldError] = []
    actions = ["Count", "FailIndex", "FailJob", "Ignore"]
    for index, rule in enumerate((spec.get("podFailurePolicy") or {}).get("rules") or []):
        where = f"spec.podFailurePolicy.rules[{index}]"
        action = rule.get("action") or ""
        if not action:
            found.append(required(f"{where}.action", f"valid values: {', '.join(map(golang.quoted, actions))}"))
        elif action not in actions:
            found.append(not_supported(f"{where}.action", action, actions))
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions")
        if codes is not None:
            found += _check_exit_codes(codes, f"{where}.onExitCodes")
        if codes is None and not conditions:
            detail = "specifying one of OnExitCodes and OnPodConditions is required"
            found.append(FieldError(where, ErrorKind.INVALID, golang.OMITTED, detail))
        elif codes is not None and conditions:
            detail = "specifying both OnExitCodes and OnPodConditions is not supported"
            found.append(FieldError(where, ErrorKind.INVALID, golang.OMITTED, detail))
    return found


def _check_exit_codes(codes: dict[str, Any], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    if codes.get("operator") not in {"In", "NotIn"}:
        found.append(not_supported(f"{path}.operator", codes.get("operator") or "", ["In", "NotIn"]))
    for index, code in enumerate(codes.get("values") or []):
        if codes.get("operator") == "In" and code == 0:
            found.append(invalid(f"{path}.values[{index}]", code, "must not be 0 for the In operator"))
    if not codes.get("values"):
        found.append(invalid(f"{path}.values", codes.get("values") or [], "at least one value is required"))
    return found


def _check_selector(spec: dict[str, Any], obj: dict[str, Any]) -> list[FieldError]:
    selector = spec.get("selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if spec.get("manualSelector"):
        if selector is None:
            return [required("spec.selector"), _mismatch(labels)]
    elif selector is None:
        return []  # the server makes it from the uid once all else is right
    else:
        uid = (obj.get("metadata") or {}).get("uid", "")
        generated = selector.get("matchLabels") == {"batch.kubernetes.io/controller-uid": uid}
        old_style = selector.get("matchLabels") == {"controller-uid": uid}
        if not generated and not old_style:
            found = [invalid("spec.selector", selector, "`selector` not auto-generated")]
            return found if _selects(selector, labels) else [*found, _mismatch(labels)]
    return [] if _selects(selector, labels) else [_mismatch(labels)]


def _mismatch(labels: dict[str, Any] | None) -> FieldError:
    return invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")


def _selects(selector: dict[str, Any], labels: dict[str, Any] | None) -> bool:
    wanted = selector.get("matchLabels") or {}
    return all((labels or {}).get(key) == value for key, value in wanted.items())


def _check_update(spec: dict[str, Any], old: dict[str, Any]) -> list[FieldError]:
    before = old.get("spec") or {}
    found = [
        invalid(f"spec.{key}", spec.get(key), "field is immutable")
        for key in _IMMUTABLE
        if spec.get(key) != before.get(key) and not (key == "completions" and _may_rescale(spec, before))
    ]
    template, template_before = spec.get("template") or {}, before.get("template") or {}
    if before.get("suspend") and not (old.get("status") or {}).get("startTime"):
        template, template_before = _unscheduled(template), _unscheduled(template_before)
    if template.get("metadata") != template_before.get("metadata"):
        found.append(invalid("spec.template", template, "field is immutable"))
    elif template.get("spec") != template_before.get("spec"):
        found.append(invalid("spec.template.spec", template.get("spec"), "field is immutable"))
    return found


def _may_rescale(spec: dict[str, Any], before: dict[str, Any]) -> bool:
    """An indexed Job may change its size, as long as parallelism changes with it."""
    return (
        spec.get("completionMode") == "Indexed"
        and before.get("completions") is not None
        and spec.get("completions") is not None
        and spec["completions"] == spec.get("parallelism")
    )


def _unscheduled(template: dict[str, Any]) -> dict[str, Any]:
    rest = copy.deepcopy(template)
    rest.pop("metadata", None)
    pod = rest.get("spec") or {}
    for key in _SCHEDULING:
        pod.pop(key, None)
    for group in ("containers", "initContainers"):
        for container in pod.get(group) or []:
            container.pop("resources", None)
    return rest
