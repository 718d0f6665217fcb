"""A thread that sends when there is something new, not too often, and at once when it is asked to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Optional

#: The longest pause after failures.
MAX_PAUSE_SECONDS = 300.0

#: One try to send what is new.
Attempt = Callable[[], "Outcome"]
Wakeup = Optional["SimpleQueue[bool]"]


class Outcome:
    """How a try ended."""

    __slots__ = ("is_sent", "retry_after")

    def __init__(self, *, is_sent: bool, retry_after: float | None = None) -> None:
        self.is_sent = is_sent
        self.retry_after = retry_after


def pause_after(outcome: Outcome, failures: int, interval: float) -> float:
    """Return the seconds until the next try: the interval, doubled with each failure in a row."""
    if outcome.is_sent:
        return interval
    return min(max(interval * 2.0 ** min(failures, 16), outcome.retry_after or 0.0), MAX_PAUSE_SECONDS)


class Sender:
    """The thread. `news` and `flush` may be called by any thread and by a signal handler: a SimpleQueue allows that."""

    def __init__(self, attempt: Attempt, *, interval_seconds: float) -> None:
        self._attempt = attempt
        self._interval = interval_seconds
        self._wakeups: SimpleQueue[Wakeup] = SimpleQueue()
        self._is_awake = False
        self._not_before = 0.0
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="hyperdrive", daemon=True)

    def start(self) -> None:
        """Begin. RuntimeError if the interpreter is on its way out."""
        self._thread.start()

    def news(self) -> None:
        """Say that there is something to send. Costs nothing if that has been said already."""
        if not self._is_awake:
            self._is_awake = True
            self._wakeups.put(None)

    def flush(self, timeout: float) -> bool:
        """Have all sent that is new, now; wait for it at most so long. Tell whether it was sent."""
        done: SimpleQueue[bool] = SimpleQueue()
        self._wakeups.put(done)
        try:
            return done.get(timeout=timeout)
        except Empty:
            return False

    def hurry(self) -> None:
        """Have all sent that is new, now, without waiting for it."""
        self._wakeups.put(SimpleQueue())

    def _run(self) -> None:
        while True:
            waiting = self._next_work()
            self._is_awake = False  # before the attempt: what comes from here on asks anew
            outcome = self._attempt()
            self._failures = 0 if outcome.is_sent else self._failures + 1
            self._not_before = time.monotonic() + pause_after(outcome, self._failures, self._interval)
            for done in waiting:
                done.put(outcome.is_sent)
            if not outcome.is_sent:
                self.news()

    def _next_work(self) -> list[SimpleQueue[bool]]:
        """Wait until there is something to do, and until it may be done; return those who wait for it."""
        waiting = [wakeup] if (wakeup := self._wakeups.get()) is not None else []
        while not waiting and (pause := self._not_before - time.monotonic()) > 0:
            try:
                wakeup = self._wakeups.get(timeout=pause)
            except Empty:
                break
            waiting += [wakeup] if wakeup is not None else []
        return waiting
