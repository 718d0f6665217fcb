"""Keeps the watch going for ever: what ends kopf, a CRD that is deleted, say, is waited out, and kopf begun anew.

A new process would do the same, but the kubelet lets it wait for up to five minutes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import Kind, Object

from .config import Config
from .interface import ControllerLike
from .readiness import wait_for_cluster
from .watch import KopfWatcher

logger = logging.getLogger(__name__)

#: Pauses before kopf is begun anew, longer each time that it ends soon after.
PAUSES_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
#: One that has lived so long was well: what ended it then is another trouble.
HEALTHY_SECONDS: Final = 60.0
#: So often in a row is enough: whatever it is, a new process may do better.
MAX_FAILURES: Final = 12
#: After so long kopf has asked for all it has found. A CRD that was deleted between our wait for it and kopf's look at
#: it, which is its only one, would else never be watched.
DISCOVERY_SECONDS: Final = 20.0
#: For kopf's end, when it is told to; one that does not heed it is left behind. The second is for the process's end.
STOP_SECONDS: Final = 10.0
JOIN_SECONDS: Final = 1.0


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

    async def stop(self) -> None:
        """End the watch, soon."""
        if self.watcher is None:
            return
        self.watcher.stop()
        if not await asyncio.to_thread(self.watcher.join, JOIN_SECONDS):
            logger.debug("kopf's thread is left behind")


def streams_into(
    controller: ControllerLike, client: KubeClient, config: Config, on_waiting: Callable[[str], None]
) -> Streams:
    """Make the streams that tell the controller, which lives in this loop, of all that they bring."""
    loop = asyncio.get_running_loop()

    def hand_over(kind: Kind, event_type: str | None, body: Object) -> None:
        with suppress(RuntimeError):  # the loop is closed: we are on our way out
            loop.call_soon_threadsafe(controller.observe, kind, event_type, body)

    def relist() -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(controller.relist_soon)

    def make() -> KopfWatcher:
        return KopfWatcher(
            kubeconfig=config.kubeconfig,
            context=config.context,
            namespaces=config.namespaces,
            on_event=hand_over,
            on_list=relist,
        )

    return Streams(make, lambda: wait_for_cluster(client, config.namespaces, config.leader_elect, on_waiting))


async def _end_of(watcher: KopfWatcher) -> Exception:
    """Wait for a watcher's end, and return why. One that overlooks something is ended."""
    end = asyncio.wrap_future(watcher.finished)
    overlooked: tuple[str, ...] = ()
    try:
        await asyncio.wait({end}, timeout=DISCOVERY_SECONDS)
        overlooked = () if end.done() else watcher.overlooked
        if overlooked:
            watcher.stop()
        async with asyncio.timeout(STOP_SECONDS if overlooked else None):
            await end
    except TimeoutError:
        logger.debug("kopf's thread is left behind")
    except Exception as error:  # noqa: BLE001  whatever it is: kopf raises what its streams, tasks and sessions raise
        return error
    finally:
        end.cancel()  # else nobody would take its exception
    return RuntimeError(f"kopf has not found {', '.join(overlooked)}" if overlooked else "kopf has ended by itself")
