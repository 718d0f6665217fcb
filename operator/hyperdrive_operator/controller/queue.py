"""WorkQueue: client-go's semantics on asyncio. A key waits at most once and is never worked on twice at a time."""

import asyncio
from collections import deque
from typing import NamedTuple


class Key(NamedTuple):
    """Which HyperDrive."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


FIRST_BACKOFF_SECONDS = 0.05
MAX_BACKOFF_SECONDS = 60.0


class WorkQueue:
    """Keys to reconcile. Not thread-safe: it belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Key] = deque()
        self._queued: set[Key] = set()
        self._busy: set[Key] = set()
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key) -> None:
        """Queue a key. One that waits already stays where it is; one that is worked on runs once more afterwards."""
        if self._is_closed:
            return
        if key in self._busy:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._waiting.append(key)
            self._arrived.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Queue a key later. Of several times the earliest counts."""
        if seconds <= 0 or self._is_closed:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None and not timer.cancelled() and timer.when() <= loop.time() + seconds:
            return
        if timer is not None:
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self._fire, key)

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

    async def get(self) -> Key:
        """Take the next key; `done` must follow."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        key = self._waiting.popleft()
        self._queued.discard(key)
        self._busy.add(key)
        self._idle.clear()
        return key

    def done(self, key: Key) -> None:
        """Give a key back. If it was added meanwhile, it is queued again."""
        self._busy.discard(key)
        if not self._busy:
            self._idle.set()
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    async def idle(self) -> None:
        """Return when no key is being worked on."""
        await self._idle.wait()

    def close(self) -> None:
        """Give out no more keys, and cancel what was to come later."""
        self._is_closed = True
        self._waiting.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _fire(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)
