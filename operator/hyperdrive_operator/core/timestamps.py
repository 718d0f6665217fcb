"""Kubernetes' timestamps: RFC 3339 in UTC, to the second."""

from datetime import UTC, datetime


def parse(text: object) -> datetime | None:
    """Return the moment, or None for anything that is no timestamp."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter: the year 1 or 9999, in a zone that makes it another
        return None


def text(moment: datetime) -> str:
    """Return the moment as Kubernetes writes it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
