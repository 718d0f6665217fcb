"""How much may be written now beside what must be: one allowance for all sweeps, whatever their trials do."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from hyperdrive_operator.core.pacing import MAX_PER_SECOND, Pace, interval

#: Finished Jobs that are deleted, at most so many a second: each has pods, that others have to delete.
DELETIONS_PER_SECOND: Final = 20


class Bucket:
    """A token bucket that holds what comes in a second. Not thread-safe: it belongs to the controller's event loop."""

    def __init__(self, clock: Callable[[], datetime], per_second: int) -> None:
        self._clock = clock
        self._per_second = per_second
        self._tokens = float(per_second)
        self._filled = clock()

    def allowance(self) -> int:
        """Return how many tokens there are now."""
        now = self._clock()
        self._tokens += (now - self._filled).total_seconds() * self._per_second
        self._tokens = min(self._tokens, self._per_second)
        self._filled = now
        return max(int(self._tokens), 0)

    def spend(self, count: int) -> None:
        """Take off what is being written."""
        self._tokens -= count


class Pacer:
    """How many records of running trials may be written."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._bucket = Bucket(clock, MAX_PER_SECOND)
        self._running: dict[str, int] = {}

    def pace(self, sweep_uid: str, running: int) -> Pace:
        """Return how fast a sweep's reports may be recorded, given how many of its trials run."""
        self._running[sweep_uid] = running
        return Pace(interval(sum(self._running.values())), self._bucket.allowance())

    def spend(self, writes: int) -> None:
        """Take off what is being written."""
        self._bucket.spend(writes)

    def forget(self, sweep_uid: str) -> None:
        """Let go of a sweep that is no more."""
        self._running.pop(sweep_uid, None)
