"""HyperDriveTrial: the record of one combination, written before its Job exists and kept after the Job is gone."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from .base import Model, Number, cel
from .early_termination import PolicyType
from .limits import MAX_TRIALS
from .repeats import MAX_REPEATS

MAX_POINTS = 64  # of a curve: core/curves.py keeps no more
MAX_ATTEMPTS = 1_000
#: Attempts before the present one that a record keeps.
ATTEMPTS_KEPT = 5
MAX_REQUESTS = 32  # resources of a trial that are told

TrialState = Literal["Queued", "Running", "Succeeded", "Failed", "EarlyStopped", "Cancelled"]


_RECORD_RULE = (
    "self.number == oldSelf.number && self.parameters == oldSelf.parameters && "
    "has(self.summary) == has(oldSelf.summary) && (!has(self.summary) || self.summary == oldSelf.summary)"
)


class HyperDriveTrialSpec(Model):
    """Which combination this is, and whether it shall run."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (_RECORD_RULE, "number, parameters and summary are a record: they never change"),
            (
                "self.attempt >= oldSelf.attempt",
                "attempt can't be lowered: each higher number runs the trial once more",
            ),
            (
                "self.attempt == oldSelf.attempt || self.state == 'Running'",
                "a trial whose state is Cancelled is not run again: set state to Running as well",
            ),
            (
                "self.state == oldSelf.state || self.state == 'Cancelled' || self.attempt > oldSelf.attempt",
                "a cancelled trial is not resumed: set attempt to a higher number as well, which runs it again",
            ),
        )
    )

    number: int = Field(ge=1, le=MAX_TRIALS, description="Number of the trial in its sweep, from 1.")
    parameters: dict[str, Any] = Field(description="Value of each parameter.")
    summary: str = Field(default="", max_length=4096, description="The parameters on one line, for people.")
    state: Literal["Running", "Cancelled"] = Field(
        default="Running",
        description="Cancelled ends the trial now, or keeps it from starting; what it has reported is kept. To run it "
        "again: Running, and a higher attempt.",
    )
    attempt: int = Field(
        default=1,
        ge=1,
        le=MAX_ATTEMPTS,
        description="A higher number runs a trial that has ended once more, with the same parameters: its Job is "
        "deleted and created anew. It waits as long as the sweep starts no trials.",
    )


class CurveColumns(Model):
    """Some of a trial's reports of the primary metric, at most 64: as many numbers in each list as there are points."""

    interval: list[int] = Field(max_length=MAX_POINTS, description="Which report it is, counted from 1.")
    value: list[Number] = Field(max_length=MAX_POINTS, description="The value that was reported.")
    best: list[Number] = Field(max_length=MAX_POINTS, description="The best value of all reports up to it.")
    mean: list[Number] = Field(max_length=MAX_POINTS, description="The mean of all reports up to it.")
    step: list[Any] | None = Field(
        default=None, max_length=MAX_POINTS, description="What the script called it (step or epoch); null if nothing."
    )


class LogPosition(Model):
    """Up to where the log is counted in what stands beside it."""

    pod: str = Field(description="The pod's uid.")
    time: str = Field(description="Time of the newest line that was counted.")
    lines: int = Field(description="How many lines of that very time were.")


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


class Interruptions(Model):
    """Pods of a trial that the cluster took away: by preemption, eviction, with their node, or to suspend its Job.

    No failures.
    """

    count: int = Field(ge=1, description="How many were seen.")
    reason: str = Field(max_length=1024, description="Why the last one went, in Kubernetes' word.")
    message: str = Field(default="", max_length=1024, description="The same, as a sentence.")
    pod: str = Field(
        default="", max_length=253, description="Uid of the last one that Kubernetes marked: it counts once."
    )
    pod_created: str = Field(default="", max_length=64, description="When that one was created.")


class RunTime(Model):
    """For how long a trial's pods have run."""

    seconds: int = Field(ge=0, description="Seconds in which a pod of it ran, in all attempts up to that time.")
    time: str = Field(
        description="Up to when they are counted; while it runs, what is later comes to it.",
        json_schema_extra={"format": "date-time"},
    )


class Attempt(Model):
    """How an attempt ended that was followed by another."""

    attempt: int = Field(ge=1, description="Which it was, counted from 1.")
    state: TrialState = Field(description="How it ended.")
    value: Number | None = Field(default=None, description="The value that it gave. It counts no more.")
    reason: str | None = Field(default=None, max_length=1024, description="Why it ended so, as one word.")
    message: str | None = Field(default=None, max_length=1024, description="Why, as a sentence; the beginning of it.")
    exit_code: int | None = Field(default=None, description="Exit code of the container that failed, if one did.")
    exit_reason: str | None = Field(default=None, max_length=1024, description="The kubelet's word for its end.")
    start_time: str | None = Field(
        default=None, description="When its pod started.", json_schema_extra={"format": "date-time"}
    )
    completion_time: str | None = Field(
        default=None, description="When it ended.", json_schema_extra={"format": "date-time"}
    )


class HyperDriveTrialStatus(Model):
    """How it went."""

    state: TrialState = Field(
        default="Queued",
        description="Where the trial stands. Queued: no pod of it runs, or its start is not recorded yet, which "
        "is two to three seconds after it.",
    )
    attempt: int | None = Field(
        default=None, ge=1, description="Which attempt all this is about. Absent as long as it is the first."
    )
    value: Number | None = Field(
        default=None, description="Its value of the primary metric; while it runs, the value so far."
    )
    deviation: Number | None = Field(
        default=None, description="With spec.repeats: the standard deviation of their values, whose mean is the value."
    )
    repeats: list[Number] | None = Field(
        default=None, max_length=MAX_REPEATS, description="With spec.repeats: the value of each, by its number."
    )
    step: Number | None = Field(default=None, description="The step (or epoch) of the newest report.")
    reports: int | None = Field(default=None, description="How often the primary metric was reported.")
    metrics: dict[str, Number] | None = Field(
        default=None, max_length=64, description="Last value of each metric that was reported."
    )
    curve: CurveColumns | None = Field(
        default=None,
        description="Its reports of the primary metric. Of more than 64 every second one is kept, then every fourth, "
        "and so on, and the newest.",
    )
    last_report_time: str | None = Field(
        default=None,
        description="When reports were last recorded while it ran.",
        json_schema_extra={"format": "date-time"},
    )
    log_position: LogPosition | None = Field(
        default=None, description="While it runs: up to where its log is counted, so that nothing counts twice."
    )
    start_time: str | None = Field(
        default=None, description="When its pod started.", json_schema_extra={"format": "date-time"}
    )
    completion_time: str | None = Field(
        default=None, description="When its Job ended.", json_schema_extra={"format": "date-time"}
    )
    run_time: RunTime | None = Field(
        default=None, description="For how long it ran: known when it has ended, or waits for a pod again."
    )
    requests: dict[str, Number] | None = Field(
        default=None,
        max_length=MAX_REQUESTS,
        description="What its pods request together while it runs: cores of cpu, bytes of memory, devices, pods.",
    )
    reason: str | None = Field(default=None, max_length=1024, description="Why it ended so, as one word for machines.")
    message: str | None = Field(default=None, max_length=32768, description="Why, as a sentence for people.")
    exit_code: int | None = Field(default=None, description="Exit code of the container that failed, if one did.")
    exit_reason: str | None = Field(
        default=None, max_length=1024, description="What the kubelet says of its end: Error, OOMKilled and so on."
    )
    interruptions: Interruptions | None = Field(
        default=None, description="How often the cluster took its pod away. It was run again each time."
    )
    early_termination: StopExplanation | None = Field(
        default=None, description="Why it was ended before its time, if it was."
    )
    attempts: list[Attempt] | None = Field(
        default=None,
        max_length=ATTEMPTS_KEPT,
        description="The attempts before this one, the newest last; of more than 5 the newest.",
    )
    first_start_time: str | None = Field(
        default=None,
        description="When the pod of the first attempt started that had one: limits.timeout runs from there on.",
        json_schema_extra={"format": "date-time"},
    )
