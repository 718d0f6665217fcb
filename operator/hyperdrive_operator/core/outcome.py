"""How a trial ended: from its finished Job, its annotation and its log to the status its record keeps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import Objective

from . import timestamps
from .metrics import Reading, bounded, read_annotation
from .trials import Job, Log, State, Trial

TrialStatus = dict[str, Any]

_SEEN = 10  # metric names to show when the primary one is missing


def started(trial: Trial, now: datetime) -> TrialStatus:
    """Return the status of a trial whose pod runs."""
    return {"state": State.RUNNING.value, "startTime": timestamps.text(trial.started or now)}


def job_deleted(trial: Trial, now: datetime) -> TrialStatus:
    """Return the status of a trial whose Job went away before its end was recorded."""
    message = (
        "its Job was deleted before its end was recorded; to run this combination again: "
        f"kubectl delete hyperdrivetrial {trial.record.name}"
    )
    return _ended(State.FAILED, names.REASON_JOB_DELETED, message, trial, now)


def job_refused(trial: Trial, message: str, now: datetime) -> TrialStatus:
    """Return the status of a trial whose Job the API server does not take."""
    return _ended(State.FAILED, names.REASON_JOB_REFUSED, f"the API server refuses its Job: {message}", trial, now)


def needs_log(trial: Trial, objective: Objective) -> bool:
    """Tell whether the annotation leaves anything to look for in a log that was not looked at yet."""
    return trial.log is None and trial.job is not None and bool(_lacking(_annotation(trial.job, objective), objective))


def ended(trial: Trial, job: Job, objective: Objective, now: datetime) -> TrialStatus:
    """Return the status of a trial whose Job has finished. The annotation counts before the log."""
    log = trial.log or Log()
    reading = _annotation(job, objective)
    if _lacking(reading, objective):
        reading = _joined(reading, log.reading, objective)
    lacking = _lacking(reading, objective)
    if job.finished == "Failed":
        state, reason, message = State.FAILED, names.REASON_JOB_FAILED, _failure(trial, job)
    elif not lacking:
        state, reason, message = State.SUCCEEDED, "", ""
    else:
        state = State.FAILED
        reason, message = _no_value(reading, lacking, objective, log)
    return _ended(state, reason, message, trial, job.ended or now) | _measured(reading, objective)


def _annotation(job: Job, objective: Objective) -> Reading:
    return read_annotation(job.metrics, objective.primary_metric, objective.goal, others(objective))


def others(objective: Objective) -> tuple[str, ...]:
    """Return the metrics beside the primary one without which a trial has no result."""
    return tuple(one.metric for one in objective.additional_objectives)


def _lacking(reading: Reading, objective: Objective) -> list[str]:
    """Return the objectives of which there is no value."""
    return [metric for metric in objective.goals if metric not in reading.last]


def _joined(annotation: Reading, log: Reading, objective: Objective) -> Reading:
    """Return what both say; of each metric the annotation counts before the log."""
    return Reading(
        last=bounded({**log.last, **annotation.last}, list(objective.goals)),
        best=log.best if annotation.best is None else annotation.best,
        reports=annotation.reports or log.reports,
        not_a_number=annotation.not_a_number or log.not_a_number,
        others_not_a_number={**log.others_not_a_number, **annotation.others_not_a_number},
    )


def _failure(trial: Trial, job: Job) -> str:
    code = f" (exit code {trial.pod.exit_code})" if trial.pod and trial.pod.exit_code else ""
    return f"its Job failed{code}: {job.reason or 'no reason given'}: {job.message}".rstrip(": ")


def _no_value(reading: Reading, lacking: Sequence[str], objective: Objective, log: Log) -> tuple[str, str]:
    junk = {**reading.others_not_a_number, objective.primary_metric: reading.not_a_number}
    for metric in lacking:
        if junk.get(metric) is not None:
            message = f"its values of {metric!r} are no finite numbers; the last is {junk[metric]}"
            return names.REASON_METRIC_NOT_A_NUMBER, message
    seen = ", ".join(sorted(reading.last)[:_SEEN])
    message = f"it ended well, but reported no {' and no '.join(map(repr, lacking))}; " + (
        f"metrics seen: {seen}" if seen else "no metrics were seen at all"
    )
    if log.problem:
        message += f"; its log could not be read: {log.problem}"
    return names.REASON_METRIC_NOT_REPORTED, message


def _measured(reading: Reading, objective: Objective) -> TrialStatus:
    measured: TrialStatus = {"reports": reading.reports}
    # the values of several objectives must be those of one model: the last, where none of them alone tells the best
    value = reading.last.get(objective.primary_metric) if objective.additional_objectives else reading.best
    if value is not None:
        measured["value"] = value
    if reading.last:
        measured["metrics"] = dict(reading.last)
    return measured


def _ended(state: State, reason: str, message: str, trial: Trial, at: datetime) -> TrialStatus:
    status: Mapping[str, str | None] = {
        "state": state.value,
        "reason": reason or None,
        "message": message or None,
        "startTime": timestamps.text(trial.started) if trial.started else None,
        "completionTime": timestamps.text(at),
    }
    return {key: value for key, value in status.items() if value is not None}
