"""HyperDrive.spec.limits: how many trials, how many at once, and what ends a sweep before it has run them all."""

from typing import Annotated, Final

from pydantic import Field

from .base import Model
from .duration import Duration
from .quantity import Quantity

MAX_TRIALS: Final = 10_000  # what the operator is designed for (docs/architecture.md)
MAX_CONCURRENT_TRIALS: Final = 1_000
MAX_RESOURCES: Final = 16

ResourceName = Annotated[str, Field(min_length=1, max_length=317)]


class Limits(Model):
    """How many trials, how many at once, and when to end. Can be changed at any time, also after the end."""

    max_total_trials: int = Field(
        ge=1, le=MAX_TRIALS, description="Most trials in all; fewer when the search space has fewer combinations."
    )
    max_concurrent_trials: int = Field(
        default=3, ge=1, le=MAX_CONCURRENT_TRIALS, description="Most trials with an unfinished Job at any moment."
    )
    timeout: Duration | None = Field(
        default=None,
        description="The sweep ends so long after the pod of its first trial has started, as in 2h30m. Pauses count.",
    )
    trial_timeout: Duration | None = Field(
        default=None,
        description="A trial whose pod has run for so long is ended, as in 10m, and fails with the reason TimedOut. It "
        "counts from the start of the pod, and anew for each pod that takes its place; waiting for one does not count.",
    )
    max_total_trial_time: Duration | None = Field(
        default=None,
        description="The sweep ends when its trials have run for so long in all, as in 100h. A trial's time is that in "
        "which a pod of it ran, in every attempt; what is queued spends nothing. A trial of several pods counts once "
        "(maxResourceHours counts each).",
    )
    max_resource_hours: dict[ResourceName, Quantity] = Field(
        default={},
        max_length=MAX_RESOURCES,
        description="The sweep ends when its trials have used so much of a resource, times hours: {nvidia.com/gpu: 40} "
        "is one GPU for 40 hours, or 40 for one. It counts what the pods of a trial request, each of them, as long as "
        "the trial runs; pods counts the pods themselves.",
    )
    max_failed_trials: int | None = Field(
        default=None,
        ge=0,
        le=MAX_TRIALS,
        description="The sweep fails when more trials than this have failed.",
    )
    max_trials_without_improvement: int | None = Field(
        default=None,
        ge=1,
        le=MAX_TRIALS,
        description="The sweep ends when so many trials in a row have ended with a value and none of them was better "
        "than the best before, by the primary metric.",
    )
