"""What a Job makes of its pods: pure questions about one pod, and the pod that it asks for. No IO, no clock.

After Kubernetes 1.36's Job controller (pkg/controller/job), whose words are kept.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hyperdrive_local.objects import Object, clone, generate_name
from hyperdrive_local.times import from_text

TRACKING_FINALIZER = "batch.kubernetes.io/job-tracking"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
JOB_NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
JOB_UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")


def phase_of(pod: Object) -> str:
    """The pod's phase."""
    return str(pod.get("status", {}).get("phase") or "Pending")


def is_deleting(obj: Object) -> bool:
    """Whether someone has asked for its deletion."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def is_terminal(pod: Object) -> bool:
    """Whether none of the pod's containers will run again."""
    return phase_of(pod) in {"Succeeded", "Failed"}


def is_active(pod: Object) -> bool:
    """Whether the pod counts as running or about to."""
    return not is_terminal(pod) and not is_deleting(pod)


def is_terminating(pod: Object) -> bool:
    """Whether the pod is on its way out and still there."""
    return is_deleting(pod) and not is_terminal(pod)


def is_ready(pod: Object) -> bool:
    """Whether the pod's Ready condition holds."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", ()))


def is_tracked(pod: Object) -> bool:
    """Whether the pod has still to be counted: its finalizer keeps it from going before."""
    return TRACKING_FINALIZER in pod["metadata"].get("finalizers", ())


def replaces_failed_only(job: Object) -> bool:
    """Whether a pod that is being deleted counts only once it has ended: the default beside a pod failure policy."""
    spec = job["spec"]
    default = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    return bool((spec.get("podReplacementPolicy") or default) == "Failed")


def is_failed(pod: Object, job: Object) -> bool:
    """Whether the pod counts as failed; one that is being deleted may never get to say so."""
    if phase_of(pod) == "Failed":
        return True
    if replaces_failed_only(job):
        return False
    return is_deleting(pod) and phase_of(pod) != "Succeeded"


def container_statuses(pod: Object) -> list[dict[str, Any]]:
    """The statuses of its containers, the init containers' last."""
    status = pod.get("status", {})
    return [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]


def restarts_of(pod: Object) -> int:
    """How often its containers were started again."""
    return sum(int(status.get("restartCount", 0)) for status in container_statuses(pod))


def finished_at(pod: Object) -> datetime.datetime | None:
    """When the pod ended: by its containers, else by its deletion."""
    ends = [
        moment
        for status in pod.get("status", {}).get("containerStatuses", ())
        if (moment := from_text(status.get("state", {}).get("terminated", {}).get("finishedAt")))
    ]
    if ends:
        return max(ends)
    metadata = pod["metadata"]
    if deleted := from_text(metadata.get("deletionTimestamp")):
        # the timestamp is when the grace period will be over
        return deleted - datetime.timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
    return from_text(metadata.get("creationTimestamp"))


def completion_index(pod: Object) -> int | None:
    """Which of an Indexed Job's completions the pod works on."""
    text = str(pod["metadata"].get("annotations", {}).get(COMPLETION_INDEX, ""))
    return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class FailureMatch:
    """What the pod failure policy says of a failed pod."""

    action: Literal["FailJob", "Ignore", "Count", "FailIndex"] = "Count"
    message: str = ""

    @property
    def counts(self) -> bool:
        """Whether the failure counts towards the backoff limit."""
        return self.action != "Ignore"


def match_failure(pod: Object, job: Object) -> FailureMatch:
    """The first rule of the pod failure policy that the failed pod meets; no rule: the failure counts."""
    metadata = pod["metadata"]
    whose = f"{metadata.get('namespace', '')}/{metadata['name']}"
    for number, rule in enumerate(job["spec"].get("podFailurePolicy", {}).get("rules", ())):
        action = rule["action"]
        ending = f"matching {action} rule at index {number}"
        if requirement := rule.get("onExitCodes"):
            if status := _match_exit_codes(pod, requirement):
                code = status["state"]["terminated"]["exitCode"]
                said = f"Container {status['name']} for pod {whose} failed with exit code {code} {ending}"
                return FailureMatch(action, said)
        elif condition := _match_conditions(pod, rule.get("onPodConditions", ())):
            return FailureMatch(action, f"Pod {whose} has condition {condition} {ending}")
    return FailureMatch()


def _match_exit_codes(pod: Object, requirement: dict[str, Any]) -> dict[str, Any] | None:
    for status in container_statuses(pod):
        code = status.get("state", {}).get("terminated", {}).get("exitCode", 0)
        if requirement.get("containerName") not in {None, status["name"]} or code == 0:
            continue
        if (code in requirement["values"]) == (requirement["operator"] == "In"):
            return status
    return None


def _match_conditions(pod: Object, patterns: list[dict[str, Any]]) -> str:
    present = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", ())}
    for pattern in patterns:
        if present.get(pattern["type"]) == (pattern.get("status") or "True"):
            return str(pattern["type"])
    return ""


def build_pod(job: Object, index: int | None, more_annotations: Mapping[str, str] | None = None) -> Object:
    """A pod for the Job, for one completion of an Indexed one."""
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    template = clone(job["spec"]["template"])
    metadata = template.get("metadata") or {}
    prefix = f"{name}-" if index is None else f"{name}-{index}-"
    labels = dict(metadata.get("labels") or {})
    labels |= dict.fromkeys(JOB_NAME_LABELS, name) | dict.fromkeys(JOB_UID_LABELS, uid)
    annotations = dict(metadata.get("annotations") or {}) | dict(more_annotations or {})
    spec = template["spec"]
    if index is not None:
        labels[COMPLETION_INDEX] = annotations[COMPLETION_INDEX] = str(index)
        spec["hostname"] = f"{name}-{index}"
        _tell_index(spec)
    metadata = {
        "name": generate_name(prefix),
        "generateName": prefix,
        "namespace": job["metadata"]["namespace"],
        "labels": labels,
        "finalizers": [TRACKING_FINALIZER, *metadata.get("finalizers", ())],
        "ownerReferences": [owner_reference(job)],
    } | ({"annotations": annotations} if annotations else {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def owner_reference(job: Object) -> dict[str, Any]:
    """What a pod says of the Job that made it."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _tell_index(spec: dict[str, Any]) -> None:
    path = f"metadata.labels['{COMPLETION_INDEX}']"
    variable = {"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
    for container in [*spec.get("initContainers", ()), *spec["containers"]]:
        variables = container.setdefault("env", [])
        if all(present["name"] != variable["name"] for present in variables):
            variables.append(clone(variable))
