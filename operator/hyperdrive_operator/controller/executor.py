"""Applies a plan's actions, several at a time. Each is safe to repeat: what is there already and ours is success."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from hyperdrive_operator.api import names
from hyperdrive_operator.core import outcome as outcomes
from hyperdrive_operator.core.actions import (
    Action,
    CancelTrial,
    CheckTemplate,
    CreateJob,
    CreateTrial,
    EndJob,
    FollowLog,
    Propose,
    ReadLog,
    RecordEnd,
    RecordInterruption,
    RecordLoss,
    RecordProgress,
    RecordStart,
    ResumeJob,
    StopTrial,
    SuspendJob,
    TimeOutTrial,
)
from hyperdrive_operator.core.jobs import build_job, build_trial
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trials import Record, Trial, read_job, read_record
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import (
    AlreadyExistsError,
    ClusterError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, JOBS, Kind, Object

from .cache import Cache
from .jobchanges import JobChanges
from .logs import LogReader
from .proposals import Proposer

#: Of one sweep at a time, so that a large one leaves room for the others (the client has a limit of its own).
MAX_PARALLEL_WRITES: Final = 16
#: What is done to the end when the process is told to stop.
_RECORDING: Final = (RecordStart, RecordProgress, RecordEnd, RecordLoss, StopTrial, CancelTrial, EndJob)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why Jobs can't be created, found while trying."""

    reason: str
    message: str


@dataclass(slots=True)
class Outcome:
    """What came of a plan."""

    ended: list[Record] = field(default_factory=list)
    created: int = 0
    has_acted: bool = False
    has_checked_template: bool = False
    obstacle: Obstacle | None = None
    failures: list[ClusterError] = field(default_factory=list)

    def raise_for_failures(self) -> None:
        """Raise the first failure that only another try can mend."""
        if self.failures:
            raise self.failures[0]


class Executor:
    """The hands of a reconcile."""

    def __init__(self, client: KubeClient, cache: Cache, logs: LogReader, proposer: Proposer) -> None:
        self._client = client
        self._cache = cache
        self._logs = logs
        self._proposer = proposer
        self._jobs = JobChanges(client, cache)
        #: Set when the process ends: what has happened is still recorded, and nothing is begun.
        self.is_finishing = False

    async def apply(self, sweep: Sweep, actions: Sequence[Action], now: datetime) -> Outcome:
        """Apply all actions; one that fails does not keep the others from being tried."""
        outcome = Outcome()
        places = asyncio.Semaphore(MAX_PARALLEL_WRITES)

        async def attempt(action: Action) -> None:
            async with places:
                if outcome.obstacle is not None and isinstance(action, CreateTrial | CreateJob):
                    return  # the others would only meet the same
                if self.is_finishing and not isinstance(action, _RECORDING):
                    return
                try:
                    await self._apply(sweep, action, outcome, now)
                except ForbiddenError as error:  # a quota, or a permission that somebody has to give
                    outcome.obstacle = _forbidden(error)
                except ClusterError as error:
                    outcome.failures.append(error)

        await asyncio.gather(*(attempt(action) for action in actions))
        return outcome

    async def _apply(self, sweep: Sweep, action: Action, outcome: Outcome, now: datetime) -> None:
        """Apply one action. Raises ClusterError for what another try may mend."""
        match action:
            case CheckTemplate(job=job):
                await self._check_template(sweep, job, outcome)
            case CreateTrial():
                await self._create_trial(sweep, action, outcome, now)
            case CreateJob(trial=trial):
                await self._create_job(sweep, trial.record, outcome, now)
            case RecordStart() | RecordProgress() | RecordInterruption():
                await self._record_news(sweep, action, now)
            case FollowLog() | ReadLog() | Propose():
                self._begin(sweep, action)
                return
            case RecordEnd(trial=trial):
                await self._record_end(sweep, trial, outcome, now)
            case RecordLoss(trial=trial):
                await self._record_loss(sweep, trial, outcome, now)
            case StopTrial() | TimeOutTrial() | CancelTrial():
                await self._stop(sweep, action, outcome, now)
            case EndJob() | SuspendJob() | ResumeJob():
                await self._jobs.change(action)
        outcome.has_acted = True

    def _begin(self, sweep: Sweep, action: FollowLog | ReadLog | Propose) -> None:
        """Begin what takes its time and is waited for by none."""
        if isinstance(action, Propose):
            self._proposer.start(sweep, action.numbers)
        else:
            self._logs.read(sweep, action.trial)

    # --- creating -----------------------------------------------------------------------------------------------

    async def _check_template(self, sweep: Sweep, job: Object, outcome: Outcome) -> None:
        try:
            await self._client.create(JOBS, sweep.namespace, job, dry_run=True)
        except AlreadyExistsError:
            outcome.has_checked_template = True  # whose it is shows when the Job is created
        except InvalidError as error:
            message = f"spec.trialTemplate: the API server refuses the Job: {error.message}"
            outcome.obstacle = Obstacle(names.REASON_INVALID_TEMPLATE, message)
        else:
            outcome.has_checked_template = True

    async def _create_trial(self, sweep: Sweep, action: CreateTrial, outcome: Outcome, now: datetime) -> None:
        manifest = build_trial(
            sweep_name=sweep.name, sweep_uid=sweep.uid, number=action.number, parameters=action.parameters
        )
        try:
            record = read_record(await self._create(HYPERDRIVE_TRIALS, sweep.namespace, manifest))
        except InvalidError as error:  # values that no schema can hold: each further try would meet the same
            message = f"spec.searchSpace: the API server refuses trial {action.number}: {error.message}"
            outcome.obstacle = Obstacle(names.REASON_INVALID_SPEC, message)
            return
        if record.sweep_uid != sweep.uid or record.number != action.number:
            taken_by = "" if record.sweep_uid == sweep.uid else record.sweep_uid  # ours has its own number
            outcome.obstacle = _name_taken(HYPERDRIVE_TRIALS, record.name, taken_by)
            return
        await self._create_job(sweep, record, outcome, now)

    async def _create_job(self, sweep: Sweep, record: Record, outcome: Outcome, now: datetime) -> None:
        """Create the Job of a record: with the parameters that the record holds, whoever wrote it."""
        if sweep.spec is None:
            return
        manifest = build_job(
            sweep.spec,
            sweep_name=sweep.name,
            trial=record.name,
            trial_uid=record.uid,
            parameters=dict(record.parameters),
        )
        try:
            job = read_job(await self._create(JOBS, sweep.namespace, manifest))
        except InvalidError as error:
            refused = outcomes.job_refused(Trial(record, None, None), error.message, now)
            await self._write_end(record, refused, outcome)
        else:
            if job.trial_uid != record.uid:
                outcome.obstacle = _name_taken(JOBS, record.name, job.trial_uid)
            else:
                outcome.created += 1

    async def _create(self, kind: Kind, namespace: str, manifest: Object) -> Object:
        """Create an object, or return the one that has its name; either way the cache knows it now."""
        try:
            body = await self._client.create(kind, namespace, manifest)
        except AlreadyExistsError:
            body = await self._client.get(kind, namespace, manifest["metadata"]["name"])
        self._cache.confirm(kind, body)
        return body

    # --- recording ----------------------------------------------------------------------------------------------

    async def _record_end(self, sweep: Sweep, trial: Trial, outcome: Outcome, now: datetime) -> None:
        if sweep.spec is not None and trial.job is not None:
            status = outcomes.ended(trial, trial.job, sweep.spec, now)
            await self._write_end(trial.record, status, outcome)

    async def _record_news(
        self, sweep: Sweep, action: RecordStart | RecordProgress | RecordInterruption, now: datetime
    ) -> None:
        trial = action.trial
        if isinstance(action, RecordStart):
            await self._write_status(trial.record, outcomes.started(trial, now))
        elif isinstance(action, RecordInterruption):
            await self._write_status(trial.record, outcomes.interrupted(trial, now))
        elif sweep.spec is not None:
            await self._write_status(trial.record, outcomes.progressed(trial, sweep.spec, now))

    async def _record_loss(self, sweep: Sweep, trial: Trial, outcome: Outcome, now: datetime) -> None:
        """Record a Job as gone only when the API server says so: the cache may be behind, and the record is final."""
        try:
            body = await self._client.get(JOBS, trial.record.namespace, trial.record.name)
        except NotFoundError:
            body = None
        if body is not None and read_job(body).trial_uid == trial.record.uid:
            self._cache.confirm(JOBS, body)
            return
        await self._write_end(trial.record, outcomes.job_deleted(trial, sweep.spec, now), outcome)

    async def _stop(
        self, sweep: Sweep, action: StopTrial | TimeOutTrial | CancelTrial, outcome: Outcome, now: datetime
    ) -> None:
        """Record the end first: a Job that fails by our deadline must find a record that says why.

        Should the second write be lost, the record asks for it again: then it is EndJob.
        """
        if sweep.spec is None:
            return
        trial = action.trial
        match action:
            case StopTrial(verdict=verdict, whole=whole):
                status = outcomes.stopped(trial, sweep.spec, verdict, whole, now)
            case TimeOutTrial(limit=limit):
                status = outcomes.timed_out(trial, sweep.spec, limit, now)
            case CancelTrial(ending=ending):
                status = outcomes.cancelled(trial, sweep.spec, ending.reason, ending.message, now)
        if await self._write_end(trial.record, status, outcome):
            await self._jobs.change(EndJob(trial))

    async def _write_end(self, record: Record, status: outcomes.TrialStatus, outcome: Outcome) -> bool:
        body = await self._write_status(record, status)
        if body is not None:
            outcome.ended.append(read_record(body))
        return body is not None

    async def _write_status(self, record: Record, status: outcomes.TrialStatus) -> Object | None:
        """Write a record's status, unless somebody else has changed it: then the next pass decides again."""
        precondition = {"uid": record.uid, "resourceVersion": record.resource_version}
        patch = {"metadata": precondition, "status": status}
        try:
            body = await self._client.patch(
                HYPERDRIVE_TRIALS, record.namespace, record.name, patch, subresource="status"
            )
        except NotFoundError:  # deleted by hand: its number runs again
            metadata = {"uid": record.uid, "namespace": record.namespace, "name": record.name}
            self._cache.observe(HYPERDRIVE_TRIALS, "DELETED", {"metadata": metadata})
            return None
        self._cache.observe(HYPERDRIVE_TRIALS, None, body)
        return body


def _forbidden(error: ForbiddenError) -> Obstacle:
    reason = names.REASON_QUOTA_EXCEEDED if error.quota else names.REASON_FORBIDDEN
    return Obstacle(reason, error.message)


def _name_taken(kind: Kind, name: str, owner_uid: str) -> Obstacle:
    if owner_uid:  # of ours, and its owner was deleted: there is nothing to do but to wait
        why = "is left of an earlier owner of that name: waiting until it is deleted"
    else:
        why = "exists and is not this HyperDrive's: delete it, or rename the HyperDrive"
    return Obstacle(names.REASON_NAME_TAKEN, f"a {kind.kind} named {name!r} {why}")
