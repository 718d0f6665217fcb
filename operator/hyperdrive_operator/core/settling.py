"""What has happened to the trials of a sweep and is not in their records yet."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .actions import FollowLog, ReadLog, RecordEnd, RecordLoss, RecordProgress, RecordStart, Settlement
from .outcome import is_followed, needs_log
from .pacing import Pace, due_reports
from .trials import State, Trial


def settle(
    spec: HyperDriveSpec, trials: Sequence[Trial], pace: Pace, now: datetime
) -> tuple[tuple[Settlement, ...], datetime | None]:
    """Return what is to be recorded or read now, and when reports that came too soon may be recorded."""
    reports = due_reports(spec, trials, pace, now)
    events = (action for trial in trials for action in _events(spec, trial))
    return (*events, *(RecordProgress(trial) for trial in reports.due)), reports.next_check


def _events(spec: HyperDriveSpec, trial: Trial) -> Iterator[Settlement]:
    if trial.is_ended or trial.record.deleting:
        return
    if trial.job is None:
        if trial.record.started:
            yield RecordLoss(trial)
    elif trial.job.finished:
        yield ReadLog(trial) if needs_log(trial, spec) else RecordEnd(trial)
    elif trial.is_running:
        if trial.log is None and is_followed(trial, spec):
            yield FollowLog(trial)
        if trial.record.state is State.PENDING:
            yield RecordStart(trial)
