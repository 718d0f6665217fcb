"""WorkQueue: client-go's semantics on asyncio, but for one: a pass that only waits for its writes keeps none waiting.

A key waits at most once, and no two passes decide about it at a time. Once one has decided, the next may begin, though
the writes of the first are still under way: what has happened since shall not wait for the API server's answers.
"""

import asyncio
from collections import Counter, deque
from typing import Final, NamedTuple


class Key(NamedTuple):
    """Which HyperDrive."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


FIRST_BACKOFF_SECONDS: Final = 0.05
MAX_BACKOFF_SECONDS: Final = 60.0
#: Passes of one key whose writes are under way: one that gets no answers must not hold more.
MAX_OPEN: Final = 8
#: From one decision about a key to the next: what comes within it is decided at once. It bounds what a busy sweep
#: costs, and is no more than a request to the API server takes.
SPACING_SECONDS: Final = 0.01
#: And so many times what the decision took: a sweep of a thousand running trials leaves most of the time to others.
SPACING_FACTOR: Final = 4.0
#: Keys whose last decision is kept: of those that have waited longer than the spacing it says nothing.
MAX_DECISIONS: Final = 1_000


class Turn:
    """One pass over a key: it decides, and is done. Both happen once, whoever says so how often."""

    def __init__(self, queue: "WorkQueue", key: Key) -> None:
        self._queue = queue
        self._is_deciding = True
        self._is_open = True
        self.key = key

    def decided(self, foreseen: float | None = None) -> None:
        """Let the next pass of this key begin: this one only waits for its writes.

        In so many `foreseen` seconds it begins whatever becomes of them: a deadline does not wait for their answers.
        """
        if self._is_deciding:
            self._is_deciding = False
            self._queue.end_decision(self.key)
            if foreseen is not None:
                self._queue.add_after(self.key, foreseen)

    def done(self) -> None:
        """End the pass. If its key was added meanwhile, it is queued again."""
        self.decided()
        if self._is_open:
            self._is_open = False
            self._queue.end_pass(self.key)


class WorkQueue:
    """Keys to reconcile. Not thread-safe: it belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Key] = deque()
        self._queued: set[Key] = set()
        #: Keys about which a pass decides and since when, how many passes of each are under way, and when the next may
        #: decide.
        self._deciding: dict[Key, float] = {}
        self._open: Counter[Key] = Counter()
        self._free_at: dict[Key, float] = {}
        self._again: set[Key] = set()
        #: When each key is to come, and what brings it then.
        self._timers: dict[Key, tuple[float, asyncio.Handle]] = {}
        self._failures: dict[Key, int] = {}
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key) -> None:
        """Queue a key. One that waits stays where it is; one that is decided about comes once more afterwards."""
        if self._is_closed or key in self._queued:
            return
        if key in self._deciding or self._open[key] >= MAX_OPEN:
            self._again.add(key)
            return
        loop = asyncio.get_running_loop()
        early = self._free_at.get(key, 0.0) - loop.time()
        if early > 0:
            self._set_timer(key, early)
            return
        self._queued.add(key)
        self._waiting.append(key)
        self._arrived.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Queue a key later. Of several times the earliest counts."""
        if seconds <= 0 or self._is_closed:
            self.add(key)
            return
        self._set_timer(key, seconds)

    def add_failed(self, key: Key) -> float:
        """Queue a key that failed, later each time in a row; return the seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        seconds = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 32), MAX_BACKOFF_SECONDS)
        self.add_after(key, seconds)
        return seconds

    def forget_failures(self, key: Key) -> None:
        """Let the next failure of a key be its first again."""
        self._failures.pop(key, None)

    async def get(self) -> "Turn":
        """Take the next key, for a pass."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        key = self._waiting.popleft()
        self._queued.discard(key)
        self._cancel_timer(key)  # this pass looks at all there is, and says what it foresees once it has decided
        self._deciding[key] = asyncio.get_running_loop().time()
        self._open[key] += 1
        self._idle.clear()
        return Turn(self, key)

    async def idle(self) -> None:
        """Return when no pass is under way."""
        await self._idle.wait()

    def close(self) -> None:
        """Give out no more keys, and cancel what was to come later."""
        self._is_closed = True
        self._waiting.clear()
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def end_decision(self, key: Key) -> None:
        """Let the next pass of a key begin. For its Turn."""
        now, began = asyncio.get_running_loop().time(), self._deciding.pop(key)
        self._free_at[key] = max(began + SPACING_SECONDS, now + SPACING_FACTOR * (now - began))
        if len(self._free_at) > MAX_DECISIONS:
            self._free_at = {key: at for key, at in self._free_at.items() if at > now}
        self._add_again(key)

    def end_pass(self, key: Key) -> None:
        """Note that all of a pass is done. For its Turn."""
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]
        if not self._open:
            self._idle.set()
        self._add_again(key)

    def _add_again(self, key: Key) -> None:
        if key in self._again and key not in self._deciding and self._open[key] < MAX_OPEN:
            self._again.discard(key)
            self.add(key)

    def _set_timer(self, key: Key, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        planned, timer = self._timers.get(key, (due, None))
        if timer is not None:
            if planned <= due:
                return
            timer.cancel()
        self._timers[key] = (due, loop.call_later(seconds, self._fire, key))

    def _cancel_timer(self, key: Key) -> None:
        _, timer = self._timers.pop(key, (0.0, None))
        if timer is not None:
            timer.cancel()

    def _fire(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)
