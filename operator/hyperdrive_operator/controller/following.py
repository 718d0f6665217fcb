"""One trial's output over time: followed while its pod runs, read to its end when its Job has finished."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Final

from hyperdrive_operator.core.pods import Pod
from hyperdrive_operator.core.trials import Log
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError

from .output import GIVEN_UP, Output

logger = logging.getLogger(__name__)

#: Requests under way that read to an end. A third of the client's limit: logs that hang must not keep a Job from being
#: created.
MAX_PARALLEL_READS: Final = 16
#: Logs that are followed at once. The others are read again and again, each after a pause.
MAX_STREAMS: Final = 1_000
POLL_SECONDS: Final = 30.0
#: Pauses between tries while the kubelet does not answer. Then it is given up: the trial's end must be recorded.
PAUSES_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
#: And while the operator may not read it: a Role that was taken away by mistake comes back, the log may not.
FORBIDDEN_PAUSES_SECONDS: Final = (*PAUSES_SECONDS, *[40.0] * 6)
#: Tries to read why a trial has failed, where its metrics do not depend on it: its end must not wait for them.
LAST_WORDS_TRIES: Final = 2
#: Pauses before a running pod's log is asked for again, longer while nothing comes.
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 10.0
#: How long a stream may be silent when its Job has finished, before it is cut: what was written may be under way.
DRAIN_SECONDS: Final = 2.0
#: And how long it may go on in all. What is asked for again is the newest file of the log alone: what has not been
#: heard of the one before would be lost.
LONGEST_DRAIN_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Places:
    """What all followings share."""

    reads: asyncio.Semaphore
    streams: asyncio.Semaphore


class Following:
    """The task that reads one trial's output. `finish` tells it that the Job has finished."""

    def __init__(self, output: Output, places: Places, publish: Callable[[Log], None]) -> None:
        self._output = output
        self._places = places
        self._publish = publish
        self._wake = asyncio.Event()
        self._scope: asyncio.Timeout | None = None
        self._last_moment = 0.0
        self._told = output.progress
        self.is_finished = False
        self._publish(output.log())

    def finish(self) -> None:
        """Read what is left, and no more: the Job has finished."""
        if self.is_finished:
            return
        self.is_finished = True
        self._wake.set()
        self._last_moment = asyncio.get_running_loop().time() + LONGEST_DRAIN_SECONDS
        self._limit_drain()

    def give_up(self) -> None:
        """Tell what is known. When the Job has finished there will be no more: the trial must end."""
        self._publish(self._output.log(problem="it could not be read", is_whole=self.is_finished))

    async def run(self) -> None:
        """Follow until the Job has finished or the trial has ended, then read what is left."""
        pause = FIRST_PAUSE_SECONDS
        while not self.is_finished:
            before = self._output.position
            may_stream = not self._places.streams.locked()
            await self._listen(may_stream=may_stream)
            if self._output.trial is None:
                return
            is_quiet = self._output.position == before
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS) if is_quiet else FIRST_PAUSE_SECONDS
            await self._sleep(pause if may_stream else POLL_SECONDS)
        problem = await self._read_rest()
        await self._read_last_words()
        self._publish(self._output.log(problem=problem, is_whole=True))

    async def _listen(self, *, may_stream: bool) -> None:
        """Read the pods that are over, and follow the one that runs until its stream ends."""
        try:
            for pod in self._output.unread():
                if pod.phase == "Failed":
                    async with self._places.reads:
                        await self._output.read_whole(pod)
                    self._tell()
                elif may_stream:
                    async with self._places.streams:
                        await self._follow(pod)
                else:
                    async with self._places.reads:
                        await self._hear(pod, follow=False)
        except ClusterError as error:
            logger.debug("log not readable", extra={"trial": self._output.name, "error": str(error)})

    async def _follow(self, pod: Pod) -> None:
        """Follow a pod until its container ends; or, once the Job has finished, for a little while."""
        if self.is_finished:
            return
        try:
            async with asyncio.timeout(None) as self._scope:
                await self._hear(pod, follow=True)
        except TimeoutError:
            return
        finally:
            self._scope = None

    async def _hear(self, pod: Pod, *, follow: bool) -> None:
        async with aclosing(self._output.stream(pod, follow=follow)) as news:
            async for _ in news:
                if self._output.trial is None:
                    return
                self._tell()
                if self.is_finished:
                    self._limit_drain()

    def _limit_drain(self) -> None:
        """Let the stream go on for a while from now: what it brings was written before the Job finished."""
        if self._scope is not None:
            soon = asyncio.get_running_loop().time() + DRAIN_SECONDS
            self._scope.reschedule(min(soon, self._last_moment))

    def _tell(self) -> None:
        """Publish what is new of the metrics."""
        if self._output.progress is not self._told:
            self._told = self._output.progress
            self._publish(self._output.log())

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _read_rest(self) -> str:
        """Read what is left, again after each pause while the way to it is broken; return what stays in the way."""
        problem = ""
        for attempt in itertools.count():
            trial = self._output.trial
            if trial is None or trial.job is None:
                break
            try:
                # not through the pauses: a node that is down must not keep others' logs waiting
                async with self._places.reads:
                    return await self._output.read_rest(trial, trial.job)
            except GIVEN_UP as error:
                return error.message
            except ClusterError as error:
                problem = error.message
                pauses = FORBIDDEN_PAUSES_SECONDS if isinstance(error, ForbiddenError) else PAUSES_SECONDS
                if attempt >= len(pauses):
                    break
                logger.info("log not readable yet", extra={"trial": self._output.name, "error": problem})
                await asyncio.sleep(pauses[attempt])
        self._output.end()
        return problem

    async def _read_last_words(self) -> None:
        """Read why the trial has failed, if that is left to read. Without an answer it ends without them."""
        for attempt in range(LAST_WORDS_TRIES):
            pod = self._output.unheard()
            if pod is None:
                return
            if attempt:
                await asyncio.sleep(PAUSES_SECONDS[0])
            try:
                async with self._places.reads:
                    await self._output.read_last_words(pod)
            except GIVEN_UP:
                return
            except ClusterError as error:
                logger.info("last lines not readable", extra={"trial": self._output.name, "error": error.message})
            else:
                return
