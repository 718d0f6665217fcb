"""Creates trials and their Jobs. Each request is safe to repeat: what is there already and ours is success."""

from datetime import datetime
from typing import Final

from hyperdrive_operator.api import names
from hyperdrive_operator.core import outcome as outcomes
from hyperdrive_operator.core.actions import CreateTrial, PrepareTrial
from hyperdrive_operator.core.jobs import build_job, build_trial
from hyperdrive_operator.core.planning import may_begin
from hyperdrive_operator.core.records import Record, read_record
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trialjobs import read_job
from hyperdrive_operator.core.trials import Trial
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import AlreadyExistsError, InvalidError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, Kind, Object

from .cache import Cache
from .recording import Records
from .results import Obstacle, Outcome

#: Records that were written ahead, to be remembered as such; of those that are forgotten the API server is asked.
MAX_PREPARED: Final = 10_000


class Creation:
    """Creates records, and a Job for each."""

    def __init__(self, client: KubeClient, cache: Cache, records: Records) -> None:
        self._client = client
        self._cache = cache
        self._records = records
        #: The uids of records that this process has written ahead, and for which it has not asked for a Job.
        self._prepared: set[str] = set()

    async def check_template(self, sweep: Sweep, job: Object, outcome: Outcome) -> None:
        """Let the API server judge a Job without creating it."""
        try:
            await self._client.create(JOBS, sweep.namespace, job, dry_run=True)
        except AlreadyExistsError:
            outcome.has_checked_template = True  # whose it is shows when the Job is created
        except InvalidError as error:
            message = f"spec.trialTemplate: the API server refuses the Job: {error.message}"
            outcome.obstacle = Obstacle(names.REASON_INVALID_TEMPLATE, message)
        else:
            outcome.has_checked_template = True

    async def create_trial(self, sweep: Sweep, action: CreateTrial, outcome: Outcome, now: datetime) -> None:
        """Create a trial's record, then its Job."""
        record = await self._create_record(sweep, action, outcome)
        if record is not None and may_begin(Trial(record, None, None)):
            await self._create_job(sweep, record, outcome, now)

    async def prepare_trial(self, sweep: Sweep, action: PrepareTrial, outcome: Outcome) -> None:
        """Create a trial's record alone."""
        record = await self._create_record(sweep, action, outcome)
        if record is not None and may_begin(Trial(record, None, None)):
            if len(self._prepared) >= MAX_PREPARED:
                self._prepared.clear()
            self._prepared.add(record.uid)

    async def _create_record(self, sweep: Sweep, action: CreateTrial | PrepareTrial, outcome: Outcome) -> Record | None:
        """Create a trial's record, or find it; None if it can't be, which the outcome says.

        It may be an older one, that a restored backup holds, say: one that has run.
        """
        if not await self._is_there(sweep, action.number):
            return None
        manifest = build_trial(
            sweep_name=sweep.name, sweep_uid=sweep.uid, number=action.number, parameters=action.parameters
        )
        try:
            record = read_record(await self._create(HYPERDRIVE_TRIALS, sweep.namespace, manifest))
        except InvalidError as error:  # values that no schema can hold: each further try would meet the same
            message = f"spec.searchSpace: the API server refuses trial {action.number}: {error.message}"
            outcome.obstacle = Obstacle(names.REASON_INVALID_SPEC, message)
            return None
        if record.sweep_uid != sweep.uid or record.number != action.number:
            taken_by = "" if record.sweep_uid == sweep.uid else record.sweep_uid  # none of ours has another's number
            outcome.obstacle = _name_taken(HYPERDRIVE_TRIALS, record.name, taken_by)
            return None
        return record

    async def _is_there(self, sweep: Sweep, number: int) -> bool:
        """Tell whether a sweep is still there. Where the record of this number has gone, the API server is asked.

        The sweep may have gone with it, unheard: what is created for it then is deleted at once, again and again.
        """
        if self._cache.knows(sweep) and number in self._cache.trials(sweep).numbers.lost:
            there = {body["metadata"]["uid"] for body in await self._client.list(HYPERDRIVES, sweep.namespace)}
            if sweep.uid not in there:
                self._cache.forget(HYPERDRIVES, sweep.uid)
        return self._cache.knows(sweep)

    async def create_missing_job(self, sweep: Sweep, record: Record, outcome: Outcome, now: datetime) -> None:
        """Create the Job of a record that stands, if by the API server's word it has not run yet.

        The cache may be behind, and the Job of a trial that has ended may be gone for good: nothing would refuse it.
        Of a record that we have just written ahead we know.
        """
        is_known = record.uid in self._prepared
        self._prepared.discard(record.uid)  # whatever comes of it: another try may be after a Job that has gone
        is_there = is_known or await self._records.read_again(record) is not None
        trial = self._cache.trial(record.uid) if is_there else None
        if trial is not None and trial.job is None and may_begin(trial):
            await self._create_job(sweep, trial.record, outcome, now)

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
            attempt=record.attempt,
        )
        try:
            job = read_job(await self._create(JOBS, sweep.namespace, manifest))
        except InvalidError as error:
            trial = Trial(record, None, None)
            await self._records.write_end(sweep, trial, outcomes.job_refused(trial, error.message, now), outcome)
        else:
            if job.trial_uid != record.uid:
                outcome.obstacle = _name_taken(JOBS, record.name, job.trial_uid)
            elif job.attempt == record.attempt:  # else it is the attempt before's, and goes first
                outcome.created += 1

    async def _create(self, kind: Kind, namespace: str, manifest: Object) -> Object:
        """Create an object, or return the one that has its name; either way the cache knows it now."""
        try:
            body = await self._client.create(kind, namespace, manifest)
        except AlreadyExistsError:
            body = await self._client.get(kind, namespace, manifest["metadata"]["name"])
        self._cache.confirm(kind, body)
        return body


def _name_taken(kind: Kind, name: str, owner_uid: str) -> Obstacle:
    if owner_uid:  # of ours, and its owner was deleted: there is nothing to do but to wait
        why = "is left of an earlier owner of that name: waiting until it is deleted"
    else:
        why = "exists and is not this HyperDrive's: delete it, or rename the HyperDrive"
    return Obstacle(names.REASON_NAME_TAKEN, f"a {kind.kind} named {name!r} {why}")
