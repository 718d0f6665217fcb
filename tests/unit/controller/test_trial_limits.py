"""Trials that run for too long, and trials whose pods the cluster takes away."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support.builders import expression, limits, sweep_manifest
from tests.support.fake_cluster import Failure
from tests.support.laboratory import Laboratory

from hyperdrive_operator.core import timestamps
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, PODS

from .stopping import WHEN, Killed, deadline

DISRUPTED = {
    "conditions": [
        {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "evicted"}
    ]
}


def laboratory(*, total: int = 2, at_once: int = 2, **of_limits: Any) -> Laboratory:
    lab = Laboratory()
    space = [expression("x", "randint", lower=0, upper=100)]
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(total, at_once) | of_limits, searchSpace=space))
    return lab


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory_ = laboratory(trialTimeout="10m")
    yield laboratory_
    await laboratory_.logs.close()


def admit(lab: Laboratory, *pods: str) -> None:
    """Let the kubelet take the pods now."""
    for name in pods:
        lab.cluster.change(PODS, name, {"status": {"startTime": timestamps.text(lab.clock.now)}}, subresource="status")


async def start(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    admit(lab, "digits-1-pod", "digits-2-pod")
    await lab.settle()


def disrupt(lab: Laboratory, pod: str) -> None:
    lab.cluster.change(PODS, pod, {"status": DISRUPTED}, subresource="status")


def replace(lab: Laboratory, suffix: str) -> None:
    """Play the Job controller: a new pod in the place of the first trial's."""
    job = lab.cluster.one(JOBS, "digits-1")
    lab.add_pod(job, phase="Running", suffix=suffix, startTime=timestamps.text(lab.clock.now))


async def test_a_trial_that_runs_for_too_long_is_ended_and_keeps_what_it_reported(lab: Laboratory) -> None:
    await start(lab)
    lab.report("digits-1", 0.5, 0.9)
    lab.clock.advance(599)
    delay = await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running", "digits-2": "Running"}
    assert delay is not None, "no event will tell"
    assert delay <= 1
    lab.clock.advance(1)
    await lab.settle()
    status = lab.record("digits-1")["status"]
    assert (status["state"], status["reason"], status["value"]) == ("Failed", "TimedOut", 0.9)
    assert "limits.trialTimeout (10m)" in status["message"]
    assert (deadline(lab, "digits-1"), deadline(lab, "digits-2")) == (0, 0)
    assert "bestTrial" not in lab.status, "a trial that was too slow is not the best"
    lab.stop_jobs()
    await lab.settle()
    assert lab.is_over


async def test_a_trial_that_waits_for_a_pod_has_time(lab: Laboratory) -> None:
    await lab.settle()
    lab.clock.advance(3600)
    lab.start_jobs()
    admit(lab, "digits-1-pod", "digits-2-pod")
    lab.clock.advance(599)
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Running"}


async def test_a_pod_that_takes_anothers_place_has_all_the_time(lab: Laboratory) -> None:
    await start(lab)
    lab.clock.advance(500)
    disrupt(lab, "digits-1-pod")
    await lab.settle()
    lab.cluster.remove(PODS, "digits-1-pod")
    replace(lab, "again")
    lab.clock.advance(500)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running", "digits-2": "Failed"}
    lab.clock.advance(100)
    await lab.settle()
    assert lab.trial_states()["digits-1"] == "Failed"


async def test_no_clock_runs_while_a_queue_holds_a_trial_that_ran(lab: Laboratory) -> None:
    await start(lab)
    lab.clock.advance(300)
    lab.cluster.change(JOBS, "digits-1", {"spec": {"suspend": True}})  # Kueue preempts it
    lab.cluster.change(JOBS, "digits-1", {"status": {"ready": 0, "active": 0}}, subresource="status")
    lab.cluster.remove(PODS, "digits-1-pod")
    await lab.settle()
    made = lab.writes()
    lab.clock.advance(299)
    await lab.settle()
    assert lab.writes() == made, "nothing is written, and suspend is left to whom it belongs"
    lab.clock.advance(3600)
    lab.cluster.change(JOBS, "digits-1", {"spec": {"suspend": False}})
    replace(lab, "resumed")
    lab.clock.advance(599)
    await lab.settle()
    assert lab.trial_states()["digits-1"] == "Running"
    lab.clock.advance(1)
    await lab.settle()
    assert lab.trial_states()["digits-1"] == "Failed"


async def test_a_restart_of_the_operator_does_not_start_the_clock_anew(lab: Laboratory) -> None:
    await start(lab)
    lab.clock.advance(599)
    await lab.settle()
    lab.restart()
    lab.clock.advance(1)
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Failed"}


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("when", WHEN)
async def test_the_job_is_ended_whatever_write_was_lost(lab: Laboratory, at: int, when: Any) -> None:
    await start(lab)
    lab.clock.advance(600)
    lab.cluster.failure = Failure(len(lab.cluster.writes) + at, when, Killed())
    with pytest.raises(Killed):
        await lab.settle()
    lab.cluster.failure = None
    lab.restart()
    await lab.settle()
    assert (deadline(lab, "digits-1"), deadline(lab, "digits-2")) == (0, 0)
    assert {record["reason"] for record in (lab.record(f"digits-{n}")["status"] for n in (1, 2))} == {"TimedOut"}


async def test_each_pod_that_the_cluster_takes_away_is_recorded_once(lab: Laboratory) -> None:
    await start(lab)
    disrupt(lab, "digits-1-pod")
    await lab.settle()
    told = lab.record("digits-1")["status"]["interruptions"]
    assert (told["count"], told["reason"], told["message"]) == (1, "EvictionByEvictionAPI", "evicted")
    lab.restart()
    await lab.settle()
    assert lab.record("digits-1")["status"]["interruptions"] == told
    lab.clock.advance(5)
    replace(lab, "second")
    await lab.settle()
    disrupt(lab, "digits-1-second")
    await lab.settle()
    assert lab.record("digits-1")["status"]["interruptions"]["count"] == 2
    lab.cluster.remove(PODS, "digits-1-second")
    await lab.settle()
    assert lab.record("digits-1")["status"]["interruptions"]["count"] == 2, "the older pod is known"
    assert lab.trial_states()["digits-1"] == "Running"


async def test_an_interrupted_trial_ends_like_any_other(lab: Laboratory) -> None:
    await start(lab)
    disrupt(lab, "digits-1-pod")
    await lab.settle()
    lab.cluster.remove(PODS, "digits-1-pod")
    replace(lab, "again")
    await lab.settle()
    lab.finish_jobs()
    await lab.run_to_the_end()
    assert lab.trial_states() == {"digits-1": "Succeeded", "digits-2": "Succeeded"}
    assert lab.record("digits-1")["status"]["interruptions"]["count"] == 1
    assert "interruptions" not in lab.record("digits-2")["status"]


async def test_a_container_that_was_out_of_memory_says_so(lab: Laboratory) -> None:
    await start(lab)
    end = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": timestamps.text(lab.clock.now)}}
    status = {"phase": "Failed", "containerStatuses": [{"name": "train", "state": end}]}
    lab.cluster.change(PODS, "digits-1-pod", {"status": status}, subresource="status")
    lab.end_job("digits-1", "Failed")
    await lab.settle()
    told = lab.record("digits-1")["status"]
    assert (told["exitCode"], told["exitReason"]) == (137, "OOMKilled")
    assert "(exit code 137, OOMKilled)" in told["message"]


async def test_the_exit_code_is_told_though_the_watch_of_pods_is_behind_that_of_jobs(lab: Laboratory) -> None:
    await start(lab)
    shown = len(lab.cluster.events)
    end = {"terminated": {"exitCode": 3, "finishedAt": timestamps.text(lab.clock.now)}}
    status = {"phase": "Failed", "containerStatuses": [{"name": "train", "state": end}]}
    lab.cluster.change(PODS, "digits-1-pod", {"status": status}, subresource="status")
    del lab.cluster.events[shown:]
    lab.end_job("digits-1", "Failed")
    await lab.settle()
    assert lab.record("digits-1")["status"]["exitCode"] == 3


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_node_whose_clock_is_an_hour_wrong_neither_shortens_nor_lengthens_a_trial(
    lab: Laboratory, hours: int
) -> None:
    await lab.settle()
    lab.start_jobs()
    wrong = timestamps.text(lab.clock.now + timedelta(hours=hours))
    for name in ("digits-1-pod", "digits-2-pod"):
        states = [{"name": "train", "state": {"running": {"startedAt": wrong}}}]
        lab.cluster.change(PODS, name, {"status": {"startTime": wrong, "containerStatuses": states}})
    await lab.settle()
    assert lab.record("digits-1")["status"]["startTime"] == timestamps.text(lab.clock.now)
    lab.clock.advance(599)
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Running"}
    lab.clock.advance(1)
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Failed"}


async def test_a_pod_that_takes_anothers_place_on_a_node_whose_clock_is_behind_has_all_the_time(
    lab: Laboratory,
) -> None:
    await start(lab)
    lab.clock.advance(300)
    disrupt(lab, "digits-1-pod")
    await lab.settle()
    lab.cluster.remove(PODS, "digits-1-pod")
    behind = timestamps.text(lab.clock.now - timedelta(hours=1))
    lab.add_pod(lab.cluster.one(JOBS, "digits-1"), phase="Running", suffix="next", startTime=behind)
    lab.clock.advance(599)
    await lab.settle()
    assert lab.trial_states()["digits-1"] == "Running"
