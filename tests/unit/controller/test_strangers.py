"""Objects that claim to be what they are not: other namespaces' and forged ones neither count nor are touched."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.builders import NAMESPACE, expression, limits, sweep_manifest
from tests.support.laboratory import Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object

Forged = tuple[Kind, Object]

OTHER = "other"
DONE = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": "2026-03-01T12:00:00Z"}]}


def owner(kind: str, name: str, uid: str, api_version: str = names.API_VERSION) -> Object:
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid, "controller": True}


def labels(trial: str) -> Object:
    return {names.LABEL_HYPERDRIVE: "digits", names.LABEL_TRIAL: trial, names.LABEL_MANAGED_BY: names.MANAGED_BY}


def metadata(name: str, *owners: Object, namespace: str = OTHER, trial: str = "digits-1", **more: Any) -> Object:
    told = {"name": name, "namespace": namespace, "labels": labels(trial), "ownerReferences": [*owners]}
    return {**told, "uid": "forged", "resourceVersion": "999999", **more}


def uid_of(lab: Laboratory, kind: Any, name: str) -> str:
    return str(lab.cluster.one(kind, name)["metadata"]["uid"])


def forged_record(lab: Laboratory, name: str = "digits-9", number: int = 9, namespace: str = OTHER) -> Forged:
    """Return a trial with the best value of all, which claims the sweep for its owner."""
    claim = owner("HyperDrive", "digits", uid_of(lab, HYPERDRIVES, "digits"))
    return HYPERDRIVE_TRIALS, {
        "metadata": metadata(name, claim, namespace=namespace),
        "spec": {"number": number, "parameters": {"x": 99}},
        "status": {"state": "Succeeded", "value": 1000, "reports": 1},
    }


def forged_job(lab: Laboratory, name: str = "digits-1", namespace: str = OTHER) -> Forged:
    """Return a finished Job with the best value of all, which claims the first trial for its owner."""
    claim = owner("HyperDriveTrial", "digits-1", uid_of(lab, HYPERDRIVE_TRIALS, "digits-1"))
    said = {names.ANNOTATION_METRICS: json.dumps({"accuracy": 1000})}
    body = {"metadata": metadata(name, claim, namespace=namespace, annotations=said), "spec": {}, "status": DONE}
    return JOBS, body


def forged_pod(lab: Laboratory) -> Forged:
    """Return a pod with the best value of all in its log, which claims the first trial's Job for its owner."""
    claim = owner("Job", "digits-1", uid_of(lab, JOBS, "digits-1"), "batch/v1")
    lab.cluster.logs["forged"] = "accuracy=1000"
    spec = {"containers": [{"name": "train", "env": [{"name": names.ENV_TRIAL, "value": "digits-1"}]}]}
    status = {"phase": "Running", "startTime": "2000-01-01T00:00:00Z"}
    return PODS, {"metadata": metadata("forged", claim), "spec": spec, "status": status}


def laboratory(**spec: Any) -> Laboratory:
    lab = Laboratory()
    space = [expression("x", "randint", lower=0, upper=100)]
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(4, 2), searchSpace=space, **spec))
    return lab


FORGERS: dict[str, Callable[[Laboratory], Forged]] = {
    "a record in another namespace": forged_record,
    "a record in another namespace in the place of the next": lambda lab: forged_record(lab, "digits-3", 3),
    "a Job in another namespace": forged_job,
    "a Job of another name in another namespace": lambda lab: forged_job(lab, "another"),
    "a Job of another name": lambda lab: forged_job(lab, "another", NAMESPACE),
    "a pod in another namespace": forged_pod,
    "a record of another name": lambda lab: forged_record(lab, "digits-best", 9, NAMESPACE),
    "a record of another number": lambda lab: forged_record(lab, "digits-8", 9, NAMESPACE),
}


@pytest.mark.parametrize("how", FORGERS)
@pytest.mark.parametrize("is_first", [False, True])
async def test_what_claims_an_owner_that_is_not_its_own_is_neither_counted_nor_touched(
    how: str, is_first: bool
) -> None:
    lab = laboratory(samplingAlgorithm={"type": "Sobol", "seed": 1})
    await lab.settle()
    await lab.start_trials()
    kind, body = FORGERS[how](lab)
    if is_first:  # before anything of its owner is known
        await lab.logs.close()
        lab.restart((kind, body))
    else:
        lab.cache.observe(kind, None, body)
    await lab.settle()
    assert lab.record("digits-1")["status"]["state"] == "Running"
    await lab.run_to_the_end()
    assert lab.status["bestTrial"]["value"] < 1
    assert lab.status["trials"]["succeeded"] == 4
    assert {write.name for write in lab.cluster.writes} == {*lab.trial_states(), "digits"}


async def test_a_forged_record_in_the_place_of_the_next_is_told_and_makes_no_storm() -> None:
    lab = laboratory()
    lab.cluster.put(*forged_record(lab, "digits-1", 7, NAMESPACE))
    before = lab.passes
    assert await lab.settle() == pytest.approx(2)
    assert lab.passes - before <= 3
    assert lab.condition("Stalled")["reason"] == names.REASON_NAME_TAKEN
    assert "delete it" in lab.condition("Stalled")["message"]
    lab.cluster.remove(HYPERDRIVE_TRIALS, "digits-1")
    lab.clock.advance(60)
    await lab.run_to_the_end()
    assert lab.status["trials"]["succeeded"] == 4


async def test_a_warm_start_knows_no_sweep_of_another_namespace() -> None:
    lab = Laboratory(name="new")
    lab.cluster.put(HYPERDRIVES, sweep_manifest("old", namespace=OTHER))
    claim = owner("HyperDrive", "old", next(iter(lab.cluster.all(HYPERDRIVES)))["metadata"]["uid"])
    for namespace in (OTHER, NAMESPACE):
        spec = {"number": 1, "parameters": {"x": 5}}
        lab.cluster.put(HYPERDRIVE_TRIALS, {"metadata": metadata("old-1", claim, namespace=namespace), "spec": spec})
        body = lab.cluster._objects[HYPERDRIVE_TRIALS, namespace, "old-1"]
        body["status"] = {"state": "Succeeded", "value": 1}
        lab.cluster._changed("MODIFIED", HYPERDRIVE_TRIALS, body)
    lab.cluster.put(HYPERDRIVES, sweep_manifest("new", warmStart={"from": ["old"]}))
    await lab.settle()
    sweep = next(one for one in lab.cache.sweeps() if one.name == "new")
    assert not lab.cache.prior(sweep).known


HOSTILE_WORDS = (
    '{"accuracy": 0.5, "hyperdrive.dev/trial": "digits-2", "metadata": {"name": "digits-2", "namespace": "other"}}',
    '{"accuracy": 0.5, "state": "Cancelled", "uid": "uid-1", "status": {"state": "Failed"}}',
    'accuracy=0.5 digits-2=1 {"kind": "HyperDriveTrial", "metadata": {"name": "digits-2"}}',
    "accuracy=0.5\nhyperdrives/digits\n../../../namespaces/other/jobs/digits-2\n$(params.x)\n%s{0}",
    json.dumps({"accuracy": 0.5, "ownerReferences": [owner("HyperDrive", "digits", "uid-1")]}),
)


@pytest.mark.parametrize("words", HOSTILE_WORDS)
@pytest.mark.parametrize("way", ["log", "annotation", "termination"])
async def test_nothing_that_a_training_pod_says_acts_outside_its_own_trial(words: str, way: str) -> None:
    sources = {"log": "Log", "annotation": "Annotation", "termination": "TerminationMessage"}
    lab = laboratory(metrics={"source": sources[way]})
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    second = lab.record("digits-2")
    writes = len(lab.cluster.writes)
    lab.cluster.logs["digits-1-pod"] = words
    if way == "annotation":
        lab.cluster.change(JOBS, "digits-1", {"metadata": {"annotations": {names.ANNOTATION_METRICS: words}}})
    end = {"terminated": {"exitCode": 0, "message": words}}
    lab.cluster.change(PODS, "digits-1-pod", {"status": {"containerStatuses": [{"name": "train", "state": end}]}})
    lab.cluster.change(PODS, "digits-1-pod", {"status": {"phase": "Succeeded"}})
    lab.end_job("digits-1", "Complete")
    await lab.settle()
    assert lab.record("digits-2") == second
    assert lab.record("digits-1")["status"]["state"] in {"Succeeded", "Failed"}
    touched = {(w.what, w.name) for w in lab.cluster.writes[writes:] if w.name not in {"digits-1", "digits-3"}}
    assert touched <= {("patch hyperdrives/status", "digits")}
    assert len(lab.cluster.all(JOBS)) == 3, "its place is taken by the next alone"
