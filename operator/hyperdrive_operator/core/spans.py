"""When the pods of a trial ran: the time between the start and the end of each, and the gaps between them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from . import timestamps
from .pods import Pod

_ENDED = ("Succeeded", "Failed")


class Span(NamedTuple):
    """When a pod ran. `end` is None while it does; `created` is on the API server's clock, whatever its node's says."""

    created: datetime
    start: datetime
    end: datetime | None


class Ran(NamedTuple):
    """For how long a trial has run, and up to when that counts: what is later comes to it."""

    seconds: int = 0
    until: datetime | None = None


def read_ran(told: Any) -> Ran:
    """Read what a record says of the time that its trial has run."""
    told = told if isinstance(told, Mapping) else {}
    seconds = told.get("seconds")
    return Ran(seconds if isinstance(seconds, int) else 0, timestamps.parse(told.get("time")))


def spans_of(pods: Iterable[Pod]) -> tuple[Span, ...]:
    """Return when each of these pods ran that has begun to, the first start first."""
    return tuple(sorted((span for pod in pods if (span := span_of(pod))), key=lambda span: span.start))


def span_of(pod: Pod) -> Span | None:
    """Return when a pod ran; None if it has not begun to, or says nothing of when."""
    # a container that is started again forgets when it first was
    start = pod.admitted if pod.restarts and pod.admitted else pod.started
    if start is None or pod.phase not in {"Running", *_ENDED}:
        return None
    created = timestamps.parse(pod.created) or start
    # no pod runs before it is created: its node's clock is slow by so much at least
    slow = max(created - start, timedelta())
    return Span(created, start + slow, _end(pod, start, slow))


def _end(pod: Pod, start: datetime, slow: timedelta) -> datetime | None:
    if pod.phase not in _ENDED:
        return None
    if pod.ended is not None:
        return pod.ended + slow
    # one that was lost with its node tells no end of its container, and one that was refused by its node had none
    return pod.disrupted_at or (start + slow if pod.phase == "Failed" else None)


def ran(spans: Sequence[Span], since: datetime, until: datetime) -> timedelta:
    """Return for how long any of the pods ran between two times, at the first of which one did.

    That one may be gone: then it ran until the next was created, or until the end if there is no other.
    """
    later = [span for span in spans if span.end is None or span.end > since]
    if not later:
        return max(until - since, timedelta())
    position = since
    if all(span.created > since for span in later):
        position = max(since, min(until, *(span.created for span in later)))
    total = position - since
    for span in later:
        end = min(span.end or until, until)
        # one that was there at the time had begun, though its node's clock may say otherwise
        start = max(position, span.start if span.created > since else since)
        if end > start:
            total += end - start
            position = end
    return total
