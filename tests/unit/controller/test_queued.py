"""Queued is not running: Jobs that Kueue suspends and resumes, pods that find no node, and pauses of the sweep."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.builders import expression, job_template, limits, sweep_manifest
from tests.support.fake_cluster import Failure
from tests.support.laboratory import STARTED, Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, PODS, Object

from .stopping import WHEN, Killed

UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}


def manifest(total: int = 4, at_once: int = 2, **spec: Any) -> Object:
    """Build a sweep whose Jobs are in a queue of Kueue's, and suspended until that admits them."""
    template = job_template(suspend=True)
    template["metadata"] = {"labels": {names.LABEL_KUEUE_QUEUE: "research"}}
    space = [expression("x", "randint", lower=0, upper=100)]
    of_limits = limits(total, at_once) | spec.pop("limits", {})
    return sweep_manifest(searchSpace=space, limits=of_limits, trialTemplate=template, **spec)


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory = Laboratory()
    yield laboratory
    await laboratory.logs.close()


async def begin(lab: Laboratory, **spec: Any) -> None:
    lab.cluster.put(HYPERDRIVES, manifest(**spec))
    await lab.settle()


def admit(lab: Laboratory, *jobs: str) -> None:
    for name in jobs:
        lab.resume_job(name)
    lab.start_jobs()
    lab.clock.advance(STARTED)


def suspensions(lab: Laboratory) -> list[Object]:
    """Return what the operator has written to Jobs that exist."""
    return [write.body for write in lab.cluster.writes if write.what == "patch jobs"]


async def test_a_trial_that_kueue_holds_is_queued_and_no_clock_runs(lab: Laboratory) -> None:
    await begin(lab, limits={"timeout": "1m", "trialTimeout": "30s"})
    assert lab.trial_states() == {"digits-1": "Queued", "digits-2": "Queued"}
    assert (lab.status["trials"]["queued"], lab.status["trials"]["running"]) == (2, 0)
    assert (lab.status["state"], lab.condition("Progressing")["reason"]) == ("Queued", names.REASON_QUEUED)
    assert lab.condition("Stalled")["status"] == "False"
    lab.clock.advance(3600)
    assert await lab.settle() is None, "nothing is to come but Kueue"
    admit(lab, "digits-1")
    lab.clock.advance(29 - STARTED)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running", "digits-2": "Queued"}
    assert (lab.status["trials"]["queued"], lab.status["trials"]["running"]) == (1, 1)
    assert lab.status["state"] == "Running"
    assert suspensions(lab) == []


async def test_a_queue_adds_no_write_to_a_trial(lab: Laboratory) -> None:
    await begin(lab, total=1)
    admit(lab, "digits-1")
    await lab.settle()
    lab.finish_jobs()
    await lab.settle()
    made = lab.writes()
    writes = ("create hyperdrivetrials", "create jobs", "patch hyperdrivetrials/status", "patch jobs")
    assert [made[what] for what in writes] == [1, 1, 2, 0]


async def test_a_preempted_trial_is_queued_again_and_its_interruption_counts_once(lab: Laboratory) -> None:
    await begin(lab)
    admit(lab, "digits-1", "digits-2")
    await lab.settle()
    started = lab.record("digits-1")["status"]["startTime"]
    lab.clock.advance(60)
    for times in (1, 2):
        lab.suspend_job("digits-1")
        await lab.settle()
        lab.restart()
        await lab.settle()
        told = lab.record("digits-1")["status"]
        assert (told["state"], told["startTime"]) == ("Queued", started)
        assert (told["interruptions"]["count"], told["interruptions"]["reason"]) == (times, names.REASON_SUSPENDED)
        lab.clock.advance(600)
        admit(lab, "digits-1")
        await lab.settle()
        assert lab.trial_states()["digits-1"] == "Running"
    lab.finish_jobs()
    await lab.settle()
    assert lab.trial_states()["digits-1"] == "Succeeded"
    assert lab.record("digits-1")["status"]["startTime"] == started
    assert suspensions(lab) == []


@pytest.mark.parametrize("when", WHEN)
async def test_a_preemption_counts_once_whatever_write_was_lost(lab: Laboratory, when: Any) -> None:
    await begin(lab)
    admit(lab, "digits-1")
    await lab.settle()
    lab.suspend_job("digits-1")
    lab.cluster.failure = Failure(len(lab.cluster.writes), when, Killed())
    with pytest.raises(Killed):
        await lab.settle()
    lab.cluster.failure = None
    lab.restart()
    await lab.settle()
    told = lab.record("digits-1")["status"]
    assert (told["state"], told["interruptions"]["count"]) == ("Queued", 1)


async def test_a_pause_of_the_sweep_is_no_interruption(lab: Laboratory) -> None:
    space = [expression("x", "randint", lower=0, upper=100)]
    lab.cluster.put(HYPERDRIVES, sweep_manifest(searchSpace=space, runningTrials={"whenPaused": "Suspend"}))
    await lab.settle()
    await lab.start_trials()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Paused"}})
    await lab.settle()
    lab.suspend_job("digits-1")  # what the Job controller does now
    await lab.settle()
    told = lab.record("digits-1")["status"]
    assert (told["state"], "interruptions" in told, lab.status["state"]) == ("Queued", False, "Paused")
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Running"}})
    await lab.settle()
    await lab.start_trials()
    assert lab.trial_states()["digits-1"] == "Running"


async def test_a_pod_without_a_node_is_queued_and_told(lab: Laboratory) -> None:
    await begin(lab, total=1)
    lab.resume_job("digits-1")
    await lab.settle()
    lab.add_pod(lab.cluster.one(JOBS, "digits-1"), phase="Pending", conditions=[UNSCHEDULABLE])
    await lab.settle()
    assert (lab.status["state"], lab.trial_states()) == ("Queued", {"digits-1": "Queued"})
    assert lab.condition("Stalled")["message"].endswith("Unschedulable: 0/1 nodes")


async def test_a_retry_that_waits_for_its_pod_is_queued_until_that_runs(lab: Laboratory) -> None:
    await begin(lab, total=1)
    admit(lab, "digits-1")
    await lab.settle()
    lab.cluster.change(PODS, "digits-1-pod", {"status": {"phase": "Failed"}})
    lab.cluster.change(JOBS, "digits-1", {"status": {"ready": 0}}, subresource="status")
    await lab.settle()
    assert lab.trial_states()["digits-1"] == "Running", "its Job may be about to fail"
    lab.clock.advance(10)
    lab.add_pod(lab.cluster.one(JOBS, "digits-1"), phase="Pending", suffix="again")
    await lab.settle()
    told = lab.record("digits-1")["status"]
    assert (told["state"], "interruptions" in told) == ("Queued", False)
    lab.cluster.change(PODS, "digits-1-again", {"status": {"phase": "Running"}})
    await lab.settle()
    assert lab.trial_states()["digits-1"] == "Running"


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_kueue_does_and_wherever_the_operator_dies_suspend_is_kueues(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  not for secrets
    lab = Laboratory()
    await begin(lab, total=5, at_once=3, runningTrials={"whenPaused": chance.choice(["Suspend", "Continue"])})
    for _ in range(60):
        lab.clock.advance(chance.randint(1, 30))
        unfinished = [job for job in lab.cluster.all(JOBS) if not finished(job)]
        if unfinished:
            job = chance.choice(unfinished)
            name = job["metadata"]["name"]
            lab.resume_job(name) if job["spec"].get("suspend") else lab.suspend_job(name)
        if chance.random() < 0.3:
            state = chance.choice(["Paused", "Running", "Running"])
            lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": state}})
        lab.start_jobs()
        lab.clock.advance(STARTED)
        if chance.random() < 0.4:
            lab.cluster.failure = Failure(len(lab.cluster.writes) + chance.randint(0, 1), chance.choice(WHEN), Killed())
        try:
            await lab.settle()
        except Killed:
            await lab.logs.close()
            lab.restart()
        lab.cluster.failure = None
        await lab.settle()
        assert_told_as_it_is(lab)
        if chance.random() < 0.2:
            lab.finish_jobs(at_most=1)
            await lab.settle()
    assert suspensions(lab) == []
    await lab.logs.close()


def finished(job: Object) -> bool:
    return any(one["type"] in {"Complete", "Failed"} for one in job["status"].get("conditions") or ())


def assert_told_as_it_is(lab: Laboratory) -> None:
    """A trial runs just when its pod does; and none is lost, or run twice."""
    runs = {pod["metadata"]["ownerReferences"][0]["name"] for pod in lab.cluster.all(PODS)}
    for name, state in lab.trial_states().items():
        if state in {"Queued", "Running"}:
            assert (state == "Running") == (name in runs), name
    assert len(lab.trial_states()) == len(lab.cluster.all(JOBS))
