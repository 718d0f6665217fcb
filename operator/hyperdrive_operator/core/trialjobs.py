"""A trial's Job as the decisions see it: a small frozen view of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hyperdrive_operator.api import names

from . import timestamps
from .pods import MESSAGE_LIMIT, Body, identity, owner_uid
from .requests import Demand, read_demand

#: Written to a Job's activeDeadlineSeconds, this ends it for ever: its pods get SIGTERM and their grace period, and one
#: that is suspended fails before it has a pod, whoever resumes it.
DEADLINE_OF_STOPPED = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A trial's Job. `finished` is Complete or Failed, or empty while it is neither."""

    uid: str
    namespace: str
    name: str
    trial_uid: str
    resource_version: str = field(compare=False)
    generation: int | None = field(compare=False)
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


def read_job(body: Body, known: Job | None = None) -> Job:
    """Project a Job of ours. `known` is what was read of it with the same spec."""
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
        demand=known.demand if known is not None else read_demand(spec),
    )


def _attempt(job: Body) -> int:
    """Return which attempt a Job is: by its pods' label, which nobody can change, unlike its own."""
    template = (job.get("spec") or {}).get("template") or {}
    label = ((template.get("metadata") or {}).get("labels") or {}).get(names.LABEL_ATTEMPT)
    return int(label) if isinstance(label, str) and label.isdecimal() else 1


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
