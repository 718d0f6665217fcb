"""For how long a trial has run, in all attempts, and with how much: what its sweep's budget is spent on.

What is recorded counts up to its time, and what the pods say comes to it. Where a pod that ran is gone and nothing
tells when, the trial counts as running until that was noticed: a budget may end a little early for it, and never late.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from . import timestamps
from .records import ENDED, State
from .requests import Requests, times
from .spans import Span, ran, span_of
from .trials import Trial


def run_seconds(trial: Trial, now: datetime) -> float:
    """Return for how long any pod of a trial has run by now. For one that has ended it is what its record says."""
    record = trial.record
    since = None if record.state in ENDED else _since(trial, now)
    if since is None:
        return record.ran.seconds
    return record.ran.seconds + ran(trial.spans, since, _until(trial, now)).total_seconds()


def run_time(trial: Trial, now: datetime) -> dict[str, Any]:
    """Return what a record says of it from now on: all up to now, and that what is later comes to it."""
    # a timestamp tells whole seconds; rounded up, what has used up a budget stays enough for that
    until = now.replace(microsecond=0) + timedelta(seconds=bool(now.microsecond))
    return {"seconds": int(run_seconds(trial, until)), "time": timestamps.text(until)}


def runs_again(trial: Trial) -> bool:
    """Tell whether the pods that a running trial has now are others than those with which its record counts.

    Each attempt is to be recorded: should its pod go, and leave nothing behind, it has still been paid for.
    """
    since = trial.record.ran.until or trial.record.started
    if trial.record.state is not State.RUNNING or since is None:
        return False
    live = [span.created for span in trial.spans if span.end is None]
    return bool(live) and min(live) > since


def requests_of(trial: Trial) -> Requests:
    """Return what a trial's pods request together: as recorded at its start, else of its pods, else of its Job."""
    if trial.record.requests or trial.job is None:
        return trial.record.requests
    if trial.pod is not None and trial.pod.requests:
        return times(trial.pod.requests, trial.job.demand.pods)
    return trial.job.demand.requests


def told_requests(trial: Trial) -> Mapping[str, Any]:
    """Return what a record is to say of its requests, if it says nothing yet."""
    requests = requests_of(trial)
    return {} if trial.record.requests or not requests else {"requests": dict(requests)}


def _since(trial: Trial, now: datetime) -> datetime | None:
    """Return since when a trial has run that is not counted yet; None if it waits for a pod."""
    record = trial.record
    if record.state is State.RUNNING:
        return record.ran.until or record.started
    # its start is not recorded yet, and several of its pods may have run
    spans = _spans(trial)
    if spans:
        uncounted = [span.start for span in spans if record.ran.until is None or span.created > record.ran.until]
        return min(*uncounted, now) if uncounted else None
    if trial.job is None or record.ran.until is not None:
        return None
    # nobody has seen its pods: then its Job has to tell. One that has failed may never have had any
    has_run = trial.is_running or (trial.job.finished == "Complete" and trial.pod is None)
    return trial.job.started if has_run else None


def _spans(trial: Trial) -> list[Span]:
    """Return when its pods ran; those that ran for no time at all only if no other did."""
    told = trial.spans or tuple(filter(None, [span_of(trial.pod) if trial.pod is not None else None]))
    return [span for span in told if span.end is None or span.end > span.start] or list(told)


def _until(trial: Trial, now: datetime) -> datetime:
    """Return when a trial's pods have stopped at the latest, as far as its Job tells."""
    job, pod = trial.job, trial.pod
    if job is None:
        return now
    ends = [now]
    if job.finished and job.ended:
        ends.append(job.ended)
    elif pod is None and job.suspended and job.suspended_at:
        ends.append(job.suspended_at + timedelta(seconds=job.demand.grace_seconds))
    elif pod is not None and pod.phase == "Pending":  # made when the one before it had ended
        ends += filter(None, [timestamps.parse(pod.created)])
    return min(ends)
