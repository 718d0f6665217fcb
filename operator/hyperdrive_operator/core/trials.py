"""A trial as the decisions see it: its record, its Job and its pod, each a small frozen view of the JSON.

Projections keep what decisions read and drop the rest: a whole Job is some 10 KB, its view some hundred bytes.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from hyperdrive_operator.api import names

from . import timestamps
from .curves import Curve, read_curve
from .loglines import Position
from .metrics import number
from .pods import MESSAGE_LIMIT, Body, Pod, identity, owner_uid
from .progress import Progress, joined
from .requests import NO_REQUESTS, Demand, Requests, read_demand, shared
from .sampling import combination_key
from .spans import Ran, Span, read_ran


class State(StrEnum):
    """Where a trial stands."""

    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    EARLY_STOPPED = "EarlyStopped"
    CANCELLED = "Cancelled"


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.EARLY_STOPPED, State.CANCELLED})
#: Ends with which a value counts: it may be the best, and samplers learn from it. What it has reported is true.
USABLE = frozenset({State.SUCCEEDED, State.EARLY_STOPPED, State.CANCELLED})
#: Ends of a trial whose Job is ended with it. A tuple: to hash a state takes longer than to look at two.
CUT_SHORT = (State.EARLY_STOPPED, State.CANCELLED)
#: Written to a Job's activeDeadlineSeconds, this ends it for ever: its pods get SIGTERM and their grace period, and one
#: that is suspended fails before it has a pod, whoever resumes it.
DEADLINE_OF_STOPPED = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A HyperDriveTrial: what is known of a trial for ever."""

    uid: str
    namespace: str
    name: str
    sweep_uid: str
    resource_version: str
    deleting: bool
    number: int
    parameters: Mapping[str, Any]
    key: str
    state: State
    value: float | None
    #: Last value of each metric. The names are shared among records: thousands have the same.
    metrics: Mapping[str, float]
    reason: str
    message: str
    started: datetime | None
    ended: datetime | None
    #: Its reports as far as they are recorded, and when they last were.
    curve: Curve
    reported: datetime | None
    #: How much time its early end has saved, as far as it says.
    seconds_saved: int
    #: While it runs: up to where its log is counted in them.
    position: Position | None
    #: For how long it has run, as far as that is recorded, and what its pods request together.
    ran: Ran
    requests: Requests
    #: How many of its pods the cluster has taken away, and the last of them.
    interruptions: int = 0
    #: Its creation and uid: pods that are older count no more.
    interrupted_pod: tuple[str, str] = ("", "")
    #: Which attempt all this is about, and which one is wished for.
    attempt: int = 1
    wanted_attempt: int = 1
    #: Its own spec says that it shall not run.
    is_called_off: bool = False
    #: When the pod of its first attempt started, if this is another.
    first_started: datetime | None = None

    @property
    def is_asked_for(self) -> bool:
        """It has ended and is to run once more."""
        is_behind = self.wanted_attempt > self.attempt and self.state in ENDED
        return is_behind and not (self.is_called_off or self.deleting)

    @property
    def progress(self) -> Progress:
        """What is recorded of its reports."""
        return Progress(self.curve, self.metrics)

    @property
    def best_report(self) -> float | None:
        """The best it has reported while it ran; whatever it reported later, it has reported this."""
        return self.curve.newest.best if self.curve.newest else self.value

    @property
    def is_cut_short(self) -> bool:
        """The trial was ended before its time: its Job is to be ended too."""
        return self.state in CUT_SHORT or self.reason == names.REASON_TIMED_OUT


@dataclass(frozen=True, slots=True)
class Job:
    """A trial's Job. `finished` is Complete or Failed, or empty while it is neither."""

    uid: str
    namespace: str
    name: str
    trial_uid: str
    resource_version: str
    deleting: bool
    finished: str
    reason: str
    message: str
    created: datetime | None
    started: datetime | None
    ended: datetime | None
    ready: int
    suspended: bool
    metrics: str | None
    curve: str | None
    deadline: int | None
    demand: Demand
    #: It is suspended for a pause of its sweep; and whether it is Kueue's to suspend and resume.
    is_paused: bool = False
    is_kueues: bool = False
    #: Which attempt at its trial it is.
    attempt: int = 1
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """What was read of a trial's output so far, or why nothing could be."""

    progress: Progress = field(default_factory=Progress)
    problem: str = ""
    #: Up to where it was read. Kept in the record, so that whoever comes next goes on from there.
    position: Position | None = None
    #: It was read to its end, or there is no hope to.
    is_whole: bool = True
    #: The last lines.
    tail: str = ""
    #: Which attempt at the trial it is of.
    attempt: int = 1
    #: Of a trial that is run several times: the value of each time, and the first that has none.
    repeats: tuple[float, ...] = ()
    incomplete: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial, all that is known of it now. `log` is None until its output was looked at."""

    record: Record
    job: Job | None
    pod: Pod | None
    log: Log | None = None
    #: What was seen of its Job's annotations; None if they say nothing.
    annotated: Progress | None = None
    #: The pod that the cluster took away last, as long as it can be seen.
    disrupted: Pod | None = None
    #: The Job of an attempt before this one, as long as it is there: it keeps the name of the next.
    former: Job | None = None
    #: When its pods ran, as long as they can be seen and it has not ended.
    spans: tuple[Span, ...] = ()

    @property
    def progress(self) -> Progress:
        """What it has reported, as far as is known now. The annotation counts before the log."""
        if self.is_ended:
            return self.record.progress
        # until a log that has to be read again is read, more is recorded than was read
        rest = self.log.progress if self.log is not None else self.record.progress
        if rest.reports < self.record.curve.reports:
            rest = replace(rest, curve=self.record.curve, last={**self.record.metrics, **rest.last})
        return joined(self.annotated, rest) if self.annotated is not None else rest

    @property
    def curve(self) -> Curve:
        """Its reports of the primary metric, as far as they are known now."""
        if self.record.state in ENDED or (self.log is None and self.annotated is None):
            return self.record.curve  # as progress says, without making one: thousands are asked
        return self.progress.curve

    @property
    def is_ended(self) -> bool:
        """Its record says how it ended. Final."""
        return self.record.state in ENDED

    @property
    def is_active(self) -> bool:
        """It takes one of the places of maxConcurrentTrials: its Job has not finished, or is not there yet."""
        if self.record.state in ENDED:  # thousands are: no call more than it takes
            return self.is_ending
        return self.job is None or not self.job.finished

    @property
    def is_ending(self) -> bool:
        """It was ended before its time, and its pod may still run: through its grace period, or longer if it resists.

        A Job that is suspended and has no pod is none such: it fails at the moment it is resumed.
        """
        if self.job is None or self.job.finished or not self.record.is_cut_short:
            return False
        has_pod = self.pod is not None and self.pod.phase in {"Pending", "Running"}
        return not self.job.suspended or has_pod or self.must_end_job

    @property
    def is_unfinished(self) -> bool:
        """It has not ended, or its pod may still run."""
        return not self.is_ended or self.is_ending

    @property
    def must_end_job(self) -> bool:
        """It was ended before its time, and nothing has told its Job so yet, or somebody took that back."""
        return (
            self.job is not None
            and not self.job.finished
            and self.record.is_cut_short
            and not self.job.deleting
            and self.job.deadline != DEADLINE_OF_STOPPED
        )

    @property
    def is_running(self) -> bool:
        """Its pod runs."""
        return (
            self.record.state not in ENDED
            and self.is_active
            and self.job is not None
            and ((self.pod is not None and self.pod.phase == "Running") or self.job.ready > 0)
        )

    @property
    def is_held(self) -> bool:
        """Its Job is suspended by others than us, or its pod finds no node: it runs when they let it."""
        if self.record.state in ENDED or self.job is None or self.job.finished or self.is_running:
            return False
        if self.job.suspended:
            return not self.job.is_paused
        return self.pod is not None and self.pod.is_unscheduled

    @property
    def has_begun(self) -> bool:
        """Its pod runs, or has run."""
        return self.record.started is not None or self.is_running

    @property
    def podless_since(self) -> datetime | None:
        """Since when its Job, which is not suspended, has wanted a pod and has none; None if it has one."""
        if not self.is_active or self.is_ended or self.job is None or self.job.suspended or self.job.ready or self.pod:
            return None
        return self.job.started

    @property
    def started(self) -> datetime | None:
        """When its pod started, as far as anyone still knows."""
        return self.record.started or (self.pod and self.pod.started) or (self.job and self.job.started) or None


def read_record(body: Body) -> Record:
    """Project a HyperDriveTrial."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    parameters = spec.get("parameters") or {}
    state, curve = _state(status.get("state", State.QUEUED)), read_curve(status.get("curve"))
    interruptions, interrupted_pod = _interruptions(status.get("interruptions"))
    return Record(
        **identity(metadata),
        sweep_uid=owner_uid(metadata, "HyperDrive"),
        deleting="deletionTimestamp" in metadata,
        number=_whole(spec.get("number")),
        parameters=parameters,
        key=combination_key(parameters),
        state=state,
        value=number(status.get("value")),
        metrics=_metrics(status.get("metrics")),
        reason=_text(status.get("reason")),
        message=_text(status.get("message")),
        started=timestamps.parse(status.get("startTime")),
        ended=timestamps.parse(status.get("completionTime")),
        curve=curve,
        reported=timestamps.parse(status.get("lastReportTime")),
        # before the first report it costs nothing to read from the start again
        position=_position(status.get("logPosition")) if curve.reports else None,
        seconds_saved=_seconds_saved(status.get("earlyTermination")),
        interruptions=interruptions,
        interrupted_pod=interrupted_pod,
        attempt=_count(status.get("attempt")),
        wanted_attempt=_count(spec.get("attempt")),
        is_called_off=spec.get("state") == State.CANCELLED,
        first_started=timestamps.parse(status.get("firstStartTime")),
        ran=read_ran(status.get("runTime")),
        requests=shared(_metrics(requests)) if (requests := status.get("requests")) else NO_REQUESTS,
    )


def read_job(body: Body) -> Job:
    """Project a Job of ours."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    annotations = metadata.get("annotations") or {}
    end = _finish(status)
    return Job(
        **identity(metadata),
        trial_uid=owner_uid(metadata, "HyperDriveTrial"),
        deleting="deletionTimestamp" in metadata,
        finished=end.get("type", ""),
        reason=end.get("reason", ""),
        message=end.get("message", "")[:MESSAGE_LIMIT],
        created=timestamps.parse(metadata.get("creationTimestamp")),
        started=timestamps.parse(status.get("startTime")),
        ended=timestamps.parse(status.get("completionTime") or end.get("lastTransitionTime")),
        ready=status.get("ready") or 0,
        suspended=bool(spec.get("suspend")),
        metrics=annotations.get(names.ANNOTATION_METRICS),
        curve=annotations.get(names.ANNOTATION_CURVE),
        deadline=spec.get("activeDeadlineSeconds"),
        is_paused=names.ANNOTATION_SUSPENDED in annotations,
        is_kueues=names.LABEL_KUEUE_QUEUE in (metadata.get("labels") or {}),
        attempt=_attempt(body),
        suspended_at=_suspended_at(status),
        demand=read_demand(spec),
    )


def _state(text: Any) -> State:
    """Read a state; one that only a newer operator knows is an end: it must not run again."""
    try:
        return State(text)
    except ValueError:
        return State.FAILED


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def _attempt(job: Body) -> int:
    """Return which attempt a Job is: by its pods' label, which nobody can change, unlike its own."""
    template = (job.get("spec") or {}).get("template") or {}
    label = ((template.get("metadata") or {}).get("labels") or {}).get(names.LABEL_ATTEMPT)
    return int(label) if isinstance(label, str) and label.isdecimal() else 1


def _seconds_saved(explanation: Any) -> int:
    seconds = explanation.get("secondsSaved") if isinstance(explanation, Mapping) else None
    return seconds if isinstance(seconds, int) else 0


def _interruptions(told: Any) -> tuple[int, tuple[str, str]]:
    if not isinstance(told, Mapping) or not isinstance(told.get("count"), int):
        return 0, ("", "")
    return told["count"], (_text(told.get("podCreated")), _text(told.get("pod")))


def _metrics(values: Any) -> Mapping[str, float]:
    items = values.items() if isinstance(values, Mapping) else ()
    return {sys.intern(name): value for name, raw in items if (value := number(raw)) is not None}


def _position(value: Any) -> Position | None:
    if not isinstance(value, Mapping):
        return None
    pod, time, lines = value.get("pod"), value.get("time"), value.get("lines")
    if not (isinstance(pod, str) and isinstance(time, str) and isinstance(lines, int)):
        return None
    return Position(pod, time, lines)


def _suspended_at(status: Body) -> datetime | None:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Suspended" and condition.get("status") == "True":
            return timestamps.parse(condition.get("lastTransitionTime"))
    return None


def _finish(status: Body) -> Mapping[str, str]:
    for condition in status.get("conditions") or ():
        if condition.get("type") in {"Complete", "Failed"} and condition.get("status") == "True":
            return {key: value for key, value in condition.items() if isinstance(value, str)}
    return {}
