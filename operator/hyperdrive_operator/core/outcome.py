"""How a trial ended: from its finished Job, its annotation and its log to the status its record keeps."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import Objective

from . import timestamps
from .curves import Curve, columns_of
from .early_termination import Verdict
from .metrics import Reading, read_annotation
from .savings import seconds_saved
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
    return trial.log is None and trial.job is not None and _annotation(trial.job, objective).best is None


def ended(trial: Trial, job: Job, objective: Objective, now: datetime) -> TrialStatus:
    """Return the status of a trial whose Job has finished. The annotation counts before the log."""
    log = trial.log or Log()
    reading = _annotation(job, objective)
    if reading.best is None:
        reading = _joined(reading, log.reading)
    if job.finished == "Failed":
        state, reason, message = State.FAILED, names.REASON_JOB_FAILED, _failure(trial, job)
    elif reading.best is not None:
        state, reason, message = State.SUCCEEDED, "", ""
    else:
        state = State.FAILED
        reason, message = _no_value(reading, objective.primary_metric, log)
    return _ended(state, reason, message, trial, job.ended or now) | _measured(reading)


def stopped(trial: Trial, verdict: Verdict, whole: timedelta | None, now: datetime) -> TrialStatus:
    """Return the status of a trial that is ended before its time: what it has reported by now is its result."""
    explanation: TrialStatus = {
        "policy": verdict.policy,
        "interval": verdict.interval,
        "value": verdict.value,
        "threshold": verdict.threshold,
    }
    if verdict.compared_with:
        explanation["comparedWith"] = list(verdict.compared_with)
    if (saved := seconds_saved(trial, whole, now)) is not None:
        explanation["secondsSaved"] = saved
    return (
        _ended(State.EARLY_STOPPED, verdict.policy, verdict.message, trial, now)
        | _so_far(trial.curve)
        | {"earlyTermination": explanation}
    )


def _so_far(curve: Curve) -> TrialStatus:
    newest = curve.newest
    return {"reports": curve.reports, "value": newest.best, "curve": columns_of(curve)} if newest else {}


def _annotation(job: Job, objective: Objective) -> Reading:
    return read_annotation(job.metrics, objective.primary_metric, objective.goal)


def _joined(annotation: Reading, log: Reading) -> Reading:
    return Reading(
        last={**log.last, **annotation.last},
        best=log.best,
        reports=log.reports,
        not_a_number=annotation.not_a_number or log.not_a_number,
    )


def _failure(trial: Trial, job: Job) -> str:
    code = f" (exit code {trial.pod.exit_code})" if trial.pod and trial.pod.exit_code else ""
    return f"its Job failed{code}: {job.reason or 'no reason given'}: {job.message}".rstrip(": ")


def _no_value(reading: Reading, primary: str, log: Log) -> tuple[str, str]:
    if reading.not_a_number is not None:
        message = f"its values of {primary!r} are no finite numbers; the last is {reading.not_a_number}"
        return names.REASON_METRIC_NOT_A_NUMBER, message
    seen = ", ".join(sorted(reading.last)[:_SEEN])
    message = f"it ended well, but reported no {primary!r}; " + (
        f"metrics seen: {seen}" if seen else "no metrics were seen at all"
    )
    if log.problem:
        message += f"; its log could not be read: {log.problem}"
    return names.REASON_METRIC_NOT_REPORTED, message


def _measured(reading: Reading) -> TrialStatus:
    measured: TrialStatus = {"reports": reading.reports}
    if reading.best is not None:
        measured["value"] = reading.best
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
