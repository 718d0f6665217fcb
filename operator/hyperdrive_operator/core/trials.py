"""A trial as the decisions see it: its record, its Job and its pod, each a small frozen view of the JSON.

Projections keep what decisions read and drop the rest: a whole Job is some 10 KB, its view some hundred bytes.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hyperdrive_operator.api import names

from . import timestamps
from .metrics import Reading, number
from .sampling import combination_key

Body = Mapping[str, Any]

_MESSAGE_LIMIT = 1024  # of what others wrote and we repeat


class State(StrEnum):
    """Where a trial stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


ENDED = frozenset({State.SUCCEEDED, State.FAILED})


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
    started: datetime | None
    ended: datetime | None
    ready: int
    suspended: bool
    metrics: str | None


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a trial, as far as one is told apart from another: where it stands and why it does not move."""

    uid: str
    namespace: str
    name: str
    job_uid: str
    resource_version: str
    created: str
    container: str
    phase: str
    started: datetime | None
    ended: datetime | None
    exit_code: int | None
    waiting: str


@dataclass(frozen=True, slots=True)
class Log:
    """What was read of the metrics in a trial's output, or why nothing could be."""

    reading: Reading = field(default_factory=Reading)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial, all that is known of it now. `log` is None until its output was looked at."""

    record: Record
    job: Job | None
    pod: Pod | None
    log: Log | None = None

    @property
    def is_ended(self) -> bool:
        """Its record says how it ended. Final."""
        return self.record.state in ENDED

    @property
    def is_active(self) -> bool:
        """It takes one of the places of maxConcurrentTrials: its Job has not finished, or is not there yet."""
        return not self.is_ended and (self.job is None or not self.job.finished)

    @property
    def is_running(self) -> bool:
        """Its pod runs."""
        return (
            self.is_active
            and self.job is not None
            and ((self.pod is not None and self.pod.phase == "Running") or self.job.ready > 0)
        )

    @property
    def podless_since(self) -> datetime | None:
        """Since when its Job, which is not suspended, has wanted a pod and has none; None if it has one."""
        if not self.is_active or self.job is None or self.job.suspended or self.job.ready or self.pod is not None:
            return None
        return self.job.started

    @property
    def started(self) -> datetime | None:
        """When its pod started, as far as anyone still knows."""
        return self.record.started or (self.pod and self.pod.started) or (self.job and self.job.started) or None


def speaker(pods: Iterable[Pod]) -> Pod | None:
    """Return the pod that speaks for its Job: the one that runs, else the one that succeeded, else the newest."""
    return max(
        pods, key=lambda pod: (pod.phase == "Running", pod.phase == "Succeeded", pod.created, pod.uid), default=None
    )


def read_record(body: Body) -> Record:
    """Project a HyperDriveTrial."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    parameters = spec.get("parameters") or {}
    return Record(
        **_identity(metadata),
        sweep_uid=_owner_uid(metadata, "HyperDrive"),
        deleting="deletionTimestamp" in metadata,
        number=spec.get("number", 0),
        parameters=parameters,
        key=combination_key(parameters),
        state=_state(status.get("state", State.PENDING)),
        value=number(status.get("value")),
        metrics=_metrics(status.get("metrics")),
        reason=_text(status.get("reason")),
        message=_text(status.get("message")),
        started=timestamps.parse(status.get("startTime")),
        ended=timestamps.parse(status.get("completionTime")),
    )


def read_job(body: Body) -> Job:
    """Project a Job of ours."""
    metadata, status = body["metadata"], body.get("status") or {}
    end = _finish(status)
    return Job(
        **_identity(metadata),
        trial_uid=_owner_uid(metadata, "HyperDriveTrial"),
        deleting="deletionTimestamp" in metadata,
        finished=end.get("type", ""),
        reason=end.get("reason", ""),
        message=end.get("message", "")[:_MESSAGE_LIMIT],
        started=timestamps.parse(status.get("startTime")),
        ended=timestamps.parse(status.get("completionTime") or end.get("lastTransitionTime")),
        ready=status.get("ready") or 0,
        suspended=bool((body.get("spec") or {}).get("suspend")),
        metrics=(metadata.get("annotations") or {}).get(names.ANNOTATION_METRICS),
    )


def read_pod(body: Body) -> Pod:
    """Project a pod of one of our Jobs."""
    metadata, status = body["metadata"], body.get("status") or {}
    statuses = status.get("containerStatuses") or []
    ends = [end for container in statuses if (end := (container.get("state") or {}).get("terminated"))]
    codes = [end.get("exitCode", 0) for end in ends]
    return Pod(
        **_identity(metadata),
        job_uid=_owner_uid(metadata, "Job", "batch/v1"),
        created=metadata.get("creationTimestamp", ""),
        container=_trial_container((body.get("spec") or {}).get("containers") or []),
        phase=status.get("phase", ""),
        started=_container_start(statuses) or timestamps.parse(status.get("startTime")),
        ended=max(filter(None, (timestamps.parse(end.get("finishedAt")) for end in ends)), default=None),
        exit_code=next((code for code in codes if code), 0) if codes else None,
        waiting=_waiting(status)[:_MESSAGE_LIMIT],
    )


def _state(text: Any) -> State:
    """Read a state; one that only a newer operator knows is an end: it must not run again."""
    try:
        return State(text)
    except ValueError:
        return State.FAILED


def _metrics(values: Any) -> Mapping[str, float]:
    items = values.items() if isinstance(values, Mapping) else ()
    return {sys.intern(name): value for name, raw in items if (value := number(raw)) is not None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _identity(metadata: Body) -> dict[str, str]:
    return {
        "uid": metadata["uid"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "resource_version": metadata.get("resourceVersion", ""),
    }


def _owner_uid(metadata: Body, kind: str, api_version: str = names.API_VERSION) -> str:
    """Return the uid of the controlling owner of that kind, or nothing: names may be reused, uids never."""
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("kind") == kind and owner.get("apiVersion") == api_version and owner.get("controller"):
            return str(owner.get("uid", ""))
    return ""


def _finish(status: Body) -> Mapping[str, str]:
    for condition in status.get("conditions") or ():
        if condition.get("type") in {"Complete", "Failed"} and condition.get("status") == "True":
            return {key: value for key, value in condition.items() if isinstance(value, str)}
    return {}


def _trial_container(containers: list[Body]) -> str:
    """Name the container whose log counts: the first of the Job's own, which all know their trial by a variable.

    Others may have been injected before it, and the template may name it otherwise by now.
    """
    ours = (c for c in containers if any(variable.get("name") == names.ENV_TRIAL for variable in c.get("env") or ()))
    return str(next(ours, containers[0] if containers else {}).get("name", ""))


def _container_start(statuses: list[Body]) -> datetime | None:
    states = [state for container in statuses for state in (container.get("state") or {}).values() if state]
    return min(filter(None, (timestamps.parse(state.get("startedAt")) for state in states)), default=None)


def _waiting(status: Body) -> str:
    """Return why a pod does not run: an image that can't be pulled, a container that can't start, no node."""
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for container in containers:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in {None, "ContainerCreating", "PodInitializing"}:
            return f"{waiting['reason']}: {waiting.get('message') or 'container ' + container.get('name', '')}"
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason', 'Unschedulable')}: {condition.get('message', '')}"
    return ""
