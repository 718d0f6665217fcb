"""How many records of running trials may be written now: one allowance for all sweeps, whatever their trials report."""

from collections.abc import Callable
from datetime import datetime

from hyperdrive_operator.core.pacing import MAX_PER_SECOND, Pace, interval


class Pacer:
    """A token bucket. Not thread-safe: it belongs to the controller's event loop."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._tokens = float(MAX_PER_SECOND)
        self._filled = clock()
        self._running: dict[str, int] = {}

    def pace(self, sweep_uid: str, running: int) -> Pace:
        """Return how fast a sweep's reports may be recorded, given how many of its trials run."""
        self._running[sweep_uid] = running
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._filled).total_seconds() * MAX_PER_SECOND, MAX_PER_SECOND)
        self._filled = now
        return Pace(interval(sum(self._running.values())), max(int(self._tokens), 0))

    def spend(self, writes: int) -> None:
        """Take off what is being written."""
        self._tokens -= writes

    def forget(self, sweep_uid: str) -> None:
        """Let go of a sweep that is no more."""
        self._running.pop(sweep_uid, None)
