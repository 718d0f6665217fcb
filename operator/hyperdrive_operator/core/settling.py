"""What has happened to the trials of a sweep and is not in their records yet, and what their records ask for."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .actions import (
    CancelTrial,
    DeleteJob,
    EndJob,
    FollowLog,
    ReadLog,
    RecordEnd,
    RecordInterruption,
    RecordLoss,
    RecordProgress,
    RecordQueued,
    RecordStart,
    Settling,
    StopTrial,
    TimeOutTrial,
)
from .beginnings import due_starts
from .early_termination import Verdict
from .endings import CALLED_OFF, Ending
from .outcome import is_followed, needs_log
from .pacing import Pace, due_reports
from .roster import Roster
from .running import deadline_of, is_newly_interrupted, next_deadline, waits_again
from .suspending import suspension
from .trials import Trial
from .usage import runs_again


def settle(
    spec: HyperDriveSpec,
    trials: Roster,
    pace: Pace,
    now: datetime,
    verdicts: Mapping[int, Verdict],
    *,
    ending: Ending | None = None,
) -> tuple[tuple[Settling, ...], datetime | None]:
    """Return what is to be recorded, read or ended now, and when time alone asks for more: of starts, reports, ends."""
    # who is ended now is recorded with all reports anyway
    going_on = [
        trial for trial in trials.live if trial.record.number not in verdicts and _end_of(trial, ending) is None
    ]
    reports = due_reports(spec, going_on, pace, now)
    whole = trials.ended.whole_run() if verdicts else None
    overdue = _overdue(spec, trials.live, now)
    starts = due_starts(spec, trials, now)
    events = [
        action
        for trial in trials.live
        for action in _events(
            spec,
            trial,
            overdue.get(trial.record.number)
            or _stop(trial, verdicts.get(trial.record.number), whole)
            or _cancel(trial, _end_of(trial, ending)),
            is_start_due=trial.record.number in starts.due,
        )
    ]
    due = (RecordProgress(trial) for trial in reports.due if trial.record.number not in overdue)
    moments = (starts.next_check, reports.next_check, next_deadline(trials.live, spec.limits, now))
    return (*events, *due), min((moment for moment in moments if moment is not None), default=None)


def _overdue(spec: HyperDriveSpec, trials: Sequence[Trial], now: datetime) -> Mapping[int, TimeOutTrial]:
    """Return the trials that have run for too long, by number."""
    limit = spec.limits.trial_timeout
    if limit is None:
        return {}
    late = (trial for trial in trials if not trial.is_ended and (due := deadline_of(trial, spec.limits)) and due <= now)
    return {trial.record.number: TimeOutTrial(trial, limit) for trial in late}


def _stop(trial: Trial, verdict: Verdict | None, whole: timedelta | None) -> StopTrial | None:
    return StopTrial(trial, verdict, whole) if verdict is not None else None


def _end_of(trial: Trial, ending: Ending | None) -> Ending | None:
    """Return what ends a trial from outside: its own spec, or the end of its sweep."""
    if trial.record.is_called_off:
        return CALLED_OFF
    return ending if ending is not None and ending.ends(trial) else None


def _cancel(trial: Trial, ending: Ending | None) -> CancelTrial | None:
    return CancelTrial(trial, ending) if ending is not None else None


def _events(
    spec: HyperDriveSpec, trial: Trial, end: StopTrial | TimeOutTrial | CancelTrial | None, *, is_start_due: bool
) -> Iterator[Settling]:
    """Return what is to be done for a trial; `end` ends it, unless it has ended by itself."""
    if trial.former is not None and not trial.former.deleting:
        yield DeleteJob(trial, trial.former)
    if trial.must_end_job:
        yield EndJob(trial)
    elif trial.is_ended or trial.record.deleting:
        return
    elif trial.job is None:
        if trial.record.started or trial.was_running:
            yield RecordLoss(trial)
        elif end is not None:
            yield end
    elif not trial.job.finished:
        yield from _while_unfinished(spec, trial, end, is_start_due=is_start_due)
    elif needs_log(trial, spec):
        yield ReadLog(trial)
        if is_start_due:  # who can't be read for minutes has run all the same
            yield RecordStart(trial)
    else:
        yield RecordEnd(trial)


def _while_unfinished(
    spec: HyperDriveSpec, trial: Trial, end: StopTrial | TimeOutTrial | CancelTrial | None, *, is_start_due: bool
) -> Iterator[Settling]:
    if end is not None:
        yield end
    elif (change := suspension(spec, trial)) is not None:
        yield change
    elif is_newly_interrupted(trial):
        yield RecordInterruption(trial)
    else:
        if trial.log is None and is_followed(trial, spec):
            yield FollowLog(trial)
        if is_start_due or (trial.is_running and runs_again(trial)):
            yield RecordStart(trial)
        elif waits_again(trial):
            yield RecordQueued(trial)
