"""When the first start of a trial is recorded: once it has run for a while.

A trial that is over by then is recorded once, at its end, which says all that its start would have.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .endings import deadline_of
from .records import State
from .roster import Roster
from .running import start_of
from .trials import Trial

#: For so long a trial has run before its start is recorded, and its Job may take to say that it has ended.
START_PATIENCE: Final = timedelta(seconds=2)
#: Timestamps tell whole seconds: what they tell of may have been so much later.
_ROUNDING: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class DueStarts:
    """The trials whose start is to be recorded now, by number, and when others' is: no event will tell."""

    due: frozenset[int] = frozenset()
    next_check: datetime | None = None


def due_starts(spec: HyperDriveSpec, trials: Roster, now: datetime) -> DueStarts:
    """Choose whose start is recorded now."""
    waiting = [trial for trial in trials.live if trial.record.state is State.QUEUED and _has_started(trial)]
    if not waiting:
        return DueStarts()
    is_counted = _is_counted(spec, trials)
    moments = {trial.record.number: _due(trial, now, is_counted=is_counted) for trial in waiting}
    due = frozenset(number for number, moment in moments.items() if moment <= now)
    return DueStarts(due, min((moment for moment in moments.values() if moment > now), default=None))


def _has_started(trial: Trial) -> bool:
    """Tell whether a trial runs; or has run though its record does not say so."""
    return trial.is_running or (trial.has_run and _is_first(trial) and trial.job is not None)


def _is_first(trial: Trial) -> bool:
    record = trial.record
    return record.started is None and record.ran.until is None and record.attempt == 1 and not record.interruptions


def _is_counted(spec: HyperDriveSpec, trials: Roster) -> bool:
    """Tell whether something counts from starts that are recorded, or loses what is not: a time limit, a budget."""
    limits = spec.limits
    if limits.trial_timeout is not None or limits.max_total_trial_time is not None or limits.max_resource_hours:
        return True
    return limits.timeout is not None and deadline_of(spec, trials) is None  # the first start of all


def _due(trial: Trial, now: datetime, *, is_counted: bool) -> datetime:
    """Return when a start is to be recorded: by a clock that must be wrong, now."""
    if trial.is_running and (is_counted or not _is_first(trial)):
        return now
    pod, job = trial.pod, trial.job
    if job is not None and job.finished:  # its log is still to be read
        return (job.ended or now) + START_PATIENCE + _ROUNDING
    began = start_of(trial, now)
    if began != trial.started:
        return now
    # once its pod has ended, the end of its Job is about to come, or another pod
    since = pod.ended if pod is not None and pod.phase != "Running" and pod.ended is not None else began
    return since + START_PATIENCE + _ROUNDING if since <= now else now
