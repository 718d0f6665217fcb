"""HyperDriveTrial: the record of one combination, written before its Job exists and kept after the Job is gone."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from .base import Model, Number, cel
from .early_termination import PolicyType
from .spec import MAX_TRIALS

TrialState = Literal["Pending", "Running", "Succeeded", "Failed", "EarlyStopped"]


class HyperDriveTrialSpec(Model):
    """Which combination this is."""

    model_config = ConfigDict(
        json_schema_extra=cel(("self == oldSelf", "a trial's spec is a record: it never changes"))
    )

    number: int = Field(ge=1, le=MAX_TRIALS, description="Number of the trial in its sweep, from 1.")
    parameters: dict[str, Any] = Field(description="Value of each parameter.")
    summary: str = Field(default="", max_length=4096, description="The parameters on one line, for people.")


class StopExplanation(Model):
    """Why a trial was ended before its time."""

    policy: PolicyType = Field(description="The policy that decided.")
    interval: int = Field(description="The interval at which it was judged: so many reports of the primary metric.")
    value: Number = Field(description="The trial's value at that interval, as the policy takes it.")
    threshold: Number = Field(description="The value that it would have needed.")
    compared_with: list[str] | None = Field(
        default=None, max_length=2, description="The trials that the threshold comes from."
    )
    seconds_saved: int | None = Field(
        default=None,
        description="How much longer it would have run: the median run time of the trials that ran to their end, less "
        "its own. Absent while there is none.",
    )


class HyperDriveTrialStatus(Model):
    """How it went."""

    state: TrialState = Field(default="Pending", description="Where the trial stands.")
    value: Number | None = Field(default=None, description="Its value of the primary metric.")
    reports: int | None = Field(default=None, description="How often the primary metric was reported.")
    metrics: dict[str, Number] | None = Field(
        default=None, max_length=64, description="Last value of each metric that was reported."
    )
    start_time: str | None = Field(
        default=None, description="When its pod started.", json_schema_extra={"format": "date-time"}
    )
    completion_time: str | None = Field(
        default=None, description="When its Job ended.", json_schema_extra={"format": "date-time"}
    )
    reason: str | None = Field(default=None, max_length=1024, description="Why it ended so, as one word for machines.")
    message: str | None = Field(default=None, max_length=32768, description="Why, as a sentence for people.")
    early_termination: StopExplanation | None = Field(
        default=None, description="Why it was ended before its time, if it was."
    )
