"""Conditions, after metav1.Condition: found by type, and a transition time that moves only when the status flips."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hyperdrive_operator.api.v1alpha1 import Condition

from . import timestamps

Truth = Literal["True", "False", "Unknown"]

_MESSAGE_LIMIT = 4096  # a person reads it; the schema would take 32 KiB


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition without its times."""

    type: str
    status: Truth
    reason: str
    message: str


def truth(*, holds: bool) -> Truth:
    """Return a condition's status for a plain yes or no."""
    return "True" if holds else "False"


def dated(
    findings: Iterable[Finding], previous: Iterable[Mapping[str, Any]], *, generation: int, now: datetime
) -> list[Condition]:
    """Return the conditions; one whose status is as before keeps its transition time."""
    before = {condition.get("type"): condition for condition in previous}
    return [_dated(finding, before.get(finding.type), generation, now) for finding in findings]


def find(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return a condition of a status by its type, or an empty mapping."""
    return next((condition for condition in status.get("conditions") or () if condition.get("type") == kind), {})


def _dated(finding: Finding, before: Mapping[str, Any] | None, generation: int, now: datetime) -> Condition:
    has_stayed = before is not None and before.get("status") == finding.status
    since = (before or {}).get("lastTransitionTime") if has_stayed else None
    return Condition(
        type=finding.type,
        status=finding.status,
        reason=finding.reason,
        # half a character, which JSON can hold and no message can, becomes a question mark
        message=finding.message[:_MESSAGE_LIMIT].encode(errors="replace").decode(),
        last_transition_time=since or timestamps.text(now),
        observed_generation=generation,
    )
