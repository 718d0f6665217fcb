"""The controller: informers and a relist of the sweeps keep the cache true, workers go through the queue."""

import asyncio
import itertools
import logging
import random
from collections import Counter
from collections.abc import Callable, Set
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from hyperdrive_operator.api import names
from hyperdrive_operator.core.conditions import find
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import ClusterError, ConflictError, ThrottledError
from hyperdrive_operator.kube.events import EventRecorder
from hyperdrive_operator.kube.kinds import CHILDREN, HYPERDRIVE_TRIALS, HYPERDRIVES, Kind, Object
from hyperdrive_operator.kube.logcontext import log_context
from hyperdrive_operator.optimizer.process import Optimizer

from .cache import Cache
from .informer import Informer, take_in
from .leadership import Alone, Leadership
from .logs import LogReader
from .proposals import OptimizerLike, Proposer
from .queue import Key, Turn, WorkQueue
from .reconciler import CALM, Reconciler
from .telemetry import Telemetry

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 1.0
#: Pause after a relist that failed.
RELIST_RETRY_SECONDS: Final = 5.0
#: Streams that have begun anew do so together: one relist, so long after the first of them, is for all.
STREAMS_SECONDS: Final = 2.0
#: And no more often than that, however often they break.
RELIST_INTERVAL_SECONDS: Final = 20.0
#: What the trials of all sweeps are counted by: fields of HyperDrive.status.trials.
TRIAL_STATES: Final = ("queued", "running", "succeeded", "failed", "earlyStopped", "cancelled")

_OWNERS: Final = {HYPERDRIVE_TRIALS: HYPERDRIVES}


def utc_now() -> datetime:
    """Return the time of this machine, aware of its zone."""
    return datetime.now(UTC)


class Controller:
    """Owns cache and queue. All of it lives in one event loop.

    Sweeps come from outside, by `observe`; their trials, Jobs and pods it watches itself, being a thousand times more.
    """

    def __init__(
        self,
        client: KubeClient,
        recorder: EventRecorder,
        telemetry: Telemetry,
        *,
        namespaces: tuple[str, ...] = (),
        workers: int = 32,
        resync_seconds: float = 600.0,
        clock: Callable[[], datetime] = utc_now,
        optimizer: OptimizerLike | None = None,
    ) -> None:
        self._client = client
        self._is_at_work = False
        self._telemetry = telemetry
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._workers = workers
        self._resync_seconds = resync_seconds
        self._cache = Cache()
        self._queue = WorkQueue()
        self._passes = itertools.count(1)
        self._logs = LogReader(client, self._cache, self._queue.add)
        self._proposer = Proposer(
            optimizer or Optimizer(), self._cache, self._queue.add, clock=clock, on_answer=telemetry.proposed
        )
        self._reconciler = Reconciler(
            client,
            self._cache,
            recorder,
            self._logs,
            self._proposer,
            telemetry=telemetry,
            clock=clock,
            on_place=self._queue.add,
        )
        self._informers = [
            Informer(client, self, kind, selector, namespace, resync_seconds=resync_seconds, owners=_OWNERS.get(kind))
            for kind, selector in CHILDREN
            for namespace in self._namespaces
        ]
        self._streams_began = asyncio.Event()
        self.synced = False
        self.heartbeat = 0.0

    @property
    def problem(self) -> str:
        """Why not all that happens is heard of for now; empty if it is."""
        return next((informer.problem for informer in self._informers if informer.problem), "")

    def observe(self, kind: Kind, event_type: str | None, body: Object) -> None:
        """Take in what a list or a watch saw. To be called in the controller's loop."""
        key = self._cache.observe(kind, event_type, body)
        if key is None or not self._is_at_work:
            return
        if self._cache.may_wait(kind, body["metadata"]["uid"]):
            self._queue.add_after(key, CALM.total_seconds())
        else:
            self._queue.add(key)

    def mark(self) -> int:
        """Return a mark of what was taken in so far."""
        return self._cache.mark()

    def forget_others(self, kind: Kind, namespace: str | None, listed: Set[str], mark: int) -> None:
        """Forget what a list lacked (it holds uids) and was not taken in after the mark."""
        for key in self._cache.forget_others(kind, listed, mark, namespace):
            if self._is_at_work:
                self._queue.add(key)

    def relist_soon(self) -> None:
        """List the sweeps again: what was deleted before a stream began anew, it does not tell."""
        self._streams_began.set()

    async def run(self, leadership: Leadership | None = None) -> None:
        """Work until cancelled. Raises only what is a bug.

        As long as another replica is the leader we only watch, so that we can take over at once.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._beat(), name="heartbeat")
                for informer in self._informers:
                    tasks.create_task(informer.run(), name="informer")
                await self._first_relist()
                self.synced = True
                tasks.create_task(self._resync(), name="resync")
                await (leadership or Alone()).wait()
                self._take_over()
                await self._work(tasks)
        finally:
            self._queue.close()
            self._is_at_work = False
            try:
                await self._logs.close()
                await self._proposer.close()
            finally:
                self._count()  # who leads no more shows nothing, however long its port is open

    async def drain(self) -> None:
        """Begin nothing new; return when the passes under way have ended and what was read of reports is recorded."""
        self._queue.close()
        self._reconciler.finish()
        await self._queue.idle()
        for sweep in self._cache.sweeps():
            await self._reconciler.record_reports(sweep)

    def _take_over(self) -> None:
        """Begin as after a restart: what the leader before us has recorded counts, not what we saw beside it."""
        self._cache.forget_reports()
        self._is_at_work = True
        self._queue_all()

    def _queue_all(self) -> None:
        if self._is_at_work:
            for sweep in self._cache.sweeps():
                self._queue.add(Key(sweep.namespace, sweep.name))

    # --- relist -------------------------------------------------------------------------------------------------

    async def _first_relist(self) -> None:
        """Nothing is decided before everything is known: a Job not seen yet must not look like a Job that is gone."""
        while True:
            if await self._relist():
                break
            await asyncio.sleep(RELIST_RETRY_SECONDS)
        for informer in self._informers:
            await informer.synced.wait()
        logger.info("watching", extra={"sweeps": len(self._cache.sweeps())})

    async def _resync(self) -> None:
        """Find the sweeps that kopf has missed: it never tells what was deleted while its stream was broken."""
        is_done = True
        while True:
            usual = self._resync_seconds * random.uniform(0.9, 1.1)  # noqa: S311  spreads load, no secret
            with suppress(TimeoutError):
                async with asyncio.timeout(usual if is_done else min(usual, RELIST_RETRY_SECONDS)):
                    await self._streams_began.wait()
                    await asyncio.sleep(STREAMS_SECONDS)
            self._streams_began.clear()
            is_done = await self._relist()
            await asyncio.sleep(min(RELIST_INTERVAL_SECONDS, self._resync_seconds) if is_done else 0.0)

    async def _relist(self) -> bool:
        try:
            for namespace in self._namespaces:
                await take_in(self._client, self, HYPERDRIVES, "", namespace)
        except ClusterError as error:
            logger.warning("relist failed, next try follows", extra={"error": str(error)})
            return False
        self._queue_all()
        return True

    # --- work ---------------------------------------------------------------------------------------------------

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        """Begin a pass for each key whose turn it is, as long as there is room for another."""
        places = asyncio.Semaphore(self._workers)
        while True:
            await places.acquire()
            turn = await self._queue.get()
            one = tasks.create_task(self._pass(turn), name=f"pass over {turn.key}")
            one.add_done_callback(lambda _: places.release())

    async def _pass(self, turn: Turn) -> None:
        try:
            await self._reconcile(turn)
        finally:
            turn.done()

    async def _reconcile(self, turn: Turn) -> None:
        """Reconcile one key; the only place where errors become retries."""
        key = turn.key
        loop = asyncio.get_running_loop()
        began = loop.time()
        result = "ok"
        with log_context(sweep=str(key), reconcile_id=f"{next(self._passes)}"):
            try:
                delay = await self._reconciler.reconcile(key, turn.decided)
            except ConflictError:
                result = "conflict"  # somebody changed it: look again, it is no error
                self._queue.add_failed(key)
            except ThrottledError as error:
                result = "throttled"
                self._queue.add_after(key, error.retry_after)
            except ClusterError as error:
                result = "error"
                seconds = self._queue.add_failed(key)
                logger.warning("will try again", extra={"error": str(error), "seconds": seconds})
            except Exception:  # a bug must not stop the other sweeps; it shows in the log and the metrics
                result = "bug"
                self._queue.add_failed(key)
                logger.exception("reconcile failed")
            else:
                self._queue.forget_failures(key)
                if delay is not None:
                    self._queue.add_after(key, delay)
        self._telemetry.reconciled(result, loop.time() - began)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.heartbeat = loop.time()
            self._telemetry.queue_depth(len(self._queue))
            self._count()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _count(self) -> None:
        """Sum up what the sweeps' statuses say; the trials themselves would be thousands. The leader alone does."""
        sweeps = self._cache.sweeps() if self._is_at_work else []
        self._telemetry.sweeps(Counter(sweep.status.get("state") or "Pending" for sweep in sweeps))
        trials: Counter[str] = Counter()
        for sweep in sweeps:
            counts = sweep.status.get("trials") or {}
            trials.update({state: counts.get(state, 0) for state in TRIAL_STATES})
        self._telemetry.trials(trials)
        # one that has ended as Failed is stalled too, for who reads conditions; nobody need be called for it
        going_on = [sweep.status for sweep in sweeps if not sweep.status.get("completionTime")]
        stalled = [find(status, names.CONDITION_STALLED).get("status") == "True" for status in going_on]
        self._telemetry.stalled(sum(stalled))
        self._telemetry.seconds_saved(sum(sweep.status.get("timeSavedSeconds", 0) for sweep in sweeps))
        self._telemetry.best_values(sweeps)
        self._telemetry.log_streams(self._logs.followed)
