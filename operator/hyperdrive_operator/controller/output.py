"""What one trial's pods print, read pod by pod: streamed, resumed where it was left, and what is left at the end."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Final

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.loglines import TAIL_BYTES, TAIL_LINES, LogFeed, Position
from hyperdrive_operator.core.outcome import aim_of, has_metrics_in_output
from hyperdrive_operator.core.patterns import reader_of
from hyperdrive_operator.core.pods import Pod, blamed, speaker, tellers
from hyperdrive_operator.core.progress import Progress, read_message
from hyperdrive_operator.core.records import Record
from hyperdrive_operator.core.repeats import Repeats, together
from hyperdrive_operator.core.trialjobs import Job
from hyperdrive_operator.core.trials import Log, Trial
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import InvalidError, NotFoundError
from hyperdrive_operator.kube.kinds import PODS

from .cache import Cache

#: Parsing of more than that leaves the event loop to others.
LARGE_CHUNK: Final = 16_384
#: No other try would help.
GIVEN_UP: Final = (NotFoundError, InvalidError)

_GONE: Final = "its pod is gone"


class Output:
    """A trial's reports, as far as its output was read. Used by one task."""

    def __init__(self, client: KubeClient, cache: Cache, spec: HyperDriveSpec, record: Record) -> None:
        self._client = client
        self._cache = cache
        self._spec = spec
        self._aim = aim_of(spec.objective)
        self._record = record
        self._uid = record.uid
        #: What came of a trial's repeats.
        self._repeats: Repeats | None = None
        self.attempt = record.attempt
        self.name = record.name
        # without a position nothing of the log is counted in what is recorded: it is read from the start
        self._progress = record.progress if record.position is not None else Progress()
        self._position = record.position
        self._feed: LogFeed | None = None
        #: The last lines of the pod by which the Job has failed, once they were asked for.
        self._words: str | None = None
        #: How often each pod's container had been started again when what it said before was read.
        self._restarts: dict[str, int] = {}
        #: Pods that were read to their end.
        self._done: set[str] = set()

    @property
    def trial(self) -> Trial | None:
        """The trial as it is now; None if this attempt at it has ended, or it is gone."""
        trial = self._cache.trial(self._uid)
        is_going_on = trial is not None and not trial.is_ended and trial.record.attempt == self.attempt
        return trial if is_going_on else None

    @property
    def progress(self) -> Progress:
        """What was reported so far."""
        return self._feed.progress if self._feed is not None else self._progress

    @property
    def position(self) -> Position | None:
        """Up to where that was read."""
        return self._feed.position if self._feed is not None else self._position

    def log(self, *, problem: str = "", is_whole: bool = False) -> Log:
        """Return what was read, as the decisions see it."""
        if self._repeats is not None:
            found = self._repeats
            return Log(found.progress, problem, None, is_whole, "", self.attempt, found.values, found.incomplete)
        tail = self._tail() if is_whole else ""
        return Log(self.progress, problem, self.position, is_whole, tail, self.attempt)

    def _tail(self) -> str:
        """Return the last lines of the pod by which the Job has failed: none rather than another's."""
        if self._words is not None or self._feed is None:
            return self._words or ""
        culprit = self._culprit()
        if culprit is not None and (culprit.uid != self._feed.pod or culprit.phase == "Succeeded"):
            return ""  # a pod that ended well is left when the one that failed is gone
        return self._feed.tail

    def unread(self) -> Sequence[Pod]:
        """Return the pods to read, in order: what is left of the one that was read last, and what came after it."""
        trial = self.trial
        pods = self._cache.pods(trial.job) if trial is not None and trial.job is not None else []
        position = self.position
        current = next((pod for pod in pods if position is not None and pod.uid == position.pod), None)
        if current is not None and current.phase != "Failed":
            return [current]  # of several that run at once one is heard
        unread = [pod for pod in tellers(pods) if pod.uid not in self._done]
        return unread[unread.index(current) :] if current in unread else unread

    def unheard(self) -> Pod | None:
        """Return the pod by which the Job has failed, unless its last lines are read with the metrics."""
        trial, culprit = self.trial, self._culprit()
        if trial is None or culprit is None:
            return None
        if self._spec.repeats > 1 or not has_metrics_in_output(trial, self._spec):
            return culprit
        return culprit if self._feed is not None and self._feed.pod != culprit.uid else None

    # --- reading ----------------------------------------------------------------------------------------------------

    async def stream(self, pod: Pod, *, follow: bool) -> AsyncGenerator[None]:
        """Read a pod's log from where it was left: all there is now, or as it grows. Yields when there is more."""
        if pod.restarts > self._restarts.get(pod.uid, 0):
            # the log is that of the newest container; of the one before it something may be unread
            with suppress(NotFoundError, InvalidError):
                async with aclosing(self._read(pod, follow=False, previous=True)) as news:
                    async for _ in news:
                        yield
            self._feed_of(pod).finish()
            self._restarts[pod.uid] = pod.restarts
        async with aclosing(self._read(pod, follow=follow)) as news:
            async for _ in news:
                yield

    async def read_whole(self, pod: Pod) -> str:
        """Read what is left of a pod's log, once and for all; return why it can't be."""
        problem = ""
        try:
            async for _ in self.stream(pod, follow=False):
                pass
        except GIVEN_UP as error:
            problem = error.message
        self._feed_of(pod).finish()
        self._done.add(pod.uid)
        return problem

    async def read_rest(self, trial: Trial, job: Job) -> str:
        """Read what is left when the Job has finished; return why nothing could be."""
        await self._find_pods(job)
        if self._spec.repeats > 1 and job.finished != "Failed":
            return await self._read_repeats(job)
        if self._spec.repeats > 1 or not has_metrics_in_output(trial, self._spec):
            return "" if self._cache.pods(job) else _GONE
        if self._spec.metrics.source == "TerminationMessage":
            return self._read_message(job)
        problem = ""
        for pod in self.unread():
            problem = await self.read_whole(pod)
        return problem if self._done or self.progress.reports else _GONE

    async def read_last_words(self, pod: Pod) -> None:
        """Read why a trial failed whose metrics are known from elsewhere, or from another pod, or don't count."""
        self._words = ""
        limit = TAIL_LINES * TAIL_BYTES
        text = await self._client.read_log(
            pod.namespace, pod.name, pod.container, tail_lines=TAIL_LINES, limit_bytes=limit
        )
        self._words = text[-TAIL_BYTES:].decode(errors="replace").strip()

    async def _read_repeats(self, job: Job) -> str:
        """Read each repeat of a trial by itself; return why the first that has no value could not be read."""
        found: list[Progress] = []
        problems: list[str] = []
        for number in range(self._spec.repeats):
            one = Output(self._client, self._cache, self._spec, self._record)
            problems.append(await one.read_repeat(job, number))
            found.append(one.progress)
        self._repeats = together(found, self._spec)
        return problems[self._repeats.incomplete] if self._repeats.incomplete is not None else ""

    async def read_repeat(self, job: Job, number: int) -> str:
        """Read all tries of one repeat; return why the last could not be read."""
        problem = _GONE
        for pod in tellers(pod for pod in self._cache.pods(job) if pod.index == number):
            if self._spec.metrics.source == "TerminationMessage":
                self._progress, problem = read_message(pod.message, self._aim, reader_of(self._spec, self._aim)), ""
            else:
                problem = await self.read_whole(pod)
        return problem

    def end(self) -> None:
        """Take a line that has begun as whole: no more will come."""
        if self._feed is not None:
            self._feed.finish()

    async def _find_pods(self, job: Job) -> None:
        """Ask for the pods where the watch of them is behind that of Jobs."""
        if self._knows_its_end(job):
            return
        for body in await self._client.list(PODS, job.namespace, label_selector=f"{names.LABEL_TRIAL}={job.name}"):
            self._cache.observe(PODS, None, body)

    def _knows_its_end(self, job: Job) -> bool:
        """Tell whether the pod is known by which the Job has failed, or those that made it complete.

        The latter are one, or one for each repeat.
        """
        pods = self._cache.pods(job)
        if job.finished == "Failed":
            failed = blamed(pods)
            return failed is not None and failed.phase == "Failed"
        if self._spec.repeats == 1:
            last = speaker(pods)
            return last is not None and last.phase == "Succeeded"
        return len({pod.index for pod in pods if pod.phase == "Succeeded"}) == self._spec.repeats

    def _culprit(self) -> Pod | None:
        """Return the pod by which the Job has failed, if it has."""
        trial = self.trial
        if trial is None or trial.job is None or trial.job.finished != "Failed":
            return None
        return blamed(self._cache.pods(trial.job))

    def _read_message(self, job: Job) -> str:
        pod = speaker(self._cache.pods(job))
        if pod is None:
            return _GONE
        self._progress = read_message(pod.message, self._aim, reader_of(self._spec, self._aim))
        return ""

    async def _read(self, pod: Pod, *, follow: bool, previous: bool = False) -> AsyncGenerator[None]:
        feed = self._feed_of(pod)
        is_first = True
        chunks = self._client.stream_log(
            pod.namespace,
            pod.name,
            pod.container,
            follow=follow,
            previous=previous,
            since_time=feed.position.since,
            timestamps=True,
        )
        async with aclosing(chunks):
            async for chunk in chunks:
                if is_first:
                    feed.begin()  # not before there is an answer: until then a line that has begun may be all there is
                    is_first = False
                if len(chunk) > LARGE_CHUNK:
                    await asyncio.to_thread(feed.feed, chunk)
                else:
                    feed.feed(chunk)
                yield

    def _feed_of(self, pod: Pod) -> LogFeed:
        if self._feed is None or self._feed.pod != pod.uid:
            self._feed = LogFeed(
                pod.uid,
                reader_of(self._spec, self._aim),
                self._aim,
                progress=self.progress,
                position=self.position,
            )
        return self._feed
