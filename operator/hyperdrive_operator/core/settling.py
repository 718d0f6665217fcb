"""What has happened to the trials of a sweep and is not in their records yet, and what their records ask for."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .actions import EndJob, FollowLog, ReadLog, RecordEnd, RecordLoss, RecordProgress, RecordStart, Settling, StopTrial
from .early_termination import Verdict
from .outcome import is_followed, needs_log
from .pacing import Pace, due_reports
from .savings import whole_run
from .trials import State, Trial


def settle(
    spec: HyperDriveSpec, trials: Sequence[Trial], pace: Pace, now: datetime, verdicts: Mapping[int, Verdict]
) -> tuple[tuple[Settling, ...], datetime | None]:
    """Return what is to be recorded, read or ended now, and when reports that came too soon may be recorded."""
    # who is stopped now is recorded with all reports anyway
    going_on = [trial for trial in trials if trial.record.number not in verdicts] if verdicts else trials
    reports = due_reports(spec, going_on, pace, now)
    whole = whole_run(trials) if verdicts else None
    events = (action for trial in trials for action in _events(spec, trial, verdicts.get(trial.record.number), whole))
    return (*events, *(RecordProgress(trial) for trial in reports.due)), reports.next_check


def _events(spec: HyperDriveSpec, trial: Trial, verdict: Verdict | None, whole: timedelta | None) -> Iterator[Settling]:
    if trial.must_end_job:
        yield EndJob(trial)
    elif trial.is_ended or trial.record.deleting:
        return
    elif trial.job is None:
        if trial.record.started:
            yield RecordLoss(trial)
    elif trial.job.finished:
        yield ReadLog(trial) if needs_log(trial, spec) else RecordEnd(trial)
    elif verdict is not None:
        yield StopTrial(trial, verdict, whole)
    elif trial.is_running:
        if trial.log is None and is_followed(trial, spec):
            yield FollowLog(trial)
        if trial.record.state is State.PENDING:
            yield RecordStart(trial)
