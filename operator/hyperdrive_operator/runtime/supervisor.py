"""Starts everything in order, waits, and stops everything, within seconds, whatever state it is in.

Crash-only: what ends by itself ends the process, with one line that says what it was. The next start reads everything
anew, as after a kill.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Final

from hyperdrive_operator import __version__
from hyperdrive_operator.controller.leadership import Alone
from hyperdrive_operator.core.election import Timing
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import KubeConfigError
from hyperdrive_operator.kube.events import EventRecorder

from .config import Config
from .election import Elector
from .http import HttpServer
from .interface import ControllerFactory, ControllerLike
from .readiness import wait_for_cluster
from .streams import Streams, streams_into
from .telemetry import Telemetry

logger = logging.getLogger(__name__)

COMPONENT: Final = "hyperdrive-operator"
USER_AGENT: Final = f"{COMPONENT}/{__version__}"
# At the end: for requests under way and for reports that were read and not recorded; then, the Lease given back,
# for events that are still to be written.
DRAIN_SECONDS: Final = 2.5
FLUSH_SECONDS: Final = 1.0
# The controller gives a sign of life each few seconds, also when nothing happens.
HEARTBEAT_SECONDS: Final = 60.0

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2


class StartError(Exception):
    """The operator can't start as it is told to: a person must change a setting."""


class EndedError(Exception):
    """Something that should go on for ever has come to an end."""


class Supervisor:
    """Owns all tasks and threads of the process."""

    def __init__(
        self, config: Config, make_controller: ControllerFactory, *, on_stopping: Callable[[], None] = lambda: None
    ) -> None:
        self._config = config
        self._make_controller = make_controller
        self._on_stopping = on_stopping
        self._telemetry = Telemetry(best_values=config.best_values)
        self._stop = asyncio.Event()
        self._controller: ControllerLike | None = None
        self._streams: Streams | None = None
        self._election: Elector | Alone = Alone()
        self._started_at = 0.0
        self._waiting_for = "starting"
        self._work_task: asyncio.Task[None] | None = None
        #: The port of /metrics and the probes, once they are served.
        self.port = 0

    def stop(self) -> None:
        """Ask for the end. In the loop; a signal does. The second time nothing is waited for."""
        self._on_stopping()
        if self._stop.is_set() and self._work_task is not None:
            self._work_task.cancel()
        self._stop.set()

    async def run(self) -> int:
        """Run until stopped or until something fails. Returns the exit status."""
        work = self._work_task = asyncio.create_task(self._work(), name="work")
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not work.done():
            await self._drain(work)
        work.cancel()  # does nothing to a task that is done
        try:
            await work
        except asyncio.CancelledError:
            logger.info("stopped")
            return EXIT_OK
        except (KubeConfigError, StartError) as error:
            logger.error(str(error))
            return EXIT_USAGE
        except Exception as error:  # noqa: BLE001  # the top of the process
            return _report(error)
        raise AssertionError("work goes on until it is cancelled or fails")

    async def _drain(self, work: asyncio.Task[None]) -> None:
        """Let the controller finish what it has begun, as long as there is time and nothing fails."""
        if self._controller is None or not self._election.is_held:
            return
        drained = asyncio.create_task(self._controller.drain(), name="drain")
        await asyncio.wait({work, drained}, timeout=DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not drained.done():
            logger.warning("not all that was begun is finished; the next start does the rest")
        drained.cancel()
        await asyncio.gather(drained, return_exceptions=True)

    async def _work(self) -> None:
        async with AsyncExitStack() as stack:
            try:
                await self._start_and_wait(stack)
            finally:  # before the stack unwinds: that is what may take too long
                self._on_stopping()

    async def _start_and_wait(self, stack: AsyncExitStack) -> None:
        config = self._config
        client = await KubeClient.connect(
            kubeconfig=config.kubeconfig,
            context=config.context,
            user_agent=USER_AGENT,
            on_request=self._telemetry.request,
            may_write=lambda: self._election.is_held,
        )
        stack.push_async_callback(client.close)
        await self._serve_http(stack)
        logger.info("starting", extra={"version": __version__, "server": client.server})
        await wait_for_cluster(client, config.namespaces, config.leader_elect, self._set_waiting)

        recorder = EventRecorder(client, COMPONENT, config.instance)
        stack.push_async_callback(_flush, recorder)
        election = await self._stand_for_election(stack)
        controller = self._make_controller(
            client,
            recorder,
            self._telemetry,
            namespaces=config.namespaces,
            workers=config.workers,
            resync_seconds=config.resync_seconds,
        )
        self._started_at, self._controller = asyncio.get_running_loop().time(), controller
        streams = self._streams = streams_into(controller, client, config, self._set_waiting)
        stack.push_async_callback(streams.stop)
        async with asyncio.TaskGroup() as group:
            group.create_task(_for_ever("the controller", controller.run(self._election)), name="controller")
            group.create_task(_for_ever("the event recorder", recorder.run()), name="events")
            group.create_task(_for_ever("kopf", streams.run()), name="kopf")
            if election is not None:
                group.create_task(_for_ever("the election", election.run()), name="election")

    async def _stand_for_election(self, stack: AsyncExitStack) -> Elector | None:
        config = self._config
        if config.leader_elect is None:
            self._telemetry.leader(is_held=True)
            return None
        # Connections of its own: a renewal must not wait behind thirty requests that hang.
        client = await KubeClient.connect(
            kubeconfig=config.kubeconfig,
            context=config.context,
            user_agent=USER_AGENT,
            on_request=self._telemetry.request,
        )
        stack.push_async_callback(client.close)
        # A pod's name is no other's: its container, started again, is the leader it was. Hosts may be called alike.
        identity = config.instance if config.is_pod else f"{config.instance}_{secrets.token_hex(4)}"
        self._election = elector = Elector(
            client,
            config.leader_elect,
            identity,
            Timing(config.lease_duration_seconds),
            clock=lambda: datetime.now(UTC),
            on_change=lambda is_held: self._telemetry.leader(is_held=is_held),
        )
        stack.push_async_callback(elector.release)  # the first thing after the controller has ended
        return elector

    async def _serve_http(self, stack: AsyncExitStack) -> None:
        if self._config.listen is None:
            return
        server = HttpServer(
            self._config.listen,
            metrics=self._telemetry.render,
            healthy=self.health_problem,
            ready=self.ready_problem,
            role=lambda: self._election.role,
        )
        try:
            await server.start()
        except OSError as error:
            raise StartError(f"--listen: {error.strerror or error}; give another ADDRESS:PORT, or off") from error
        self.port = server.port
        stack.push_async_callback(server.stop)

    def _set_waiting(self, problem: str) -> None:
        self._waiting_for = problem

    def health_problem(self) -> str:
        """Say why the process should be killed; empty if it should not."""
        if self._controller is not None:
            silence = asyncio.get_running_loop().time() - max(self._controller.heartbeat, self._started_at)
            if silence > HEARTBEAT_SECONDS:
                return f"no sign of life from the controller for {silence:.0f} s"
        return ""

    def ready_problem(self) -> str:
        """Say why the operator could do no work yet; empty if it could. A replica that stands by is ready."""
        if self._controller is None:
            return self._waiting_for or "starting"
        if self._streams is not None and self._streams.is_broken:
            return self._waiting_for or "the watch has ended and is begun anew"
        return self._controller.problem or ("" if self._controller.synced else "reading the cluster's objects")


async def _for_ever(what: str, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as error:
        raise EndedError(f"{what} failed: {type(error).__name__}: {error}") from error
    raise EndedError(f"{what} has ended by itself")


async def _flush(recorder: EventRecorder) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(FLUSH_SECONDS):
            await recorder.flush()


def _report(error: BaseException) -> int:
    """Log what ended the operator: one line, and the traceback of what it was not made for."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, EndedError):
        logger.error("failed: %s", error, exc_info=error)
    else:
        logger.error(str(error), exc_info=error.__cause__)
    return EXIT_FAILED
