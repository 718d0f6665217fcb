"""SIGTERM: how a pod is told that it is to end. The script's own handler stays in charge."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any, Callable, Optional, Protocol, Union

#: What signal.getsignal gives for a handler of Python's. Evaluated, and Python 3.9 has no X | None.
Handler = Union[Callable[[int, Optional[FrameType]], Any], int, signal.Handlers]


class Stoppable(Protocol):
    """What is to know of it."""

    def stop(self) -> None:
        """Take note, and send what is new."""

    def flush(self, timeout: float) -> bool:
        """Send what is new and wait for it."""


class Termination:
    """A handler in front of the one that was there.

    * The script has a handler: it is called as ever.
    * The script has asked should_stop(): it ends by itself, and nothing else is done here.
    * Neither: what is new is sent, and the process dies of the signal, as it would have without us.
    """

    def __init__(self, reporter: Stoppable, *, flush_seconds: float) -> None:
        self._reporter = reporter
        self._flush_seconds = flush_seconds
        self._previous: Handler = signal.SIG_DFL
        #: Set by should_stop().
        self.is_awaited = False

    def install(self) -> None:
        """Take the signal, unless the script ignores it or its handler is not Python's. Main thread only."""
        previous = signal.getsignal(signal.SIGTERM)
        if previous is None or previous is signal.SIG_IGN:
            return
        self._previous = previous
        signal.signal(signal.SIGTERM, self.handle)

    def remove(self) -> None:
        """Give the signal back, unless the script has taken it meanwhile. Main thread only."""
        if signal.getsignal(signal.SIGTERM) == self.handle:
            signal.signal(signal.SIGTERM, self._previous)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        self._reporter.stop()
        if callable(self._previous):
            self._previous(number, frame)
        elif not self.is_awaited:
            self._reporter.flush(self._flush_seconds)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            os._exit(128 + number)  # the first process of a container does not die of a signal
