"""How a trial ended: from its finished Job, its annotation and its log to the status its record keeps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import stdev
from typing import Any

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, Objective

from . import timestamps
from .curves import columns_of
from .early_termination import Verdict
from .loglines import TAIL_BYTES
from .metrics import Aim, bounded
from .progress import Progress
from .records import State
from .running import start_of
from .savings import seconds_saved
from .trialjobs import Job
from .trials import Log, Trial
from .usage import run_time, told_requests

TrialStatus = dict[str, Any]

_SEEN = 10  # metric names to show when the primary one is missing


def started(trial: Trial, now: datetime) -> TrialStatus:
    """Return the status of a trial whose pod runs, or whose end is still to be recorded."""
    began = timestamps.text(start_of(trial, now))
    status: TrialStatus = {"state": State.RUNNING.value, "startTime": began, **told_requests(trial)}
    if trial.record.started is not None or trial.record.ran.until is not None:  # not for the first time
        status["runTime"] = run_time(trial, now)
    return status


def interrupted(trial: Trial, now: datetime) -> TrialStatus:
    """Return the status of a trial whose pod the cluster took away. Its Job makes another one."""
    pod = trial.disrupted
    if pod is None:
        return {}
    told: TrialStatus = {"count": trial.record.interruptions + 1, "reason": pod.disruption}
    told |= {"pod": pod.uid, "podCreated": pod.created}
    if pod.disruption_message:
        told["message"] = pod.disruption_message
    # the place of a start that was not seen: the pod may be gone before there is another look at it
    began = started(trial, now) if trial.record.state is State.QUEUED and pod.admitted else {}
    waits = {} if trial.is_running else {"state": State.QUEUED.value}
    return began | waits | {"interruptions": told, "runTime": run_time(trial, now)}


def queued(trial: Trial, now: datetime) -> TrialStatus:
    """Return the status of a trial that has run and waits for a pod again.

    That its Job is suspended is an interruption, unless we have suspended it for a pause of the sweep.
    """
    status: TrialStatus = {"state": State.QUEUED.value, "runTime": run_time(trial, now)}
    if trial.job is not None and trial.job.suspended and not trial.job.is_paused:
        status["interruptions"] = {
            "count": trial.record.interruptions + 1,
            "reason": names.REASON_SUSPENDED,
            "message": "its Job was suspended: by Kueue, say, which takes its quota for another",
        }
    return status


def job_deleted(trial: Trial, spec: HyperDriveSpec | None, now: datetime) -> TrialStatus:
    """Return the status of a trial whose Job went away before its end was recorded."""
    message = (
        "its Job was deleted before its end was recorded; to run this combination again: "
        f"kubectl patch hyperdrivetrial {trial.record.name} --type merge -p {_next_attempt(trial)}"
    )
    known = measured(trial.progress, spec) if spec is not None and trial.progress.reports else {}
    return _ended(State.FAILED, names.REASON_JOB_DELETED, message, trial, now) | known


def _next_attempt(trial: Trial) -> str:
    return f"""'{{"spec":{{"attempt":{trial.record.wanted_attempt + 1}}}}}'"""


def job_refused(trial: Trial, message: str, now: datetime) -> TrialStatus:
    """Return the status of a trial whose Job the API server does not take."""
    return _ended(State.FAILED, names.REASON_JOB_REFUSED, f"the API server refuses its Job: {message}", trial, now)


def progressed(trial: Trial, spec: HyperDriveSpec, now: datetime) -> TrialStatus:
    """Return the status of a running trial that has reported: all of it at once, so that a restart goes on from it."""
    is_annotated = trial.annotated is not None and trial.annotated.reports > 0
    position = trial.log.position if trial.log is not None and not is_annotated else None
    began = started(trial, now) if trial.record.state is State.QUEUED else {}
    return (
        began
        | measured(trial.progress, spec)
        | {
            "lastReportTime": timestamps.text(now),
            "logPosition": position._asdict() if position is not None else None,
        }
    )


def needs_log(trial: Trial, spec: HyperDriveSpec) -> bool:
    """Tell whether a finished trial's output is still to be looked at: for its metrics, or for why it failed."""
    if trial.job is None or (trial.log is not None and trial.log.is_whole):
        return False
    return trial.job.finished == "Failed" or has_metrics_in_output(trial, spec)


def has_metrics_in_output(trial: Trial, spec: HyperDriveSpec) -> bool:
    """Tell whether a trial's output is where its metrics are, as far as is known."""
    return spec.metrics.source != "Annotation" and not _is_annotated(trial, spec.objective)


def is_followed(trial: Trial, spec: HyperDriveSpec) -> bool:
    """Tell whether a running trial's log counts."""
    is_single = spec.repeats == 1  # repeats have no value before all have ended
    return spec.metrics.source == "Log" and is_single and trial.is_running and has_metrics_in_output(trial, spec)


def has_news(trial: Trial, spec: HyperDriveSpec) -> bool:
    """Tell whether a running trial has reported what is not recorded."""
    record, progress = trial.record, trial.progress
    return progress.curve != record.curve or _metrics(progress, spec.objective) != record.metrics


def ended(trial: Trial, job: Job, spec: HyperDriveSpec, now: datetime) -> TrialStatus:
    """Return the status of a trial whose Job has finished. The annotation counts before the log."""
    progress = trial.progress
    missing = lacking(progress, spec.objective)
    if job.finished == "Failed":
        state, reason, message = State.FAILED, names.REASON_JOB_FAILED, _failure(trial, job)
    elif not missing:
        state, reason, message = State.SUCCEEDED, "", ""
    else:
        state = State.FAILED
        reason, message = _no_value(progress, missing, spec.objective, trial.log or Log())
    more = _exit(trial) if job.finished == "Failed" else _spread(trial.log)
    return _ended(state, reason, message, trial, job.ended or now) | measured(progress, spec) | more


def _spread(log: Log | None) -> TrialStatus:
    """Return how far the repeats of a trial lie apart, if it has any."""
    if log is None or not log.repeats:
        return {}
    return {"deviation": stdev(log.repeats), "repeats": list(log.repeats)}


def timed_out(trial: Trial, spec: HyperDriveSpec, limit: str, now: datetime) -> TrialStatus:
    """Return the status of a trial that has run for too long: a failure, which keeps what it has reported by now."""
    message = (
        f"it has run for limits.trialTimeout ({limit}) and was ended; "
        "raise the limit for the trials to come, or make the training shorter"
    )
    return _ended(State.FAILED, names.REASON_TIMED_OUT, message, trial, now) | (
        measured(trial.progress, spec) if trial.progress.reports else {}
    )


def stopped(
    trial: Trial, spec: HyperDriveSpec, verdict: Verdict, whole: timedelta | None, now: datetime
) -> TrialStatus:
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
        | measured(trial.progress, spec)
        | {"earlyTermination": explanation}
    )


def cancelled(trial: Trial, spec: HyperDriveSpec, reason: str, message: str, now: datetime) -> TrialStatus:
    """Return the status of a trial that is ended from outside: what it has reported by now is its result."""
    status = _ended(State.CANCELLED, reason, message, trial, now)
    if not trial.has_begun:
        for field in ("startTime", "runTime", "requests"):  # its Job's, whose pod never ran
            status.pop(field, None)
    return status | (measured(trial.progress, spec) if trial.progress.reports else {})


def value_of(progress: Progress, spec: HyperDriveSpec) -> float | None:
    """Return the value of a trial with these reports."""
    # the values of several objectives must be those of one model: the last, where none of them alone tells the best
    is_last = spec.metrics.value == "Last" or spec.objective.additional_objectives
    return progress.newest if is_last else progress.best


def measured(progress: Progress, spec: HyperDriveSpec) -> TrialStatus:
    """Return what a status says of reports."""
    value = value_of(progress, spec)
    status: TrialStatus = {"reports": progress.reports}
    if value is not None:
        status |= {"value": value, "curve": columns_of(progress.curve)}
    if progress.step is not None:
        status["step"] = progress.step
    if progress.last:
        status["metrics"] = dict(_metrics(progress, spec.objective))
    return status


def newly_reported(trial: Trial, spec: HyperDriveSpec, status: TrialStatus) -> Counter[str]:
    """Count the reports that a status adds to a trial's record, by where they were read, in the words of the spec."""
    new = status.get("reports", 0) - trial.record.curve.reports
    is_annotated = trial.annotated is not None and trial.annotated.reports > 0
    return Counter({"Annotation" if is_annotated else spec.metrics.source: new} if new > 0 else {})


def aim_of(objective: Objective) -> Aim:
    """Return the metrics without which a trial has no result."""
    return Aim(objective.primary_metric, objective.goal, tuple(one.metric for one in objective.additional_objectives))


def _is_annotated(trial: Trial, objective: Objective) -> bool:
    return trial.annotated is not None and not lacking(trial.annotated, objective)


def lacking(progress: Progress, objective: Objective) -> list[str]:
    """Return the objectives of which there is no value."""
    return [metric for metric in objective.goals if metric not in progress.last]


def _metrics(progress: Progress, objective: Objective) -> Mapping[str, float]:
    return bounded(progress.last, list(objective.goals))


def _failure(trial: Trial, job: Job) -> str:
    pod = trial.pod
    why = f", {pod.exit_reason}" if pod and pod.exit_reason not in {"", "Error"} else ""
    code = f" (exit code {pod.exit_code}{why})" if pod and pod.exit_code else ""
    cause = f"its Job failed{code}: {job.reason or 'no reason given'}: {job.message}".rstrip(": ")
    words = (trial.log.tail if trial.log else "") or (trial.pod.message.strip() if trial.pod else "")
    return f"{cause}; its last lines:\n{words[-TAIL_BYTES:]}" if words else cause


def _exit(trial: Trial) -> TrialStatus:
    """Return how its container ended that failed, if it can be seen."""
    if trial.pod is None or not trial.pod.exit_code:
        return {}
    return {"exitCode": trial.pod.exit_code} | ({"exitReason": trial.pod.exit_reason} if trial.pod.exit_reason else {})


def _no_value(progress: Progress, missing: Sequence[str], objective: Objective, log: Log) -> tuple[str, str]:
    who = "it" if log.incomplete is None else f"its repeat {log.incomplete}"
    whose = "its values" if log.incomplete is None else f"the values of its repeat {log.incomplete}"
    junk = {**progress.others_not_a_number, objective.primary_metric: progress.not_a_number}
    for metric in missing:
        if junk.get(metric) is not None:
            message = f"{whose} of {metric!r} are no finite numbers; the last is {junk[metric]}"
            return names.REASON_METRIC_NOT_A_NUMBER, message
    seen = ", ".join(sorted(progress.last)[:_SEEN])
    message = f"{who} ended well, but reported no {' and no '.join(map(repr, missing))}; " + (
        f"metrics seen: {seen}" if seen else "no metrics were seen at all"
    )
    if log.problem:
        message += f"; its log could not be read: {log.problem}"
    return names.REASON_METRIC_NOT_REPORTED, message


def _ended(state: State, reason: str, message: str, trial: Trial, at: datetime) -> TrialStatus:
    status: Mapping[str, str | None] = {
        "state": state.value,
        "reason": reason or None,
        "message": message or None,
        "startTime": timestamps.text(start_of(trial, at)) if trial.started else None,
        "completionTime": timestamps.text(at),
    }
    final: TrialStatus = {"logPosition": None} if trial.record.position is not None else {}
    if trial.started:
        final |= {"runTime": run_time(trial, at), **told_requests(trial)}
    return {key: value for key, value in status.items() if value is not None} | final
