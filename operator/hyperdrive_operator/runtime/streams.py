"""Keeps the watch going for ever: what ends kopf, a CRD that is deleted, say, is waited out, and kopf begun anew.

A new process would do the same, but the kubelet lets it wait for up to five minutes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from .watch import KopfWatcher

logger = logging.getLogger(__name__)

#: Pauses before kopf is begun anew, longer each time that it ends soon after.
PAUSES_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
#: One that has lived so long was well: what ended it then is another trouble.
HEALTHY_SECONDS: Final = 60.0
#: So often in a row is enough: whatever it is, a new process may do better.
MAX_FAILURES: Final = 12


class Streams:
    """Owns the one watcher that runs now. `make` makes another, `wait` returns when it can do its work."""

    def __init__(self, make: Callable[[], KopfWatcher], wait: Callable[[], Awaitable[None]]) -> None:
        self._make = make
        self._wait = wait
        self.watcher: KopfWatcher | None = None

    @property
    def is_broken(self) -> bool:
        """Nothing is watched for now."""
        return self.watcher is not None and self.watcher.finished.done()

    async def run(self) -> None:
        """Watch until cancelled. Raises what ended kopf when it does so again and again."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            self.watcher = self._make()
            self.watcher.start()
            began = loop.time()
            error = await _end_of(self.watcher)
            failures = 1 if loop.time() - began >= HEALTHY_SECONDS else failures + 1
            if failures > MAX_FAILURES:
                raise error
            pause = PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS)) - 1]
            logger.warning("the watch has ended and is begun anew", extra={"error": repr(error), "seconds": pause})
            await asyncio.sleep(pause)
            await self._wait()


async def _end_of(watcher: KopfWatcher) -> Exception:
    """Wait for a watcher's end, and return why."""
    try:
        await asyncio.wrap_future(watcher.finished)
    except Exception as error:  # noqa: BLE001  whatever it is: kopf raises what its streams, tasks and sessions raise
        return error
    return RuntimeError("kopf has ended by itself")
