"""Ending a trial before its time, as actions: what is to be done, and what it saves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from .early_termination import Verdict
from .trials import State, Trial


@dataclass(frozen=True, slots=True)
class StopTrial:
    """Record that a trial is ended before its time, then end its Job."""

    trial: Trial
    verdict: Verdict
    #: How long a trial takes that runs to its end, as far as any has.
    whole: timedelta | None = None


@dataclass(frozen=True, slots=True)
class EndJob:
    """End the Job of a trial whose record says that it was stopped: a write was lost, or somebody took it back."""

    trial: Trial


def whole_run(trials: Sequence[Trial]) -> timedelta | None:
    """Return how long trials take that run to their end: the median of those that have, None if there are none."""
    seconds = [
        (trial.record.ended - trial.record.started).total_seconds()
        for trial in trials
        if trial.record.state is State.SUCCEEDED and trial.record.started and trial.record.ended
    ]
    return timedelta(seconds=median(seconds)) if seconds else None
