"""The places of maxConcurrentTrials: which are empty, and since when."""

from collections.abc import Sequence
from datetime import datetime
from heapq import nlargest

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .trials import Trial


def empty_places(spec: HyperDriveSpec, trials: Sequence[Trial]) -> int:
    """Return how many more trials might run; below zero where the limit was lowered."""
    return spec.limits.max_concurrent_trials - sum(trial.is_active for trial in trials)


def left_at(trials: Sequence[Trial], places: int) -> list[datetime]:
    """Return when the trials that ended last left so many places, the first of them first.

    Where all places were taken before, these are the empty ones.
    """
    ends = (left for trial in trials if (left := _left(trial)) is not None)
    return sorted(nlargest(places, ends))


def _left(trial: Trial) -> datetime | None:
    """Return when a trial left its place: with the end of its Job, however late that is recorded."""
    if trial.is_active:
        return None
    ended = trial.job.ended if trial.job is not None and trial.job.finished else None
    return ended or trial.record.ended
