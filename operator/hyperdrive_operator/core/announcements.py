"""The events of a pass: what has become true since the last status, as values. Sent only once that is written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hyperdrive_operator.api import names

from .conditions import find
from .records import Record, State


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event on a HyperDrive."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    #: One of many: others go before it where an object has too many events.
    is_minor: bool = False


_NAMED = 10  # an event has room for some

#: Condition, status that is news, and how it is told.
_NEWS: tuple[tuple[str, str, Literal["Normal", "Warning"]], ...] = (
    (names.CONDITION_STALLED, "True", "Warning"),
    (names.CONDITION_COMPLETE, "True", "Normal"),
    (names.CONDITION_FAILED, "True", "Warning"),
)


def announcements(
    old: Mapping[str, Any], new: Mapping[str, Any], ended: Sequence[Record], metric: str
) -> list[Announcement]:
    """Return what changed from one status to the next, and which trials ended without a result or before their time."""
    news = []
    if new.get("startTime") and not old.get("startTime"):
        planned = new["trials"]["planned"]
        news.append(Announcement("Normal", names.REASON_STARTED, f"started the first of {planned} trials"))
    news += [
        Announcement(
            "Warning",
            names.REASON_TRIAL_FAILED,
            f"{record.name}: {record.reason}: {record.message}",
            is_minor=True,
        )
        for record in ended
        if record.state is State.FAILED
    ]
    stopped = [record for record in ended if record.state is State.EARLY_STOPPED]
    if stopped:
        news.append(Announcement("Normal", names.REASON_TRIAL_STOPPED, _stops(stopped), is_minor=True))
    news += [
        Announcement("Normal", names.REASON_TRIALS_CANCELLED, message, is_minor=True) for message in _cancels(ended)
    ]
    if old.get("completionTime") and not new.get("completionTime"):
        news.append(
            Announcement("Normal", names.REASON_RESUMED, f"the sweep goes on: {new['progress']} trials have ended")
        )
    best = new.get("bestTrial")
    if best and best["name"] != (old.get("bestTrial") or {}).get("name"):
        news.append(Announcement("Normal", names.REASON_NEW_BEST, f"{best['name']}: {metric}={best['value']:g}"))
    for kind, status, event_type in _NEWS:
        before, after = find(old, kind), find(new, kind)
        if after.get("status") == status and (before.get("status"), before.get("reason")) != (status, after["reason"]):
            news.append(Announcement(event_type, after["reason"], after["message"]))
    return list(dict.fromkeys(news))  # a failure is also stalled: told once


def _stops(stopped: Sequence[Record]) -> str:
    """Tell of the trials that a pass has stopped: the first with its reason, the others by name; all have a record."""
    first, *others = stopped
    told = f"{first.name}: {first.reason}: {first.message}; saves about {first.seconds_saved} s"
    return f"{told}; also {_names(others)}" if others else told


def _cancels(ended: Sequence[Record]) -> list[str]:
    """Tell of the trials that a pass has cancelled: with the sweep, or alone."""
    by_cause: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in ended:
        if record.state is State.CANCELLED:
            by_cause[record.reason, record.message].append(record)
    return [f"{_names(records)}: {reason}: {message}" for (reason, message), records in by_cause.items()]


def _names(records: Sequence[Record]) -> str:
    more = f" and {len(records) - _NAMED} more" if len(records) > _NAMED else ""
    return f"{', '.join(record.name for record in records[:_NAMED])}{more}"
