"""Applies a plan's actions, several at a time. Each is safe to repeat: what is there already and ours is success."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from hyperdrive_operator.api import names
from hyperdrive_operator.core.actions import (
    ENDS,
    STARTS,
    Action,
    CancelTrial,
    CheckTemplate,
    CreateJob,
    CreateTrial,
    DeleteJob,
    EndJob,
    FollowLog,
    PrepareTrial,
    Propose,
    ReadLog,
    RecordEnd,
    RecordInterruption,
    RecordLoss,
    RecordProgress,
    RecordQueued,
    RecordStart,
    ResumeJob,
    RetryTrial,
    StopTrial,
    SuspendJob,
    TimeOutTrial,
)
from hyperdrive_operator.core.starting import awaits_ends
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError

from .cache import Cache
from .creation import Creation
from .flight import Flight
from .jobchanges import JobChanges
from .logs import LogReader
from .proposals import Proposer
from .queue import Key
from .recording import Records
from .results import Obstacle, Outcome

#: So long what has happened is not recorded yet while the same pass starts trials: those come first on the one core
#: that sends both, but an API server that does not answer them keeps nothing else waiting.
HEAD_START_SECONDS: Final = 0.25
#: What is done to the end when the process is told to stop.
_RECORDING: Final = (
    RecordStart,
    RecordInterruption,
    RecordQueued,
    RecordProgress,
    RecordEnd,
    RecordLoss,
    StopTrial,
    CancelTrial,
    EndJob,
)


class Executor:
    """The hands of a reconcile."""

    def __init__(
        self,
        client: KubeClient,
        cache: Cache,
        logs: LogReader,
        proposer: Proposer,
        on_prepared: Callable[[Key], None] = lambda _: None,
    ) -> None:
        self._logs = logs
        self._proposer = proposer
        self._on_prepared = on_prepared
        self._jobs = JobChanges(client, cache)
        self._records = Records(client, cache, self._jobs)
        self._creation = Creation(client, cache, self._records)
        #: Set when the process ends: what has happened is still recorded, and nothing is begun.
        self.is_finishing = False

    def apply(
        self, sweep: Sweep, actions: Sequence[Action], now: datetime, flight: Flight | None = None
    ) -> Coroutine[None, None, Outcome]:
        """Apply all actions, none of which is under way; one that fails does not keep the others from being tried.

        They count as under way from now on: what is returned must be awaited.
        """
        flight = flight or Flight()
        flight.begin(actions)
        return self._apply_all(sweep, actions, now, flight)

    async def _apply_all(self, sweep: Sweep, actions: Sequence[Action], now: datetime, flight: Flight) -> Outcome:
        outcome = Outcome()
        starts = sum(isinstance(action, STARTS) for action in actions)
        # where an end that is recorded frees a place, it is as urgent as a start
        may_wait = sweep.spec is not None and not awaits_ends(sweep.spec)
        started = asyncio.Event()

        async def attempt(action: Action, places: asyncio.Semaphore, *, waits: bool = False) -> None:
            try:
                if waits:
                    await _head_start(started)
                async with places:
                    await self._attempt(sweep, action, outcome, now)
            finally:
                flight.end(action)

        async def start(action: Action) -> None:
            nonlocal starts
            try:
                await attempt(action, flight.start_places)
            finally:
                starts -= 1
                if not starts:
                    started.set()

        async def prepare(action: Action) -> None:
            await attempt(action, flight.start_places)
            self._on_prepared(Key(sweep.namespace, sweep.name))

        def begin(action: Action) -> Coroutine[None, None, None]:
            # what starts trials or ends Jobs first: a place that is free or used in vain costs time, a late record none
            if isinstance(action, STARTS):
                return start(action)
            if isinstance(action, PrepareTrial):
                return prepare(action)
            if isinstance(action, ENDS):
                return attempt(action, flight.end_places)
            return attempt(action, flight.record_places, waits=starts > 0 and may_wait)

        await asyncio.gather(*map(begin, actions))
        return outcome

    async def _attempt(self, sweep: Sweep, action: Action, outcome: Outcome, now: datetime) -> None:
        if outcome.obstacle is not None and isinstance(action, CreateTrial | PrepareTrial | CreateJob):
            return  # the others would only meet the same
        if self.is_finishing and not isinstance(action, _RECORDING):
            return
        try:
            await self._apply(sweep, action, outcome, now)
        except ForbiddenError as error:  # a quota, or a permission that somebody has to give
            outcome.obstacle = _forbidden(error)
        except ClusterError as error:
            outcome.failures.append(error)

    async def _apply(self, sweep: Sweep, action: Action, outcome: Outcome, now: datetime) -> None:
        """Apply one action. Raises ClusterError for what another try may mend."""
        match action:
            case CheckTemplate() | CreateTrial() | PrepareTrial() | CreateJob():
                await self._create(sweep, action, outcome, now)
            case FollowLog() | ReadLog() | Propose():
                self._begin(sweep, action)
                return
            case RecordStart() | RecordProgress() | RecordInterruption() | RecordQueued():
                await self._records.record_news(sweep, action, outcome, now)
            case RecordEnd(trial=trial):
                await self._records.record_end(sweep, trial, outcome, now)
            case RecordLoss(trial=trial):
                await self._records.record_loss(sweep, trial, outcome, now)
            case StopTrial() | TimeOutTrial() | CancelTrial():
                await self._records.stop(sweep, action, outcome, now)
            case RetryTrial(trial=trial):
                await self._records.begin_anew(trial.record)
            case EndJob() | SuspendJob() | ResumeJob() | DeleteJob():
                await self._jobs.change(action)
        outcome.has_acted = True

    async def _create(
        self,
        sweep: Sweep,
        action: CheckTemplate | CreateTrial | PrepareTrial | CreateJob,
        outcome: Outcome,
        now: datetime,
    ) -> None:
        match action:
            case CheckTemplate(job=job):
                await self._creation.check_template(sweep, job, outcome)
            case CreateTrial():
                await self._creation.create_trial(sweep, action, outcome, now)
            case PrepareTrial():
                await self._creation.prepare_trial(sweep, action, outcome)
            case CreateJob(trial=trial):
                await self._creation.create_missing_job(sweep, trial.record, outcome, now)

    def _begin(self, sweep: Sweep, action: FollowLog | ReadLog | Propose) -> None:
        """Begin what takes its time and is waited for by none."""
        if isinstance(action, Propose):
            self._proposer.start(sweep, action.numbers)
        else:
            self._logs.read(sweep, action.trial)


async def _head_start(started: asyncio.Event) -> None:
    """Wait until the starts of a pass are done, but not for long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(HEAD_START_SECONDS):
            await started.wait()


def _forbidden(error: ForbiddenError) -> Obstacle:
    reason = names.REASON_QUOTA_EXCEEDED if error.quota else names.REASON_FORBIDDEN
    return Obstacle(reason, error.message)
