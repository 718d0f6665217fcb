"""How fast the reports of running trials are recorded: bounded, however fast they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .outcome import has_news
from .records import State
from .trials import Trial
from .usage import runs_again

#: Of one trial, at most so often. A trial that ends sooner is recorded once, at its end.
INTERVAL: Final = timedelta(seconds=5)
#: Of all trials of the operator together, at most so many a second.
MAX_PER_SECOND: Final = 20
#: Pause until the turn of a trial that may be recorded, but for the others.
TURN: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a trial may be recorded, and how many trials may be now."""

    interval: timedelta = INTERVAL
    allowance: int = MAX_PER_SECOND


DEFAULT_PACE: Final = Pace()


@dataclass(frozen=True, slots=True)
class DueReports:
    """The trials whose reports are to be recorded now, and when others may be."""

    due: tuple[Trial, ...] = ()
    next_check: datetime | None = None


def interval(running: int) -> timedelta:
    """Return how often each of so many running trials may be recorded."""
    return max(INTERVAL, timedelta(seconds=running / MAX_PER_SECOND))


def due_reports(spec: HyperDriveSpec, trials: Sequence[Trial], pace: Pace, now: datetime) -> DueReports:
    """Choose whose reports are recorded now: those that have waited longest, as many as may be."""
    waiting = [
        ((trial.record.reported or trial.record.started) + pace.interval, trial)
        for trial in trials
        if trial.record.state is State.RUNNING and trial.record.started and trial.is_running
        if not trial.record.deleting
    ]
    waiting.sort(key=lambda one: (one[0], one[1].record.number))
    due: list[Trial] = []
    for at, trial in waiting:
        # asked late and of few: a thousand trials may have reported, of which none may be recorded yet
        if not has_news(trial, spec) or runs_again(trial):
            continue
        if at > now or len(due) >= pace.allowance:
            return DueReports(tuple(due), max(at, now + TURN))
        due.append(trial)
    return DueReports(tuple(due))
