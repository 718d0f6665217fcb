"""The pods of trials: which of them speaks for its Job, where it stands, and what keeps it from running."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hyperdrive_operator.api import names

from . import timestamps
from .requests import Requests, pod_requests

Body = Mapping[str, Any]

MESSAGE_LIMIT = 1024  # of what others wrote and we repeat


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a trial, as far as one is told apart from another: where it stands and why it does not move."""

    uid: str
    namespace: str
    name: str
    job_uid: str
    resource_version: str = field(compare=False)
    #: Counts the changes of its spec; None before Kubernetes 1.33.
    generation: int | None = field(compare=False)
    created: str
    container: str
    phase: str
    started: datetime | None
    ended: datetime | None
    exit_code: int | None
    waiting: str
    #: How often its container was started again, and its last words.
    restarts: int
    message: str
    #: What it requests.
    requests: Requests
    #: Which of the pods of an Indexed Job it is; 0 for any other.
    index: int = 0
    #: When the kubelet took it.
    admitted: datetime | None = None
    #: What the kubelet says of the end of its container, as OOMKilled.
    exit_reason: str = ""
    #: Why the cluster took it away (Kubernetes' word, and a sentence); empty if it did not.
    disruption: str = ""
    disruption_message: str = ""
    #: The same: when that was said of it.
    disrupted_at: datetime | None = None
    #: The scheduler has found no node for it, or has to leave it alone for now.
    is_unscheduled: bool = False
    #: It is being deleted: what it ends with is the answer to that.
    is_leaving: bool = False


def speaker(pods: Iterable[Pod]) -> Pod | None:
    """Return the pod that speaks for its Job: the one that runs, else the one that succeeded, else the newest.

    Of an Indexed Job's it is one of the lowest index: rank 0 is who reports, as the frameworks have it.
    """
    return max(
        pods,
        key=lambda pod: (-pod.index, pod.phase == "Running", pod.phase == "Succeeded", pod.created, pod.uid),
        default=None,
    )


def blamed(pods: Iterable[Pod]) -> Pod | None:
    """Return the pod that says why its Job has failed: the speaker, if it has; of several it may be another."""
    pods = list(pods)
    last = speaker(pods)
    if last is not None and last.phase == "Failed" and not last.is_leaving:
        return last
    return _culprit(pods) or last


def _culprit(pods: list[Pod]) -> Pod | None:
    """Return the last that failed, unless the cluster took it away.

    Rather one that was not ended because another had failed, and of an Indexed Job's one whose index did not succeed by
    another try.
    """
    succeeded = {pod.index for pod in pods if pod.phase == "Succeeded"}
    failed = (pod for pod in pods if pod.phase == "Failed" and not pod.disruption)
    return max(
        failed,
        key=lambda pod: (not pod.is_leaving, pod.index not in succeeded, pod.created, pod.uid),
        default=None,
    )


def tellers(pods: Iterable[Pod]) -> list[Pod]:
    """Return the pods whose output counts, in the order in which it does: the tries that failed, then the speaker."""
    pods = list(pods)
    last = speaker(pods)
    if last is None:
        return []
    tries = [
        pod
        for pod in pods
        if pod.phase == "Failed" and pod.index == last.index and (pod.created, pod.uid) < (last.created, last.uid)
    ]
    return [*sorted(tries, key=lambda pod: (pod.created, pod.uid)), last]


def newest_disrupted(pods: Iterable[Pod]) -> Pod | None:
    """Return the pod that the cluster took away last: by preemption, eviction, or with its node."""
    return max((pod for pod in pods if pod.disruption), key=lambda pod: (pod.created, pod.uid), default=None)


def read_pod(body: Body, known: Pod | None = None) -> Pod:
    """Project a pod of one of our Jobs. `known` is what was read of it with the same spec."""
    metadata, status = body["metadata"], body.get("status") or {}
    statuses = status.get("containerStatuses") or []
    ends = [end for container in statuses if (end := (container.get("state") or {}).get("terminated"))]
    codes = [end.get("exitCode", 0) for end in ends]
    disruption = _disruption(status)
    if known is not None:
        container, requests = known.container, known.requests
    else:
        container = _trial_container((body.get("spec") or {}).get("containers") or [])
        requests = pod_requests(body.get("spec"))
    of_container: Body = next((one for one in statuses if one.get("name") == container), {})
    return Pod(
        **identity(metadata),
        job_uid=owner_uid(metadata, "Job", "batch/v1"),
        created=metadata.get("creationTimestamp", ""),
        container=container,
        phase=status.get("phase", ""),
        started=_container_start(statuses) or timestamps.parse(status.get("startTime")),
        ended=max(filter(None, (timestamps.parse(end.get("finishedAt")) for end in ends)), default=None),
        exit_code=next((code for code in codes if code), 0) if codes else None,
        waiting=_waiting(status)[:MESSAGE_LIMIT],
        restarts=of_container.get("restartCount") or 0,
        message=_last_words(of_container),
        index=_index((metadata.get("labels") or {}).get("batch.kubernetes.io/job-completion-index")),
        admitted=timestamps.parse(status.get("startTime")),
        exit_reason=next((_text(end.get("reason")) for end in ends if end.get("exitCode")), "")[:MESSAGE_LIMIT],
        disruption=_text(disruption.get("reason"))[:MESSAGE_LIMIT],
        disruption_message=_text(disruption.get("message"))[:MESSAGE_LIMIT],
        disrupted_at=timestamps.parse(disruption.get("lastTransitionTime")),
        is_unscheduled=bool(_unscheduled(status)),
        is_leaving="deletionTimestamp" in metadata,
        requests=requests,
    )


def identity(metadata: Body) -> dict[str, Any]:
    """Return what names an object, and its versions."""
    return {
        "uid": metadata["uid"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "resource_version": metadata.get("resourceVersion", ""),
        "generation": metadata.get("generation"),
    }


def owner_uid(metadata: Body, kind: str, api_version: str = names.API_VERSION) -> str:
    """Return the uid of the controlling owner of that kind, or nothing: names may be reused, uids never."""
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("kind") == kind and owner.get("apiVersion") == api_version and owner.get("controller"):
            return str(owner.get("uid", ""))
    return ""


def _last_words(container: Body) -> str:
    """Return what a container has left in its termination message (at most 4 KiB, says the kubelet)."""
    states = ((container.get(key) or {}).get("terminated") or {} for key in ("state", "lastState"))
    return next((message for state in states if (message := _text(state.get("message")))), "")


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
    if condition := _unscheduled(status):
        return f"{condition.get('reason', 'Unschedulable')}: {condition.get('message', '')}"
    return ""


def _unscheduled(status: Body) -> Body:
    """Return the condition that says why a pod has no node, if there is one."""
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            found: Body = condition
            return found
    return {}


def _disruption(status: Body) -> Body:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            return {"reason": "DisruptionTarget", **condition}
    return {}


def _index(label: Any) -> int:
    return int(label) if isinstance(label, str) and label.isdecimal() else 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
