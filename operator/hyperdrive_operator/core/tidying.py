"""Which finished Jobs are to be deleted now: a function of the records, the Jobs and the time.

Only a Job whose trial's record says how it ended is deleted, so nothing that was found is lost with it, and a record
that has ended asks for no Job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, length_of

from .actions import DeleteJob
from .best import best_record
from .pareto import Point
from .trials import ENDED, State, Trial

#: Of one sweep at once, if so many are due.
BATCH: Final = 20
#: Pause until the next ones.
TURN: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Tidying:
    """The Jobs to delete now, and when there are others."""

    deletions: tuple[DeleteJob, ...] = ()
    next_check: datetime | None = None


def tidy(
    spec: HyperDriveSpec, trials: Sequence[Trial], front: Sequence[Point] | None, now: datetime, allowance: int
) -> Tidying:
    """Return the Jobs to delete now, at most as many as are allowed, the oldest trials' first.

    It waits for an allowance of a whole batch, if that many are due: each deletion alone would cost a pass.
    """
    if spec.finished_jobs.keep == "All":
        return Tidying()
    due, soonest = _over(trials, now, length_of(spec.finished_jobs.delete_after))
    if due:
        kept = _kept(spec, trials, front)
        due = [trial for trial in due if trial.record.uid not in kept]
    batch = due[: min(allowance, BATCH)] if allowance >= min(len(due), BATCH) else []
    turn = now + TURN if len(batch) < len(due) else None
    moments = [moment for moment in (soonest, turn) if moment is not None]
    return Tidying(tuple(DeleteJob(one, one.job) for one in batch if one.job), min(moments, default=None))


def _over(trials: Sequence[Trial], now: datetime, patience: timedelta) -> tuple[list[Trial], datetime | None]:
    """Return the trials whose Job has finished long enough ago, and when the next one will have."""
    latest = now - patience
    over: list[Trial] = []
    soonest: datetime | None = None
    for trial in trials:  # thousands have a Job for as long as that is kept: no call more than it takes
        job = trial.job
        if job is None or not job.finished or job.deleting or trial.record.state not in ENDED:
            continue
        end = job.ended or trial.record.ended or now
        if end <= latest:
            over.append(trial)
        elif soonest is None or end < soonest:
            soonest = end
    return over, soonest + patience if soonest is not None else None


def _kept(spec: HyperDriveSpec, trials: Sequence[Trial], front: Sequence[Point] | None) -> frozenset[str]:
    """Return the trials whose Jobs are kept, by the uid of their record."""
    keep = spec.finished_jobs.keep
    if keep == "Failed":
        return frozenset(trial.record.uid for trial in trials if trial.record.state is State.FAILED)
    if keep != "Best":
        return frozenset()
    if front:
        return frozenset(point.record.uid for point in front)
    best = best_record(spec.objective.goal, (trial.record for trial in trials))
    return frozenset({best.uid} if best is not None else ())
