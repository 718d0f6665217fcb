"""HyperDrive.status: what the operator reports. Users read it, nobody else writes it, nothing is triggered by it."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field

from .base import Model, Number
from .limits import MAX_RESOURCES
from .preview import Preview
from .spec import MAX_ADDITIONAL_OBJECTIVES

#: Trials of the Pareto front that the status shows.
MAX_FRONT = 100

#: The status of a sweep that the operator has not seen, filled in by the API server. Without it, whoever reads statuses
#: by kstatus' rules (Flux, `helm --wait`) takes such a sweep for one that is as it should be.
UNSEEN: Final[Mapping[str, Any]] = {"observedGeneration": -1, "state": "Pending"}

State = Literal[
    "Pending", "Queued", "Running", "Paused", "Stopping", "Complete", "Stopped", "Cancelled", "Failed", "Invalid"
]


class Condition(Model):
    """One fact about the sweep, after metav1.Condition."""

    type: str = Field(max_length=316, description="Accepted, Progressing, Stalled, Complete or Failed.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: str = Field(max_length=1024, description="Why, as one word for machines.")
    message: str = Field(max_length=32768, description="Why, as a sentence for people: the field and the fix.")
    last_transition_time: str = Field(
        description="When status last changed.", json_schema_extra={"format": "date-time"}
    )
    observed_generation: int | None = Field(default=None, description="Generation of the spec that this is about.")


class TrialCounts(Model):
    """Trials by state."""

    planned: int = Field(default=0, description="Trials to run in all: maxTotalTrials, or fewer if the space ends.")
    created: int = Field(default=0, description="Trials that have a record.")
    queued: int = Field(
        default=0,
        description="Trials that wait: their Job is suspended (by Kueue, say), their pod waits for a node or an "
        "image, or they for the place of a Job that is about to finish.",
    )
    running: int = Field(default=0, description="Trials whose pod runs.")
    succeeded: int = Field(default=0, description="Trials that ended with a value of the primary metric.")
    failed: int = Field(default=0, description="Trials that ended without one.")
    early_stopped: int | None = Field(default=None, description="Trials that spec.earlyTermination ended.")
    cancelled: int | None = Field(default=None, description="Trials that were ended with the sweep, or by themselves.")


class BestTrial(Model):
    """The trial with the best value of the primary metric so far."""

    name: str = Field(description="Name of the trial and of its Job.")
    number: int = Field(description="Number of the trial.")
    value: Number = Field(description="Its value of the primary metric.")
    parameters: dict[str, Any] = Field(description="Its parameters.")


class ParetoTrial(Model):
    """A trial that no other surpasses in every objective."""

    name: str = Field(description="Name of the trial and of its Job.")
    number: int = Field(description="Number of the trial.")
    values: dict[str, Number] = Field(
        max_length=1 + MAX_ADDITIONAL_OBJECTIVES, description="Its value of each objective, by metric."
    )
    parameters: dict[str, Any] = Field(description="Its parameters.")


class WarmStartStatus(Model):
    """What came of spec.warmStart."""

    taken: int = Field(description="Trials of the earlier sweeps that are known here.")
    left_out: int = Field(description="Ended trials of the earlier sweeps that are of no use here.")
    message: str = Field(max_length=4096, description="How many of which sweep, and why others are left out.")


class Spending(Model):
    """What of a budget is used, and what is left of it."""

    used: str = Field(max_length=64, description="Used so far.")
    left: str = Field(max_length=64, description="Left of the limit.")


class BudgetStatus(Model):
    """What the trials have used of limits.maxTotalTrialTime and limits.maxResourceHours."""

    trial_time: Spending | None = Field(default=None, description="Of limits.maxTotalTrialTime.")
    resource_hours: dict[str, Spending] | None = Field(
        default=None, max_length=MAX_RESOURCES, description="Of limits.maxResourceHours, by resource."
    )


class HyperDriveStatus(Model):
    """Where the sweep stands."""

    observed_generation: int | None = Field(
        default=None, description="Generation of the spec that was acted on; -1: none yet."
    )
    state: State | None = Field(default=None, description="Where the sweep stands, in one word for people.")
    progress: str | None = Field(default=None, description="Finished trials of planned ones, as in 34/60.")
    trials: TrialCounts | None = Field(default=None, description="Trials by state.")
    time_saved_seconds: int | None = Field(
        default=None, description="What the trials that spec.earlyTermination ended would have run on for, together."
    )
    budget: BudgetStatus | None = Field(
        default=None, description="What is used and left of the budget, if limits give one; while trials run, so far."
    )
    best_trial: BestTrial | None = Field(
        default=None, description="The best trial so far, by the primary metric alone."
    )
    pareto_front: list[ParetoTrial] | None = Field(
        default=None,
        max_length=MAX_FRONT,
        description="With several objectives: the trials that no other dominates, which is at least as good in all "
        "and better in one; the best primary metric first. Of more than 100, 100 spread evenly over the front.",
    )
    pareto_front_size: int | None = Field(
        default=None, description="With several objectives: how many trials are on the Pareto front."
    )
    warm_start: WarmStartStatus | None = Field(default=None, description="What came of spec.warmStart.")
    preview: Preview | None = Field(
        default=None, description="What would run: while spec.state is Paused and there is no trial yet."
    )
    start_time: str | None = Field(
        default=None, description="When the first trial was created.", json_schema_extra={"format": "date-time"}
    )
    deadline: str | None = Field(
        default=None,
        description="When limits.timeout is reached: known once the pod of the first trial has started.",
        json_schema_extra={"format": "date-time"},
    )
    completion_time: str | None = Field(
        default=None, description="When the sweep ended.", json_schema_extra={"format": "date-time"}
    )
    conditions: list[Condition] = Field(
        default=[],
        max_length=16,
        description="Accepted, Progressing, Stalled, Complete, Failed.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
