"""Suspending the Jobs of a paused sweep, and resuming them after it."""

from collections.abc import Sequence

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .actions import ResumeJob, SuspendJob
from .trials import Trial


def suspends(spec: HyperDriveSpec) -> bool:
    """Tell whether the sweep's Jobs shall be suspended now."""
    return spec.state == "Paused" and spec.running_trials.when_paused == "Suspend"


def suspension(spec: HyperDriveSpec, trial: Trial) -> SuspendJob | ResumeJob | None:
    """Return what is to be done about the Job of a trial that has not ended.

    Only what we suspended is resumed, and what a person has resumed in the pause is not suspended again. A Job in a
    queue of Kueue's is never touched: two that set `suspend` would fight.
    """
    job = trial.job
    if job is None or job.finished or job.is_kueues:
        return None
    if not suspends(spec):
        return ResumeJob(trial) if job.is_paused else None
    return None if job.is_paused or job.suspended else SuspendJob(trial)


def left_to_kueue(spec: HyperDriveSpec, trials: Sequence[Trial]) -> int:
    """Return how many Jobs would be suspended, but for Kueue."""
    if not suspends(spec):
        return 0
    return sum(trial.job is not None and trial.job.is_kueues and not trial.is_ended for trial in trials)
