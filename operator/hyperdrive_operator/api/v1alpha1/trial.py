"""HyperDriveTrial: the record of one combination, written before its Job exists and kept after the Job is gone."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from .base import Model, Number, cel
from .spec import MAX_TRIALS

TrialState = Literal["Pending", "Running", "Succeeded", "Failed"]


class HyperDriveTrialSpec(Model):
    """Which combination this is."""

    model_config = ConfigDict(
        json_schema_extra=cel(("self == oldSelf", "a trial's spec is a record: it never changes"))
    )

    number: int = Field(ge=1, le=MAX_TRIALS, description="Number of the trial in its sweep, from 1.")
    parameters: dict[str, Any] = Field(description="Value of each parameter.")
    summary: str = Field(default="", max_length=4096, description="The parameters on one line, for people.")


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
