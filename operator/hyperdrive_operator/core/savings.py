"""What early termination saves, in time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from .trials import State, Trial


def whole_run(trials: Sequence[Trial]) -> timedelta | None:
    """Return how long trials take that run to their end: the median of those that have, None if there are none."""
    seconds = [
        (trial.record.ended - trial.record.started).total_seconds()
        for trial in trials
        if trial.record.state is State.SUCCEEDED and trial.record.started and trial.record.ended
    ]
    return timedelta(seconds=median(seconds)) if seconds else None


def seconds_saved(trial: Trial, whole: timedelta | None, now: datetime) -> int | None:
    """Return how much longer a trial would run than until now; None while nobody can tell."""
    if whole is None or trial.started is None:
        return None
    return max(0, int((whole - (now - trial.started)).total_seconds()))
