"""Endings in every state of a sweep: with kills at each write, reversals, and pauses that suspend."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.builders import NOW, expression, limits, sweep_manifest
from tests.support.fake_cluster import Failure
from tests.support.laboratory import Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, PODS, Object

from .stopping import WHEN, Killed, deadline

OBJECTIVE = {"primaryMetric": "accuracy", "goal": "Maximize"}


def manifest(total: int = 8, at_once: int = 3, **spec: Any) -> Object:
    more = spec.pop("limits", {})
    return sweep_manifest(
        searchSpace=[expression("x", "randint", lower=0, upper=100)], limits=limits(total, at_once) | more, **spec
    )


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory = Laboratory()
    yield laboratory
    await laboratory.logs.close()
    await laboratory.proposer.close()


async def begin(lab: Laboratory, total: int = 8, at_once: int = 3, **spec: Any) -> float | None:
    """Let the first trials run."""
    lab.cluster.put(HYPERDRIVES, manifest(total, at_once, **spec))
    await lab.settle()
    lab.start_jobs()
    delay = await lab.settle()
    lab.clock.advance(2)
    return delay


def change(lab: Laboratory, **spec: Any) -> None:
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": spec})


def set_up_target(lab: Laboratory) -> None:
    lab.report("digits-2", 0.5, 0.95)


def cancel(lab: Laboratory) -> None:
    change(lab, state="Cancelled")


def let_time_pass(lab: Laboratory) -> None:
    lab.clock.advance(60)


def fail_the_first(lab: Laboratory) -> None:
    lab.cluster.change(PODS, "digits-1-pod", {"status": {"phase": "Failed"}})
    lab.end_job("digits-1", "Failed")


def finish_the_first_two(lab: Laboratory) -> None:
    lab.finish_jobs(lambda x: f"accuracy={0.9 - x['x'] / 100}", at_most=2)


#: What a sweep says, what happens to it, and what ends it.
ENDINGS = [
    pytest.param({}, cancel, names.REASON_CANCELLED, id="cancelled"),
    pytest.param({"objective": {**OBJECTIVE, "target": 0.9}}, set_up_target, names.REASON_TARGET_REACHED, id="target"),
    pytest.param({"limits": {"timeout": "30s"}}, let_time_pass, names.REASON_TIMEOUT_REACHED, id="timeout"),
    pytest.param(
        {"limits": {"maxTotalTrialTime": "90s"}}, let_time_pass, names.REASON_BUDGET_SPENT, id="budget of time"
    ),
    pytest.param(
        {"limits": {"maxResourceHours": {"pods": "0.05"}}},
        let_time_pass,
        names.REASON_BUDGET_SPENT,
        id="budget of a resource",
    ),
    pytest.param(
        {"limits": {"maxFailedTrials": 0}}, fail_the_first, names.REASON_TOO_MANY_FAILED_TRIALS, id="failures"
    ),
    pytest.param(
        {"limits": {"maxTrialsWithoutImprovement": 1}},
        finish_the_first_two,
        names.REASON_NO_IMPROVEMENT,
        id="no improvement",
    ),
]
OF_LIMITS = ENDINGS[1:]


def reason(lab: Laboratory) -> str:
    kind = "Failed" if lab.condition("Failed")["status"] == "True" else "Complete"
    assert lab.condition(kind)["status"] == "True"
    said: str = lab.condition(kind)["reason"]
    return said


@pytest.mark.parametrize(("spec", "happen", "why"), ENDINGS)
async def test_at_its_end_no_job_keeps_running_and_all_records_stay(
    lab: Laboratory, spec: Object, happen: Any, why: str
) -> None:
    await begin(lab, **spec)
    lab.report("digits-3", 0.3, 0.2)
    happen(lab)
    await lab.settle()
    assert lab.status["state"] == "Stopping"
    assert lab.condition("Progressing")["reason"] == why
    lab.stop_jobs()
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 0
    assert (lab.is_over, reason(lab), len(lab.trial_states())) == (True, why, 3)
    third = lab.record("digits-3")["status"]
    assert (third["state"], third["reason"], third["value"]) == ("Cancelled", why, 0.3)
    assert [said for _, said, _ in lab.recorder.said].count(why) == 1
    assert names.REASON_TRIALS_CANCELLED in [said for _, said, _ in lab.recorder.said]

    written, completed = lab.writes(), lab.status["completionTime"]
    lab.clock.advance(3600)
    lab.restart()
    assert await lab.settle() is None, "nothing is to come"
    assert (lab.writes(), lab.status["completionTime"]) == (written, completed), "an ending holds whatever time it is"


@pytest.mark.parametrize(("spec", "happen", "why"), OF_LIMITS)
async def test_running_trials_finish_where_that_is_declared(
    lab: Laboratory, spec: Object, happen: Any, why: str
) -> None:
    await begin(lab, runningTrials={"whenEnded": "Continue"}, **spec)
    happen(lab)
    await lab.settle()
    assert (lab.status["state"], deadline(lab, "digits-3")) == ("Stopping", None)
    assert "Cancelled" not in lab.trial_states().values()
    lab.finish_jobs(lambda _: "accuracy=0.1")
    await lab.settle()
    assert (lab.is_over, reason(lab), len(lab.trial_states())) == (True, why, 3)
    assert lab.trial_states()["digits-3"] == "Succeeded"


@pytest.mark.parametrize(("spec", "happen", "why"), ENDINGS)
@pytest.mark.parametrize("when", WHEN)
async def test_an_operator_killed_at_any_write_of_an_ending_ends_it_after_its_restart(
    spec: Object, happen: Any, why: str, when: Any
) -> None:
    for nth in range(8):
        lab = Laboratory()
        await begin(lab, **spec)
        happen(lab)
        lab.cluster.failure = Failure(len(lab.cluster.writes) + nth, when, Killed())
        try:
            await lab.settle()
        except Killed:
            await lab.logs.close()
            lab.restart()
        lab.cluster.failure = None
        await lab.settle()
        lab.stop_jobs()
        await lab.settle()
        assert (reason(lab), lab.cluster.unfinished_jobs(), lab.is_over) == (why, 0, True)
        assert not set(lab.trial_states().values()) & {"Queued", "Running"}
        await lab.logs.close()


# --- stop and cancel ---------------------------------------------------------------------------------------------


async def test_a_stopped_sweep_lets_its_trials_finish_and_completes(lab: Laboratory) -> None:
    await begin(lab, at_once=2)
    change(lab, state="Stopped")
    await lab.settle()
    assert (lab.status["state"], lab.status["trials"]["running"]) == ("Stopping", 2)
    lab.finish_jobs()
    await lab.settle()
    assert (lab.status["state"], reason(lab), lab.status["progress"]) == ("Stopped", names.REASON_STOPPED, "2/8")
    assert lab.status["bestTrial"]["name"] == "digits-2"


async def test_a_stopped_sweep_does_not_wait_for_what_has_not_begun(lab: Laboratory) -> None:
    lab.cluster.put(HYPERDRIVES, manifest())
    await lab.settle()
    lab.cluster.remove(JOBS, "digits-1")
    change(lab, state="Stopped")
    await lab.settle()
    lab.stop_jobs()
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Cancelled"}
    assert (lab.status["state"], lab.status["trials"]["cancelled"], lab.cluster.unfinished_jobs()) == ("Stopped", 3, 0)
    assert "startTime" not in lab.record("digits-2")["status"]


@pytest.mark.parametrize("state", ["Stopped", "Cancelled"])
async def test_a_sweep_that_never_began_is_over_at_once_and_can_still_begin(lab: Laboratory, state: str) -> None:
    lab.cluster.put(HYPERDRIVES, manifest(total=3, state=state))
    await lab.settle()
    assert (lab.status["state"], lab.is_over, lab.trial_states()) == (state, True, {})
    change(lab, state="Running")
    await lab.run_to_the_end()
    assert (lab.status["state"], lab.status["progress"]) == ("Complete", "3/3")


@pytest.mark.parametrize("state", ["Stopped", "Cancelled"])
async def test_a_sweep_that_is_set_running_again_goes_on_with_new_trials(lab: Laboratory, state: str) -> None:
    await begin(lab, total=6)
    change(lab, state=state)
    await lab.settle()
    lab.finish_jobs() if state == "Stopped" else lab.stop_jobs()
    await lab.settle()
    before = lab.trial_states()
    change(lab, state="Running")
    await lab.settle()
    assert "completionTime" not in lab.status
    assert lab.condition("Complete")["status"] == "False"
    assert names.REASON_RESUMED in [said for _, said, _ in lab.recorder.said]
    await lab.run_to_the_end()
    assert lab.trial_states() == before | {f"digits-{number}": "Succeeded" for number in (4, 5, 6)}
    assert lab.condition("Complete")["reason"] == names.REASON_ALL_TRIALS_FINISHED


@pytest.mark.parametrize("state", ["Stopped", "Cancelled"])
async def test_a_complete_sweep_stays_complete(lab: Laboratory, state: str) -> None:
    lab.cluster.put(HYPERDRIVES, manifest(total=2))
    await lab.run_to_the_end()
    change(lab, state=state)
    await lab.settle()
    assert (lab.status["state"], reason(lab)) == ("Complete", names.REASON_ALL_TRIALS_FINISHED)


async def test_a_cancelled_sweep_without_a_result_is_no_failure(lab: Laboratory) -> None:
    await begin(lab)
    cancel(lab)
    await lab.settle()
    lab.stop_jobs()
    await lab.settle()
    assert (lab.status["state"], lab.condition("Failed")["status"]) == ("Cancelled", "False")
    assert lab.condition("Stalled")["status"] == "False"
    assert "no trial gave a usable result" in lab.condition("Complete")["message"]


async def test_a_sweep_whose_template_was_broken_can_be_cancelled(lab: Laboratory) -> None:
    await begin(lab)
    change(lab, trialTemplate={"spec": {"backoffLimit": "$(params.y)"}})
    await lab.settle()
    assert lab.status["state"] == "Invalid"
    cancel(lab)
    await lab.settle()
    lab.stop_jobs()
    await lab.settle()
    assert (lab.status["state"], lab.cluster.unfinished_jobs()) == ("Cancelled", 0)


# --- target, timeout, failures, improvement ------------------------------------------------------------------------


async def test_a_target_to_minimise_is_reached_from_above(lab: Laboratory) -> None:
    await begin(lab, objective={"primaryMetric": "accuracy", "goal": "Minimize", "target": 0.1})
    lab.report("digits-1", 0.5, 0.2, goal="Minimize")
    await lab.settle()
    assert lab.status["state"] == "Running"
    lab.report("digits-1", 0.5, 0.1, goal="Minimize")
    await lab.settle()
    assert lab.condition("Progressing")["reason"] == names.REASON_TARGET_REACHED
    lab.stop_jobs()
    await lab.settle()
    assert (lab.status["bestTrial"]["name"], lab.status["bestTrial"]["value"]) == ("digits-1", 0.1)


async def test_a_sweep_is_woken_when_its_time_is_over_and_goes_on_with_more(lab: Laboratory) -> None:
    delay = await begin(lab, limits={"timeout": "1m"})
    assert delay == 60, "from the start of the first pod on"
    assert lab.status["deadline"] == timestamps.text(NOW.replace(minute=1))
    lab.clock.advance(58)
    await lab.settle()
    lab.stop_jobs()
    await lab.settle()
    assert (reason(lab), lab.status["state"]) == (names.REASON_TIMEOUT_REACHED, "Failed"), "there is no result"
    change(lab, limits={"timeout": "1h"})
    await lab.settle()
    lab.clock.advance(1)
    assert await lab.settle() == 3539
    assert (lab.status["state"], lab.cluster.unfinished_jobs()) == ("Running", 3)
    await lab.run_to_the_end()
    lab.clock.advance(7200)
    lab.restart()
    await lab.settle()
    assert reason(lab) == names.REASON_ALL_TRIALS_FINISHED, "it was over before its time was"


async def test_a_queued_sweep_spends_no_time(lab: Laboratory) -> None:
    lab.cluster.put(HYPERDRIVES, manifest(limits={"timeout": "1m"}))
    await lab.settle()
    lab.clock.advance(3600)
    await lab.settle()
    assert ("deadline" in lab.status, lab.cluster.unfinished_jobs()) == (False, 3)


async def test_the_time_goes_on_for_a_stopped_sweep(lab: Laboratory) -> None:
    await begin(lab, limits={"timeout": "1m"})
    change(lab, state="Stopped")
    assert await lab.settle() == 58
    lab.clock.advance(58)
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Cancelled"}


async def test_more_failures_allowed_set_a_failed_sweep_going(lab: Laboratory) -> None:
    await begin(lab, limits={"maxFailedTrials": 0})
    fail_the_first(lab)
    await lab.settle()
    lab.stop_jobs()
    await lab.settle()
    assert (lab.status["state"], lab.status["trials"]["failed"]) == ("Failed", 1)
    change(lab, limits={"maxFailedTrials": 1})
    await lab.run_to_the_end()
    assert (lab.status["state"], lab.status["trials"]["succeeded"]) == ("Complete", 5)


async def test_a_running_trial_that_improves_keeps_the_sweep_going(lab: Laboratory) -> None:
    await begin(lab, limits={"maxTrialsWithoutImprovement": 1})
    lab.report("digits-3", 0.99)
    finish_the_first_two(lab)
    await lab.settle()
    assert lab.status["state"] == "Running"


async def test_a_limit_lowered_below_what_has_happened_ends_a_live_sweep(lab: Laboratory) -> None:
    await begin(lab, limits={"timeout": "1h"})
    lab.clock.advance(60)
    change(lab, limits={"timeout": "30s"})
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Cancelled"}


# --- pauses that suspend ---------------------------------------------------------------------------------------------


def suspended(lab: Laboratory) -> list[bool]:
    return [bool(job["spec"].get("suspend")) for job in lab.cluster.all(JOBS)]


async def pause(lab: Laboratory, **template: Any) -> None:
    await begin(lab, at_once=2, runningTrials={"whenPaused": "Suspend"})
    for name, labels in template.items():
        lab.cluster.change(JOBS, name.replace("_", "-"), {"metadata": {"labels": labels}})
    change(lab, state="Paused")
    await lab.settle()


async def test_a_pause_suspends_the_jobs_and_its_end_resumes_them(lab: Laboratory) -> None:
    await pause(lab)
    assert suspended(lab) == [True, True]
    lab.restart()
    written = lab.writes()
    await lab.settle()
    assert lab.writes() == written
    change(lab, state="Running")
    await lab.settle()
    assert suspended(lab) == [False, False]
    assert all(names.ANNOTATION_SUSPENDED not in job["metadata"]["annotations"] for job in lab.cluster.all(JOBS))


async def test_what_others_suspended_is_theirs_to_resume(lab: Laboratory) -> None:
    await begin(lab, at_once=2, runningTrials={"whenPaused": "Suspend"})
    lab.cluster.change(JOBS, "digits-1", {"spec": {"suspend": True}})
    change(lab, state="Paused")
    await lab.settle()
    change(lab, state="Running")
    await lab.settle()
    assert suspended(lab) == [True, False]


async def test_what_a_person_resumes_in_a_pause_is_not_suspended_again(lab: Laboratory) -> None:
    await pause(lab)
    lab.cluster.change(JOBS, "digits-1", {"spec": {"suspend": False}})
    await lab.settle()
    assert suspended(lab) == [False, True]


async def test_jobs_in_kueues_queues_are_left_to_kueue(lab: Laboratory) -> None:
    await pause(lab, digits_1={names.LABEL_KUEUE_QUEUE: "team"})
    assert suspended(lab) == [False, True]
    assert "1 of them in Kueue's queues" in lab.condition("Progressing")["message"]


async def test_a_trial_cancelled_in_a_pause_never_runs_again_and_its_job_ends(lab: Laboratory) -> None:
    await pause(lab)
    cancel(lab)
    await lab.settle()
    assert (suspended(lab), deadline(lab, "digits-1")) == ([False, False], 0), "so it fails before it has a pod"
    lab.stop_jobs()
    await lab.settle()
    assert (lab.status["state"], lab.cluster.unfinished_jobs()) == ("Cancelled", 0)


async def test_a_sweep_stopped_in_a_pause_lets_its_trials_finish(lab: Laboratory) -> None:
    await pause(lab)
    change(lab, state="Stopped")
    await lab.settle()
    assert (suspended(lab), lab.status["state"]) == ([False, False], "Stopping")
