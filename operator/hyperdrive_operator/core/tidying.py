"""Which finished Jobs are to be deleted now: a function of the records, the Jobs and the time.

Only a Job whose trial's record says how it ended is deleted, so nothing that was found is lost with it, and a record
that has ended asks for no Job.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, length_of

from .actions import DeleteJob
from .pareto import Point
from .records import State
from .roster import Roster
from .trials import Trial

#: Of one sweep at once, if so many are due.
BATCH: Final = 20
#: Pause until the next ones.
TURN: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Tidying:
    """The Jobs to delete now, and when there are others."""

    deletions: tuple[DeleteJob, ...] = ()
    next_check: datetime | None = None


def tidy(spec: HyperDriveSpec, trials: Roster, front: Sequence[Point] | None, now: datetime, allowance: int) -> Tidying:
    """Return the Jobs to delete now, at most as many as are allowed.

    It waits for an allowance of a whole batch, if that many are due: each deletion alone would cost a pass.
    """
    if spec.finished_jobs.keep == "All":
        return Tidying()
    over, soonest = _over(trials.with_finished_job, now, length_of(spec.finished_jobs.delete_after))
    best = _best(spec, trials, front)
    keeps_failed = spec.finished_jobs.keep == "Failed"
    due = [
        trial
        for trial in over
        if trial.record.uid not in best and not (keeps_failed and trial.record.state is State.FAILED)
    ]
    batch = due[: min(allowance, BATCH)] if allowance >= min(len(due), BATCH) else []
    turn = now + TURN if len(batch) < len(due) else None
    moments = [moment for moment in (soonest, turn) if moment is not None]
    return Tidying(tuple(DeleteJob(one, one.job) for one in batch if one.job), min(moments, default=None))


def _over(trials: Collection[Trial], now: datetime, patience: timedelta) -> tuple[list[Trial], datetime | None]:
    """Return the trials whose Job has finished long enough ago, and when the next one will have."""
    latest = now - patience
    over: list[Trial] = []
    soonest: datetime | None = None
    for trial in trials:
        end = (trial.job and trial.job.ended) or trial.record.ended or now
        if end <= latest:
            over.append(trial)
        elif soonest is None or end < soonest:
            soonest = end
    return over, soonest + patience if soonest is not None else None


def _best(spec: HyperDriveSpec, trials: Roster, front: Sequence[Point] | None) -> frozenset[str]:
    """Return the trials whose Jobs are kept for their value, by the uid of their record."""
    if spec.finished_jobs.keep != "Best":
        return frozenset()
    if front:
        return frozenset(point.record.uid for point in front)
    best = trials.ended.best.get(spec.objective.goal)
    return frozenset({best.uid} if best is not None else ())
