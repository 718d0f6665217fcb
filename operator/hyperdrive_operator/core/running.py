"""What can befall a trial while it runs: it takes too long, it loses its pod, it waits in a queue again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hyperdrive_operator.api.v1alpha1 import Limits, length_of

from . import timestamps
from .records import State
from .trials import Trial


def start_of(trial: Trial, now: datetime) -> datetime:
    """Return when a trial started: by the clock of its node, unless that must be wrong.

    It is when it tells of a start before the pod was created, which is a time of the API server's, or of one that is
    still to come. Then the trial starts now, when it is first seen to run: rather too late than too early, since its
    deadline and its sweep's count from it.
    """
    began = trial.started
    created = timestamps.parse(trial.pod.created) if trial.pod is not None else None
    if began is None or began > now or (created is not None and began < created):
        return trial.record.started or now
    return began


def running_since(trial: Trial) -> datetime | None:
    """Return since when the pod that a trial has now runs; None if it waits for one, or its start is not recorded yet.

    A container that is started again is in the same pod: the clock goes on. A pod that takes another's place is a new
    start, whatever became of the other: since the kubelet took it, and by no clock before it was created.
    """
    began, pod = trial.record.started, trial.pod
    if began is None or pod is None or not trial.is_running:
        return None
    created = timestamps.parse(pod.created)
    if created is None or created <= began:
        return began
    return max(created, pod.admitted or created)


def deadline_of(trial: Trial, limits: Limits) -> datetime | None:
    """Return when a trial will have run for too long; None if it does not run, or may run for ever."""
    since = running_since(trial) if limits.trial_timeout is not None else None
    if since is None or limits.trial_timeout is None:
        return None
    return since + _whole_seconds(length_of(limits.trial_timeout))


def next_deadline(trials: Sequence[Trial], limits: Limits, now: datetime) -> datetime | None:
    """Return when the next trial will have run for too long: no event will tell."""
    if limits.trial_timeout is None:
        return None
    due = (deadline_of(trial, limits) for trial in trials if not trial.is_ended)
    return min((moment for moment in due if moment is not None and moment > now), default=None)


def is_newly_interrupted(trial: Trial) -> bool:
    """Tell whether the cluster took a pod away that the record does not know."""
    pod = trial.disrupted
    return pod is not None and (pod.created, pod.uid) > trial.record.interrupted_pod


def waits_again(trial: Trial) -> bool:
    """Tell whether a trial that has run waits for a pod again, which its record does not know yet.

    The end of its pod says nothing: its Job is about to end, or makes another. But where only earlier pods can be seen,
    it has lost its own.
    """
    record = trial.record
    if record.state is not State.RUNNING or trial.is_running or trial.job is None or trial.job.finished:
        return False
    if trial.pod is None or trial.pod.phase == "Pending" or trial.job.suspended:
        return True
    since = record.ran.until or record.started
    return since is not None and all(
        span.start < since and span.end is not None and span.end <= since for span in trial.spans
    )


def _whole_seconds(length: timedelta) -> timedelta:
    """Timestamps tell whole seconds: none may end before its time."""
    return timedelta(seconds=-(-length // timedelta(seconds=1)))
