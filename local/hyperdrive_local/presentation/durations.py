"""Lengths of time as kubectl's tables show them."""

import datetime

MINUTE, HOUR, DAY = 60, 3600, 86400
YEAR = 365 * DAY

# up to how many seconds, the unit, and the smaller unit shown beside it
STEPS: tuple[tuple[int, tuple[int, str], tuple[int, str] | None], ...] = (
    (2 * MINUTE, (1, "s"), None),
    (10 * MINUTE, (MINUTE, "m"), (1, "s")),
    (3 * HOUR, (MINUTE, "m"), None),
    (8 * HOUR, (HOUR, "h"), (MINUTE, "m")),
    (2 * DAY, (HOUR, "h"), None),
    (8 * DAY, (DAY, "d"), (HOUR, "h")),
    (2 * YEAR, (DAY, "d"), None),
    (8 * YEAR, (YEAR, "y"), (DAY, "d")),
)


def human(seconds: float) -> str:
    """About as much as a person wants to know: `45s`, `3m20s`, `5h`, `12d`."""
    if seconds < -1:
        return "<invalid>"
    whole = max(0, int(seconds))
    for limit, (unit, name), smaller in STEPS:
        if whole < limit:
            text = f"{whole // unit}{name}"
            rest = whole % unit // smaller[0] if smaller else 0
            return f"{text}{rest}{smaller[1]}" if smaller and rest else text
    return f"{whole // YEAR}y"


def parse(timestamp: str) -> datetime.datetime | None:
    """A point in time as objects carry it; None if it is none."""
    try:
        time = datetime.datetime.fromisoformat(timestamp)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else None


def since(timestamp: str | None, now: datetime.datetime | None = None) -> str:
    """How long ago that was; `<unknown>` without a time."""
    time = parse(timestamp) if timestamp else None
    if time is None:
        return "<unknown>"
    return human(((now or datetime.datetime.now(datetime.UTC)) - time).total_seconds())


def between(start: str | None, end: str | None) -> str:
    """From one point in time to another, or until now if there is no other; empty if it has not begun."""
    first = parse(start) if start else None
    if first is None:
        return ""
    last = parse(end) if end else None
    return human(((last or datetime.datetime.now(datetime.UTC)) - first).total_seconds())
