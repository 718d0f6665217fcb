"""Reads the metrics in the output of finished trials, in the background: a slow log keeps nothing else waiting."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.metrics import read_log
from hyperdrive_operator.core.outcome import others
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trials import Job, Log, Pod, Trial, read_pod, speaker
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError, InvalidError, NotFoundError
from hyperdrive_operator.kube.kinds import PODS

from .cache import Cache
from .queue import Key

logger = logging.getLogger(__name__)

#: Half of the client's requests in flight: logs that hang must not keep a Job from being created.
MAX_PARALLEL_READS: Final = 16
#: How much of the end of a log is read: so many lines, or fewer until they fit.
LOG_LINES: Final = (20_000, 1_000, 50)
LOG_BYTES: Final = 4 * 1024 * 1024
#: Pauses between tries while the kubelet does not answer. Then it is given up: the trial's end must be recorded.
PAUSES_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)


class LogReader:
    """Starts at most one reading per trial; the result goes into the cache, and the sweep is looked at again."""

    def __init__(self, client: KubeClient, cache: Cache, on_news: Callable[[Key], None]) -> None:
        self._client = client
        self._cache = cache
        self._on_news = on_news
        self._places = asyncio.Semaphore(MAX_PARALLEL_READS)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, sweep: Sweep, trial: Trial) -> None:
        """Begin to read a trial's log, unless that has begun already."""
        uid = trial.record.uid
        if uid in self._tasks or sweep.spec is None or trial.job is None:
            return
        task = asyncio.create_task(self._read(sweep, sweep.spec, trial, trial.job), name=f"log-{trial.record.name}")
        self._tasks[uid] = task
        task.add_done_callback(lambda _: self._tasks.pop(uid, None))

    async def close(self) -> None:
        """Stop all reading. Nothing is lost: who starts next reads again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, sweep: Sweep, spec: HyperDriveSpec, trial: Trial, job: Job) -> None:
        log = Log(problem="it could not be read")
        try:
            log = await self._persist(spec, trial, job)
        except Exception:  # a bug here must not keep the trial from ending
            logger.exception("reading a log failed", extra={"trial": trial.record.name})
        self._cache.observe_log(trial.record.uid, log)
        self._on_news(Key(sweep.namespace, sweep.name))

    async def _persist(self, spec: HyperDriveSpec, trial: Trial, job: Job) -> Log:
        """Read, again after each pause while the way to the log is broken."""
        for pause in (*PAUSES_SECONDS, None):
            try:
                async with (
                    self._places
                ):  # not through the pauses: a node that is down must not keep others' logs waiting
                    return await self._read_once(spec, trial, job)
            except (NotFoundError, InvalidError, ForbiddenError) as error:
                return Log(problem=error.message)
            except ClusterError as error:
                if pause is None:
                    return Log(problem=error.message)
                logger.info("log not readable yet", extra={"trial": trial.record.name, "error": str(error)})
                await asyncio.sleep(pause)
        raise AssertionError("the last try returns")

    async def _read_once(self, spec: HyperDriveSpec, trial: Trial, job: Job) -> Log:
        pod = await self._pod(trial, job)
        if pod is None:
            return Log(problem="its pod is gone")
        text = await self._tail(pod)
        objective = spec.objective
        # megabytes take a while: not on the event loop
        reading = await asyncio.to_thread(
            read_log, text.decode(errors="replace"), objective.primary_metric, objective.goal, others(objective)
        )
        return Log(reading)

    async def _pod(self, trial: Trial, job: Job) -> Pod | None:
        """Return the pod whose output counts; ask for it where the watch of pods is behind that of Jobs."""
        if trial.pod is not None and (trial.pod.phase == "Succeeded" or job.finished == "Failed"):
            return trial.pod
        pods = []
        for body in await self._client.list(PODS, job.namespace, label_selector=f"{names.LABEL_TRIAL}={job.name}"):
            self._cache.observe(PODS, None, body)
            pods.append(read_pod(body))
        return speaker(pod for pod in pods if pod.job_uid == job.uid)

    async def _tail(self, pod: Pod) -> bytes:
        """Read the end of a log: fewer lines of it where they are so long that the limit cuts off the last."""
        text = b""
        for lines in LOG_LINES:
            text = await self._client.read_log(
                pod.namespace, pod.name, pod.container, tail_lines=lines, limit_bytes=LOG_BYTES
            )
            if len(text) < LOG_BYTES:
                break
        return text
