"""Objects for tests: sweeps, records, Jobs and pods as the API server's JSON, and as the views the decisions read.

Every builder gives a whole, valid object; a test names only what it is about.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from hyperdrive_operator.api import names
from hyperdrive_operator.core.annotations import annotated
from hyperdrive_operator.core.curves import Curve, columns_of
from hyperdrive_operator.core.facts import Facts
from hyperdrive_operator.core.jobs import build_trial
from hyperdrive_operator.core.metrics import Aim, Goal
from hyperdrive_operator.core.planning import make_plan
from hyperdrive_operator.core.pods import read_pod
from hyperdrive_operator.core.records import read_record
from hyperdrive_operator.core.roster import Roster
from hyperdrive_operator.core.sweep import Sweep, read_sweep
from hyperdrive_operator.core.trialjobs import read_job
from hyperdrive_operator.core.trials import Log, Trial
from hyperdrive_operator.kube.kinds import Object

NAMESPACE = "lab"
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
AIM = Aim("accuracy", "Maximize")
STAMP = "2026-03-01T12:00:00Z"

_versions = count(1)


def _version() -> str:
    return str(next(_versions))


def choice(name: str, *values: Any) -> Object:
    """Build a parameter that is one of the values."""
    return {"name": name, "choice": {"values": list(values)}}


def expression(name: str, kind: str, **fields: Any) -> Object:
    """Build a parameter with any expression."""
    return {"name": name, kind: fields}


def job_template(**job_spec: Any) -> Object:
    """Build a trial template with one container."""
    container = {"name": "train", "image": "train:1", "args": ["--x=$(params.x)"]}
    pod = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {"spec": {"template": pod, **job_spec}}


def sweep_manifest(name: str = "digits", *, namespace: str = NAMESPACE, **spec: Any) -> Object:
    """Build a HyperDrive as a user writes it. What is given beside goes into its spec."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": "HyperDrive",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "objective": {"primaryMetric": "accuracy", "goal": "Maximize"},
            "searchSpace": [expression("x", "randint", lower=0, upper=100)],
            "samplingAlgorithm": {"type": "Grid"},
            "limits": {"maxTotalTrials": 3, "maxConcurrentTrials": 2},
            "trialTemplate": job_template(),
            **spec,
        },
    }


def limits(total: int, at_once: int) -> Object:
    """Build the limits of a sweep."""
    return {"maxTotalTrials": total, "maxConcurrentTrials": at_once}


def sweep_body(
    name: str = "digits", *, uid: str = "sweep-1", status: Object | None = None, generation: int = 1, **spec: Any
) -> Object:
    """Build a HyperDrive as the API server keeps it."""
    body = sweep_manifest(name, **spec)
    body["metadata"] |= {"uid": uid, "generation": generation, "resourceVersion": _version()}
    return body | ({"status": status} if status else {})


def sweep(name: str = "digits", **given: Any) -> Sweep:
    """Build a HyperDrive as the decisions see it."""
    return read_sweep(sweep_body(name, **given))


def record_body(
    number: int = 1, *, parameters: Object | None = None, sweep_uid: str = "sweep-1", **status: Any
) -> Object:
    """Build a HyperDriveTrial as the API server keeps it. What is given beside goes into its status."""
    parameters = {"x": number - 1} if parameters is None else parameters
    body = build_trial(sweep_name="digits", sweep_uid=sweep_uid, number=number, parameters=parameters)
    body["metadata"] |= {"namespace": NAMESPACE, "uid": f"trial-{number}", "resourceVersion": _version()}
    return body | {"status": {"state": "Queued", **status}}


def job_body(number: int = 1, *, finished: str = "", metrics: str | None = None, **status: Any) -> Object:
    """Build a trial's Job as the API server keeps it. What is given beside goes into its status."""
    name = f"digits-{number}"
    owner = {"apiVersion": names.API_VERSION, "kind": "HyperDriveTrial", "name": name, "uid": f"trial-{number}"}
    labels = {names.LABEL_HYPERDRIVE: "digits", names.LABEL_TRIAL: name, names.LABEL_MANAGED_BY: names.MANAGED_BY}
    metadata = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"job-{number}",
        "resourceVersion": _version(),
        "labels": labels,
        "ownerReferences": [{**owner, "controller": True}],
        "annotations": {names.ANNOTATION_METRICS: metrics} if metrics is not None else {},
    }
    if finished:
        end = {"type": finished, "status": "True", "reason": "BackoffLimitExceeded", "message": "it failed"}
        status = {"conditions": [{**end, "lastTransitionTime": STAMP}], **status}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}, "status": status}


def pod_body(number: int = 1, *, phase: str = "Running", uid: str = "", created: str = STAMP, **status: Any) -> Object:
    """Build a pod of a trial's Job as the API server keeps it. What is given beside goes into its status."""
    uid = uid or f"pod-{number}"
    name = f"digits-{number}"
    metadata = {
        "name": f"{name}-{uid}",
        "namespace": NAMESPACE,
        "uid": uid,
        "resourceVersion": _version(),
        "creationTimestamp": created,
        "labels": {names.LABEL_HYPERDRIVE: "digits", names.LABEL_TRIAL: name},
        "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": f"job-{number}", "controller": True}
        ],
    }
    container = {"name": "train", "env": [{"name": names.ENV_TRIAL, "value": name}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container]},
        "status": {"phase": phase, **status},
    }


def trial(
    number: int = 1, *, job: Object | None = None, pod: Object | None = None, log: Log | None = None, **status: Any
) -> Trial:
    """Build a trial as the decisions see it: its record, and the Job and pod that are given."""
    record = read_record(record_body(number, **status))
    view = read_job(job) if job else None
    said = annotated(None, view.metrics, view.curve, AIM) if view else None
    return Trial(record, view, read_pod(pod) if pod else None, log, said)


def ended(number: int, value: float | None, **status: Any) -> Trial:
    """Build a trial that ended: with a value, or without one."""
    outcome = {"state": "Succeeded", "value": value} if value is not None else {"state": "Failed"}
    return trial(number, **outcome, **status)


def running(number: int) -> Trial:
    """Build a trial whose pod runs and whose record says so."""
    return trial(number, job=job_body(number, ready=1), pod=pod_body(number), state="Running", startTime=STAMP)


def curve_of(*values: float, goal: Goal = "Maximize") -> Curve:
    """Build the curve of these reports."""
    curve = Curve()
    for value in values:
        curve = curve.reported(value, goal)
    return curve


def reporting(number: int, *values: float, goal: Goal = "Maximize") -> Trial:
    """Build a running trial that has reported these values."""
    columns = columns_of(curve_of(*values, goal=goal))
    return trial(
        number, job=job_body(number, ready=1), pod=pod_body(number), state="Running", startTime=STAMP, curve=columns
    )


def reported(number: int, *values: float, goal: Goal = "Maximize", state: str = "Succeeded") -> Trial:
    """Build a trial that ended after it had reported these values."""
    curve = curve_of(*values, goal=goal)
    best = curve.newest.best if curve.newest else None
    return trial(number, state=state, value=best, curve=columns_of(curve))


def facts(of: Sweep, trials: Sequence[Trial], **given: Any) -> Facts:
    """Build all that a status is made from, with the plan that belongs to it."""
    hold = given.pop("hold", None)
    is_template_checked = given.pop("is_template_checked", True)
    plan = make_plan(of, trials, hold=hold, is_template_checked=is_template_checked, now=NOW)
    return Facts(of, Roster.of(trials), plan, hold, is_template_checked)
