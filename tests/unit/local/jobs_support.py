"""Jobs and pods as the rules see them, for tests."""

import datetime
from typing import Any

from hyperdrive_local.controllers.job_decision import Backoff, Decision
from hyperdrive_local.controllers.job_pods import TRACKING_FINALIZER
from hyperdrive_local.controllers.job_rules import decide
from hyperdrive_local.objects import Object
from hyperdrive_local.times import to_text

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def ago(seconds: float) -> str:
    """A timestamp before NOW."""
    return to_text(NOW - datetime.timedelta(seconds=seconds))


def make_job(*, status: Object | None = None, deleting: bool = False, **spec: Any) -> Object:
    """A Job as the API server has it."""
    metadata: Object = {"name": "a", "namespace": "lab", "uid": "job-uid"}
    if deleting:
        metadata["deletionTimestamp"] = ago(1)
    template = {"spec": {"restartPolicy": spec.pop("restart_policy", "Never"), "containers": []}}
    defaults = {"parallelism": 1, "completions": 1, "backoffLimit": 6, "suspend": False}
    return {"metadata": metadata, "spec": {**defaults, "template": template, **spec}, "status": status or {}}


def make_pod(
    name: str = "p", phase: str = "Running", *, code: int | None = None, deleting: bool = False, **more: Any
) -> Object:
    """A pod of the Job: `tracked`, `restarts`, `index`, `condition`, `ended` (seconds ago) say more of it."""
    terminated = {"terminated": {"exitCode": code, "finishedAt": ago(more.get("ended", 0))}}
    container = {
        "name": "main",
        "restartCount": more.get("restarts", 0),
        "state": terminated if code is not None else {"running": {}},
    }
    metadata: Object = {
        "name": name,
        "namespace": "lab",
        "uid": f"{name}-uid",
        "creationTimestamp": ago(more.get("age", 60)),
        "finalizers": [TRACKING_FINALIZER] if more.get("tracked", True) else [],
    }
    if deleting:
        metadata |= {"deletionTimestamp": ago(0), "deletionGracePeriodSeconds": 0}
    if (index := more.get("index")) is not None:
        metadata["annotations"] = {"batch.kubernetes.io/job-completion-index": str(index)}
    conditions = [{"type": "Ready", "status": "True" if phase == "Running" else "False"}]
    if condition := more.get("condition"):
        conditions.append({"type": condition, "status": "True"})
    status = {"phase": phase, "conditions": conditions, "containerStatuses": [container]}
    return {"metadata": metadata, "status": status}


def step(job: Object, *pods: Object, backoff: Backoff | None = None, later: float = 0) -> Decision:
    """One decision."""
    return decide(job, pods, NOW + datetime.timedelta(seconds=later), backoff)


def types(decision: Decision) -> list[tuple[str, str]]:
    """The conditions that are true, with their reasons."""
    return [(c["type"], c["reason"]) for c in decision.status.get("conditions", []) if c["status"] == "True"]
