"""How sweeps end before they have run all their trials, what becomes of their Jobs, and how they go on."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.builders import limits, sweep_manifest
from tests.support.laboratory import Laboratory

from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, Object


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory = Laboratory()
    yield laboratory
    await laboratory.logs.close()
    await laboratory.proposer.close()


def objective(**given: Any) -> Object:
    return {"primaryMetric": "accuracy", "goal": "Maximize", **given}


async def begin(
    lab: Laboratory, total: int = 10, at_once: int = 2, *, limit: Object | None = None, **spec: Any
) -> None:
    """Apply a sweep and let its first trials run."""
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(total, at_once) | (limit or {}), **spec))
    await lab.settle()
    lab.start_jobs()
    await lab.settle()


def change(lab: Laboratory, **spec: Any) -> None:
    """Do what `kubectl patch` does."""
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": spec})


def running(lab: Laboratory) -> list[str]:
    """Return the Jobs that have not finished."""
    return [job["metadata"]["name"] for job in lab.cluster.all(JOBS) if not job["status"].get("conditions")]


async def come_to_rest(lab: Laboratory) -> None:
    """Let the operator act, and the Job controller end what it was told to."""
    await lab.settle()
    lab.stop_jobs()
    await lab.settle()


ENDINGS: dict[str, Object] = {
    "Cancelled": {"state": "Cancelled"},
    "TargetReached": {"objective": objective(target=0.9)},
    "TimeoutReached": {"limit": {"timeout": "90s"}},
    "TooManyFailedTrials": {"limit": {"maxFailedTrials": 0}},
    "NoImprovement": {"limit": {"maxTrialsWithoutImprovement": 1}},
}


async def bring_about(lab: Laboratory, reason: str, **spec: Any) -> None:
    """Let a sweep of four at once come to one of its ends while two trials or more run."""
    given = {**ENDINGS[reason], **spec}
    state = given.pop("state", None)
    await begin(lab, at_once=4, **given)
    if state:
        change(lab, state=state)
    elif reason == "TargetReached":
        lab.report("digits-2", 0.5, 0.95, 0.7)
    elif reason == "TimeoutReached":
        lab.report("digits-2", 0.3)
        lab.clock.advance(91)
    elif reason == "TooManyFailedTrials":
        lab.end_job("digits-1", "Failed")
    else:
        lab.finish_jobs(lambda _: "accuracy=0.5", at_most=1)
        await lab.settle()
        lab.clock.advance(1)
        lab.finish_jobs(lambda _: "accuracy=0.4", at_most=1)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("reason", ENDINGS)
async def test_at_every_ending_no_job_keeps_running(lab: Laboratory, reason: str, restarts: bool) -> None:
    await bring_about(lab, reason)
    await lab.step()
    if restarts:
        lab.restart()
    await come_to_rest(lab)
    kind = "Failed" if reason == "TooManyFailedTrials" else "Complete"
    assert (lab.condition(kind)["status"], lab.condition(kind)["reason"]) == ("True", reason)
    assert running(lab) == []
    assert lab.is_over
    cut = [name for name, state in lab.trial_states().items() if state == "Cancelled"]
    assert cut, "something ran"
    assert {lab.record(name)["status"]["reason"] for name in cut} == {reason}
    assert lab.status["trials"]["cancelled"] == len(cut)
    created = lab.writes()["create jobs"]
    await lab.settle()
    assert lab.writes()["create jobs"] == created, "and none is started any more"


@pytest.mark.parametrize("reason", [reason for reason in ENDINGS if reason != "Cancelled"])
async def test_what_runs_at_the_end_may_finish_if_that_is_declared(lab: Laboratory, reason: str) -> None:
    await bring_about(lab, reason, runningTrials={"whenEnded": "Continue"})
    await come_to_rest(lab)
    created = lab.writes()["create jobs"]
    assert len(running(lab)) >= 2
    assert not lab.is_over
    lab.start_jobs()
    await lab.settle()
    for name in running(lab):
        lab.cluster.logs[f"{name}-pod"] = "accuracy=0.1"
        lab.end_job(name, "Complete")
    await lab.settle()
    assert lab.is_over
    kind = "Failed" if reason == "TooManyFailedTrials" else "Complete"
    assert lab.condition(kind)["reason"] == reason
    for name, state in lab.trial_states().items():
        # who had not begun never begins
        assert (state == "Cancelled") == ("startTime" not in lab.record(name)["status"])
    assert lab.writes()["create jobs"] == created, "none is started after it"


@pytest.mark.parametrize(
    ("goal", "target", "reports", "reached"),
    [
        pytest.param("Maximize", 0.9, [0.9], True, id="as good as the target"),
        pytest.param("Maximize", 0.9, [0.89], False, id="not quite"),
        pytest.param("Minimize", 0.1, [0.5, 0.05, 0.7], True, id="once is enough"),
        pytest.param("Minimize", 0.1, [0.11], False, id="less is better"),
        pytest.param("Minimize", 0, [0.0], True, id="zero is a target"),
        pytest.param("Maximize", -1, [-0.5], True, id="below zero"),
    ],
)
async def test_a_running_trials_report_reaches_the_target(
    lab: Laboratory, goal: Any, target: float, reports: list[float], reached: bool
) -> None:
    await begin(lab, objective=objective(goal=goal, target=target))
    lab.report("digits-1", *reports, goal=goal)
    await come_to_rest(lab)
    assert lab.is_over == reached
    if reached:
        assert "digits-1 has reached objective.target" in lab.condition("Complete")["message"]


async def test_the_clock_of_the_timeout_starts_with_the_first_pod(lab: Laboratory) -> None:
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(9, 2) | {"timeout": "1m"}))
    await lab.settle()
    lab.clock.advance(3600)  # queued is not running
    await lab.settle()
    assert not lab.is_over
    lab.start_jobs()
    delay = await lab.settle()
    assert delay is not None
    assert delay <= 60, "the operator wakes up at the deadline by itself"
    lab.clock.advance(61)
    await come_to_rest(lab)
    assert lab.condition("Failed")["reason"] == "TimeoutReached"
    assert "no trial gave a usable result" in lab.condition("Failed")["message"]


async def test_stopped_lets_running_trials_finish_and_completes(lab: Laboratory) -> None:
    await begin(lab)
    change(lab, state="Stopped")
    await lab.settle()
    assert (lab.status["state"], lab.is_over) == ("Stopping", False)
    lab.finish_jobs()
    await lab.settle()
    assert (lab.status["state"], lab.condition("Complete")["reason"]) == ("Stopped", "Stopped")
    assert lab.trial_states() == {"digits-1": "Succeeded", "digits-2": "Succeeded"}


@pytest.mark.parametrize("state", ["Stopped", "Cancelled"])
async def test_a_sweep_that_was_ended_by_its_state_goes_on_with_new_trials(lab: Laboratory, state: str) -> None:
    await begin(lab, total=4)
    change(lab, state=state)
    await come_to_rest(lab)
    lab.finish_jobs()
    await lab.settle()
    assert lab.is_over
    before = {name: lab.record(name) for name in lab.trial_states()}
    change(lab, state="Running")
    await lab.run_to_the_end()
    assert len(lab.trial_states()) == 4
    assert {name: lab.record(name)["spec"] for name in before} == {name: one["spec"] for name, one in before.items()}
    assert {lab.trial_states()[name] for name in before} == {"Succeeded" if state == "Stopped" else "Cancelled"}
    assert lab.condition("Complete")["reason"] == "AllTrialsFinished"


@pytest.mark.parametrize(
    ("reason", "raised"),
    [
        ("TimeoutReached", {"timeout": "5h"}),
        ("TooManyFailedTrials", {"maxFailedTrials": 5}),
        ("NoImprovement", {"maxTrialsWithoutImprovement": 50}),
    ],
)
async def test_a_raised_limit_lets_the_sweep_go_on(lab: Laboratory, reason: str, raised: Object) -> None:
    await bring_about(lab, reason)
    await come_to_rest(lab)
    assert lab.is_over
    change(lab, limits=raised)
    await lab.run_to_the_end()
    assert len(lab.trial_states()) == 10
    assert lab.condition("Complete")["status"] == "True"
    assert lab.condition("Failed")["status"] == "False"


async def test_a_cancelled_trial_keeps_its_reports_and_may_be_the_best(lab: Laboratory) -> None:
    await begin(lab)
    lab.report("digits-2", 0.3, 0.8)
    change(lab, state="Cancelled")
    await come_to_rest(lab)
    assert lab.record("digits-2")["status"]["value"] == 0.8
    assert lab.status["bestTrial"]["name"] == "digits-2"
    assert "value" not in lab.record("digits-1")["status"]


async def test_a_pause_may_suspend_what_runs_and_resumes_it_after(lab: Laboratory) -> None:
    await begin(lab, runningTrials={"whenPaused": "Suspend"})
    change(lab, state="Paused")
    await lab.settle()
    assert [job["spec"]["suspend"] for job in lab.cluster.all(JOBS)] == [True, True]
    change(lab, state="Running")
    await lab.settle()
    assert [job["spec"]["suspend"] for job in lab.cluster.all(JOBS)] == [False, False]
    await lab.run_to_the_end()
    assert set(lab.trial_states().values()) == {"Succeeded"}


async def test_a_job_in_a_queue_of_kueues_is_never_suspended_or_resumed(lab: Laboratory) -> None:
    await begin(lab, runningTrials={"whenPaused": "Suspend"})
    for name in running(lab):
        lab.cluster.change(JOBS, name, {"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "gpu"}}})
    change(lab, state="Paused")
    await lab.settle()
    assert not any("suspend" in job["spec"] for job in lab.cluster.all(JOBS))
    for name in running(lab):
        lab.cluster.change(JOBS, name, {"spec": {"suspend": True}})
    change(lab, state="Running")
    await lab.settle()
    assert all(job["spec"]["suspend"] for job in lab.cluster.all(JOBS)), "it is Kueue's to let them run"


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_order_events_come_in_each_ending_comes_to_rest(seed: int) -> None:
    for reason in ENDINGS:
        lab = Laboratory(shuffle=random.Random(seed))  # noqa: S311
        await bring_about(lab, reason)
        for _ in range(4):
            await come_to_rest(lab)
        assert running(lab) == [], reason
        assert lab.is_over, reason
        await lab.logs.close()
        await lab.proposer.close()


async def test_a_sweep_without_such_limits_writes_what_it_did_before(lab: Laboratory) -> None:
    await begin(lab, total=3)
    await lab.run_to_the_end()
    assert "deadline" not in lab.status
    assert "cancelled" not in lab.status["trials"]
    assert lab.writes()["patch jobs"] == 0
