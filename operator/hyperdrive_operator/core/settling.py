"""What has happened to the trials of a sweep and is not in their records yet, and what their records ask for."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .actions import (
    CancelTrial,
    EndJob,
    FollowLog,
    ReadLog,
    RecordEnd,
    RecordLoss,
    RecordProgress,
    RecordStart,
    Settling,
    StopTrial,
)
from .early_termination import Verdict
from .endings import Ending
from .outcome import is_followed, needs_log
from .pacing import Pace, due_reports
from .savings import whole_run
from .suspending import suspension
from .trials import State, Trial


def settle(
    spec: HyperDriveSpec,
    trials: Sequence[Trial],
    pace: Pace,
    now: datetime,
    verdicts: Mapping[int, Verdict],
    *,
    ending: Ending | None = None,
) -> tuple[tuple[Settling, ...], datetime | None]:
    """Return what is to be recorded, read or ended now, and when reports that came too soon may be recorded."""
    # who is ended now is recorded with all reports anyway
    going_on = [trial for trial in trials if trial.record.number not in verdicts] if verdicts else trials
    if ending is not None:
        going_on = [trial for trial in going_on if not ending.ends(trial)]
    reports = due_reports(spec, going_on, pace, now)
    whole = whole_run(trials) if verdicts else None
    events: list[Settling] = []
    for trial in trials:
        if trial.must_end_job:
            events.append(EndJob(trial))
        elif not (trial.is_ended or trial.record.deleting):
            verdict = verdicts.get(trial.record.number)
            stop = StopTrial(trial, verdict, whole) if verdict is not None else None
            cancel = CancelTrial(trial, ending) if ending is not None and ending.ends(trial) else None
            events += _events(spec, trial, stop or cancel)
    return (*events, *(RecordProgress(trial) for trial in reports.due)), reports.next_check


def _events(spec: HyperDriveSpec, trial: Trial, end: StopTrial | CancelTrial | None) -> Iterator[Settling]:
    """Return what is to be done for a trial that has not ended; `end` ends it, unless it does by itself."""
    if trial.job is None:
        if trial.record.started:
            yield RecordLoss(trial)
        elif end is not None:
            yield end
    elif trial.job.finished:
        yield ReadLog(trial) if needs_log(trial, spec) else RecordEnd(trial)
    elif end is not None:
        yield end
    elif (change := suspension(spec, trial)) is not None:
        yield change
    elif trial.is_running:
        if trial.log is None and is_followed(trial, spec):
            yield FollowLog(trial)
        if trial.record.state is State.PENDING:
            yield RecordStart(trial)
