"""Rules of apps/v1 Deployments."""

from typing import Any

from hyperdrive_local.schema.builtin.pods import check_pod_template
from hyperdrive_local.schema.errors import FieldError, invalid, not_supported, required


def check_deployment(obj: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
    """Check replicas, selector and template."""
    spec = obj.get("spec") or {}
    found: list[FieldError] = []
    if (spec.get("replicas") or 0) < 0:
        found.append(invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0"))
    selector, template = spec.get("selector"), spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    if selector is None:
        found.append(required("spec.selector"))
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        found.append(invalid("spec.selector", selector, "empty selector is invalid for deployment"))
    wanted = (selector or {}).get("matchLabels") or {}
    if selector is None or any((labels or {}).get(key) != value for key, value in wanted.items()):
        detail = "`selector` does not match template `labels`"
        found.append(invalid("spec.template.metadata.labels", labels, detail))
    found += check_pod_template(template, "spec.template")
    policy = (template.get("spec") or {}).get("restartPolicy") or "Always"
    if policy != "Always":
        found.append(not_supported("spec.template.spec.restartPolicy", policy, ["Always"]))
    if old is not None and selector != (old.get("spec") or {}).get("selector"):
        found.append(invalid("spec.selector", selector, "field is immutable"))
    return found
