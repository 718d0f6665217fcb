"""Writes the records of trials: how each goes and ends, and that another attempt begins."""

from datetime import datetime

from hyperdrive_operator.core import outcome as outcomes
from hyperdrive_operator.core.actions import (
    CancelTrial,
    EndJob,
    RecordInterruption,
    RecordProgress,
    RecordQueued,
    RecordStart,
    StopTrial,
    TimeOutTrial,
)
from hyperdrive_operator.core.attempts import begun_anew
from hyperdrive_operator.core.records import Record, read_record
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trialjobs import read_job
from hyperdrive_operator.core.trials import Trial
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import NotFoundError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, JOBS, Object

from .cache import Cache
from .jobchanges import JobChanges
from .results import Outcome


class Records:
    """Patches the status of records, each with its version as a precondition."""

    def __init__(self, client: KubeClient, cache: Cache, jobs: JobChanges) -> None:
        self._client = client
        self._cache = cache
        self._jobs = jobs

    async def begin_anew(self, record: Record) -> None:
        """Let a record that has ended begin its next attempt, with the one before as a line of its history."""
        body = await self.read_again(record)
        if body is not None and (current := read_record(body)).is_asked_for:
            await self._write_status(current, begun_anew(body["status"], current.wanted_attempt))

    async def read_again(self, record: Record) -> Object | None:
        """Ask the API server for a record; None if it is gone."""
        try:
            body = await self._client.get(HYPERDRIVE_TRIALS, record.namespace, record.name)
        except NotFoundError:
            self._forget(record)
            return None
        if body["metadata"]["uid"] != record.uid:
            self._forget(record)
            return None
        self._cache.confirm(HYPERDRIVE_TRIALS, body)
        return body

    async def record_end(self, sweep: Sweep, trial: Trial, outcome: Outcome, now: datetime) -> None:
        """Record how a trial ended whose Job has finished."""
        if sweep.spec is not None and trial.job is not None:
            status = outcomes.ended(trial, trial.job, sweep.spec, now)
            await self.write_end(sweep, trial, status, outcome)

    async def record_news(
        self,
        sweep: Sweep,
        action: RecordStart | RecordProgress | RecordInterruption | RecordQueued,
        outcome: Outcome,
        now: datetime,
    ) -> None:
        """Record what has happened to a trial that goes on."""
        trial = action.trial
        if isinstance(action, RecordStart):
            await self._write_status(trial.record, outcomes.started(trial, now))
        elif isinstance(action, RecordInterruption):
            await self._write_status(trial.record, outcomes.interrupted(trial, now))
        elif isinstance(action, RecordQueued):
            await self._write_status(trial.record, outcomes.queued(trial, now))
        elif sweep.spec is not None:
            await self._write_reports(sweep, trial, outcomes.progressed(trial, sweep.spec, now), outcome)

    async def record_loss(self, sweep: Sweep, trial: Trial, outcome: Outcome, now: datetime) -> None:
        """Record a Job as gone only when the API server says so: the cache may be behind, and the record is final."""
        try:
            body = await self._client.get(JOBS, trial.record.namespace, trial.record.name)
        except NotFoundError:
            body = None
        if body is not None and (job := read_job(body)).trial_uid == trial.record.uid:
            self._cache.confirm(JOBS, body)
            if job.attempt == trial.record.attempt:
                return
        await self.write_end(sweep, trial, outcomes.job_deleted(trial, sweep.spec, now), outcome)

    async def stop(
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
        if await self.write_end(sweep, trial, status, outcome):
            await self._jobs.change(EndJob(trial))

    async def write_end(self, sweep: Sweep, trial: Trial, status: outcomes.TrialStatus, outcome: Outcome) -> bool:
        """Write how a trial ended; False if its record is gone."""
        body = await self._write_reports(sweep, trial, status, outcome)
        if body is not None:
            outcome.ended.append(read_record(body))
        return body is not None

    async def _write_reports(
        self, sweep: Sweep, trial: Trial, status: outcomes.TrialStatus, outcome: Outcome
    ) -> Object | None:
        body = await self._write_status(trial.record, status)
        if body is not None and sweep.spec is not None:
            outcome.reports += outcomes.newly_reported(trial, sweep.spec, status)
        return body

    async def _write_status(self, record: Record, status: outcomes.TrialStatus) -> Object | None:
        """Write a record's status, unless somebody else has changed it: then the next pass decides again."""
        precondition = {"uid": record.uid, "resourceVersion": record.resource_version}
        patch = {"metadata": precondition, "status": status}
        try:
            body = await self._client.patch(
                HYPERDRIVE_TRIALS, record.namespace, record.name, patch, subresource="status"
            )
        except NotFoundError:
            self._forget(record)
            return None
        self._cache.observe(HYPERDRIVE_TRIALS, None, body)
        return body

    def _forget(self, record: Record) -> None:
        """Take in that a record was deleted by hand: its number runs again."""
        metadata = {"uid": record.uid, "namespace": record.namespace, "name": record.name}
        self._cache.observe(HYPERDRIVE_TRIALS, "DELETED", {"metadata": metadata})
