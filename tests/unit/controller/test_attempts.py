"""One trial is cancelled, or run again: at any time, with kills at each write, and each attempt by itself."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.builders import AIM, limits, sweep_manifest
from tests.support.fake_cluster import Failure, FakeCluster
from tests.support.laboratory import Laboratory, replace_all

from hyperdrive_operator.api import names
from hyperdrive_operator.core.metrics import Report
from hyperdrive_operator.core.progress import Progress
from hyperdrive_operator.core.trials import Log
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS

from .stopping import WHEN, Killed, deadline, laboratory, stop_the_second


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory = laboratory_of()
    yield laboratory
    await laboratory.logs.close()


def laboratory_of(total: int = 3, at_once: int = 2, **spec: Any) -> Laboratory:
    lab = Laboratory()
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(total, at_once), **spec))
    return lab


def wish(lab: Laboratory, name: str, **spec: Any) -> None:
    """Change a trial's spec, as a person does."""
    lab.cluster.change(HYPERDRIVE_TRIALS, name, {"spec": spec})


async def run_again(lab: Laboratory, log: str = "accuracy=0.7") -> None:
    """Run all that was asked for to its end; former Jobs go when their pods have."""
    for _ in range(10):
        await lab.settle()
        lab.clock.advance(1)
        moved = lab.cluster.finish_deletions() + lab.start_jobs()
        await lab.settle()
        lab.clock.advance(1)
        moved += lab.finish_jobs(lambda _: log)
        if not moved:
            return
    raise AssertionError(lab.status)


def attempt_of(cluster: FakeCluster, name: str) -> str:
    label: str = cluster.one(JOBS, name)["spec"]["template"]["metadata"]["labels"][names.LABEL_ATTEMPT]
    return label


# --- cancelled -----------------------------------------------------------------------------------------------------


async def test_a_running_trial_that_is_cancelled_ends_alone_and_keeps_what_it_reported(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.report("digits-1", 0.2, 0.4)
    wish(lab, "digits-1", state="Cancelled")
    await lab.settle()
    status = lab.record("digits-1")["status"]
    assert (status["state"], status["reason"], status["value"]) == ("Cancelled", names.REASON_TRIAL_CANCELLED, 0.4)
    assert (deadline(lab, "digits-1"), deadline(lab, "digits-2")) == (0, None)
    assert "digits-3" not in lab.trial_states(), "it keeps its place until its pod has ended"
    lab.stop_jobs()
    await run_again(lab)
    assert lab.trial_states() == {"digits-1": "Cancelled", "digits-2": "Succeeded", "digits-3": "Succeeded"}
    assert (lab.status["state"], lab.status["progress"]) == ("Complete", "3/3")
    assert any("digits-1: TrialCancelled" in message for _, _, message in lab.recorder.said)


async def test_a_trial_that_is_cancelled_before_its_job_exists_never_begins(lab: Laboratory) -> None:
    await lab.settle()
    lab.cluster.remove(JOBS, "digits-2")
    wish(lab, "digits-2", state="Cancelled")
    await lab.settle()
    assert lab.record("digits-2")["status"]["state"] == "Cancelled"
    assert [job["metadata"]["name"] for job in lab.cluster.all(JOBS)] == ["digits-1", "digits-3"]


async def test_a_trial_cancelled_in_a_pause_never_begins(lab: Laboratory) -> None:
    await lab.settle()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Paused"}})
    wish(lab, "digits-2", state="Cancelled")
    await lab.settle()
    assert lab.record("digits-2")["status"]["state"] == "Cancelled"
    assert "startTime" not in lab.record("digits-2")["status"]


async def test_a_job_is_not_created_for_a_record_that_the_cache_does_not_know_to_be_cancelled(lab: Laboratory) -> None:
    await lab.settle()
    lab.cluster.remove(JOBS, "digits-2")
    wish(lab, "digits-2", state="Cancelled")
    late = lab.cluster.events.pop()
    assert late[2]["metadata"]["name"] == "digits-2"
    await lab.settle()
    assert "digits-2" not in [job["metadata"]["name"] for job in lab.cluster.all(JOBS)]
    assert lab.record("digits-2")["status"]["state"] == "Cancelled"


async def test_a_trial_that_has_ended_is_not_changed_by_being_cancelled(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    before = lab.record("digits-1")["status"]
    wish(lab, "digits-1", state="Cancelled")
    await lab.settle()
    assert (lab.record("digits-1")["status"], lab.status["state"]) == (before, "Complete")


# --- run again -----------------------------------------------------------------------------------------------------


async def test_a_trial_of_a_finished_sweep_is_run_again_with_its_parameters_and_the_sweep_completes_anew(
    lab: Laboratory,
) -> None:
    await lab.run_to_the_end(lambda x: "nothing" if x["x"] == 1 else "accuracy=0.5")
    before = lab.record("digits-2")
    assert (before["status"]["state"], lab.status["progress"]) == ("Failed", "3/3")
    wish(lab, "digits-2", attempt=2)
    await lab.settle()
    pending = lab.record("digits-2")["status"]
    assert (pending["state"], pending["attempt"], "reason" in pending) == ("Queued", 2, False)
    assert ("completionTime" in lab.status, lab.status["state"], lab.status["progress"]) == (False, "Running", "2/3")
    job = lab.cluster.one(JOBS, "digits-2")
    assert "deletionTimestamp" in job["metadata"], "its pods go first"
    await run_again(lab, "accuracy=0.9")
    after = lab.record("digits-2")
    assert after["spec"]["parameters"] == before["spec"]["parameters"]
    assert attempt_of(lab.cluster, "digits-2") == "2"
    assert (after["status"]["state"], after["status"]["value"]) == ("Succeeded", 0.9)
    (kept,) = after["status"]["attempts"]
    assert kept.items() >= {"attempt": 1, "state": "Failed", "reason": "MetricNotReported"}.items()
    assert kept["startTime"] == after["status"]["firstStartTime"] < after["status"]["startTime"]
    assert (lab.status["state"], lab.status["progress"], lab.status["bestTrial"]["name"]) == (
        "Complete",
        "3/3",
        "digits-2",
    )
    reasons = [reason for _, reason, _ in lab.recorder.said]
    assert (reasons.count(names.REASON_RESUMED), reasons.count(names.REASON_ALL_TRIALS_FINISHED)) == (1, 2)
    written = lab.writes()
    lab.restart()
    await lab.settle()
    assert lab.writes() == written


@pytest.mark.parametrize("when", WHEN)
async def test_an_operator_killed_at_any_write_of_a_retry_runs_it_once_after_its_restart(when: Any) -> None:
    for nth in range(9):
        lab = laboratory_of(total=2)
        await lab.run_to_the_end(lambda _: "accuracy=0.5")
        pods = len(lab.cluster.all(PODS))
        wish(lab, "digits-2", attempt=2)
        created = lab.writes()["create jobs"]
        lab.cluster.failure = Failure(len(lab.cluster.writes) + nth, when, Killed())
        for _ in range(2):
            try:
                await run_again(lab, "accuracy=0.7")
            except Killed:
                await lab.logs.close()
                lab.cluster.failure = None
                lab.restart()
        status = lab.record("digits-2")["status"]
        assert (status["state"], status["value"], status["attempt"]) == ("Succeeded", 0.7, 2)
        assert [one["value"] for one in status["attempts"]] == [0.5]
        assert len(lab.cluster.all(PODS)) == pods, "the former one has gone, and one has run"
        # a write that was killed before it was made, and the one after it
        assert lab.writes()["create jobs"] - created <= 2
        assert (lab.status["state"], lab.status["progress"], lab.is_over) == ("Complete", "2/2", True)
        await lab.logs.close()


@pytest.mark.parametrize("source", ["annotation", "log"])
async def test_what_the_attempt_before_reported_never_counts_for_the_next(lab: Laboratory, source: str) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    if source == "annotation":
        annotations = {names.ANNOTATION_METRICS: '{"accuracy": 1}'}
        lab.cluster.change(JOBS, "digits-1", {"metadata": {"annotations": annotations}})
    else:
        lab.cluster.say("digits-1-pod", "accuracy=1\n")
        async with asyncio.timeout(5):
            while not lab.cache.trials(lab.cache.sweeps()[0])[0].curve.reports:  # noqa: ASYNC110  a task of its own
                await asyncio.sleep(0)
    wish(lab, "digits-1", state="Cancelled")
    await lab.settle()
    assert lab.record("digits-1")["status"]["value"] == 1
    lab.stop_jobs()
    wish(lab, "digits-1", state="Running", attempt=2)
    await run_again(lab, "accuracy=0.1")
    status = lab.record("digits-1")["status"]
    assert (status["state"], status["value"], status["reports"]) == ("Succeeded", 0.1, 1)
    assert [one["value"] for one in status["attempts"]] == [1]
    assert lab.status["bestTrial"]["value"] == 0.1


async def test_a_late_event_of_the_former_job_does_not_end_the_next_attempt(lab: Laboratory) -> None:
    await lab.run_to_the_end(lambda _: "accuracy=0.5")
    former = lab.cluster.one(JOBS, "digits-1")
    wish(lab, "digits-1", attempt=2)
    await lab.settle()
    lab.cluster.finish_deletions()
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    former["metadata"]["resourceVersion"] = "999999"
    former["metadata"]["uid"] = "uid-unheard-of"
    lab.cache.observe(JOBS, "MODIFIED", former)
    await lab.settle()
    assert lab.record("digits-1")["status"]["state"] == "Running"
    assert lab.writes()["delete jobs"] == 1


async def test_what_is_read_late_of_the_former_log_is_not_the_next_attempts(lab: Laboratory) -> None:
    await lab.run_to_the_end(lambda _: "accuracy=0.5")
    wish(lab, "digits-1", attempt=2)
    await lab.settle()
    lab.cluster.finish_deletions()
    await lab.settle()
    late = Log(Progress().reported(Report((("accuracy", 0.99),), None), AIM), is_whole=True, attempt=1)
    lab.cache.observe_log(lab.record("digits-1")["metadata"]["uid"], late)
    await run_again(lab, "accuracy=0.1")
    assert lab.record("digits-1")["status"]["value"] == 0.1


async def test_a_former_job_that_the_watch_has_lost_is_deleted_when_its_name_is_needed(lab: Laboratory) -> None:
    await lab.run_to_the_end(lambda _: "accuracy=0.5")
    replace_all(lab.cache, JOBS, [], lab.cache.mark())  # it lost the label by which Jobs are selected
    wish(lab, "digits-1", attempt=2)
    await run_again(lab, "accuracy=0.7")
    assert (lab.record("digits-1")["status"]["value"], attempt_of(lab.cluster, "digits-1")) == (0.7, "2")


async def test_a_retry_waits_until_the_former_pod_has_had_its_grace_period(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    wish(lab, "digits-1", state="Cancelled")
    await lab.settle()
    wish(lab, "digits-1", state="Running", attempt=2)
    await lab.settle()
    assert lab.record("digits-1")["status"]["state"] == "Cancelled"
    assert lab.writes()["delete jobs"] == 0
    lab.stop_jobs()
    await lab.settle()
    assert lab.record("digits-1")["status"]["state"] == "Queued"


async def test_retries_take_no_more_places_than_there_are_and_go_before_new_trials(lab: Laboratory) -> None:
    await lab.run_to_the_end(lambda _: "accuracy=0.5")
    for number in (1, 2, 3):
        wish(lab, f"digits-{number}", attempt=2)
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": {"maxTotalTrials": 4}}})
    await lab.settle()
    assert sorted(lab.trial_states().values()) == ["Queued", "Queued", "Succeeded"]
    await run_again(lab)
    assert [one["status"].get("attempt") for one in lab.cluster.all(HYPERDRIVE_TRIALS)] == [2, 2, 2, None]
    assert lab.status["progress"] == "4/4"


@pytest.mark.parametrize("state", ["Cancelled", "Stopped"])
async def test_a_retry_in_a_sweep_that_was_ended_waits_and_keeps_the_result_until_the_sweep_goes_on(
    lab: Laboratory, state: str
) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs(lambda _: "accuracy=0.5", at_most=1)
    await lab.settle()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": state}})
    await lab.settle()
    lab.finish_jobs(lambda _: "accuracy=0.5")
    lab.stop_jobs()
    await lab.settle()
    lab.clock.advance(1)
    wish(lab, "digits-1", attempt=2)
    await lab.settle()
    assert (lab.record("digits-1")["status"]["value"], lab.status["state"]) == (0.5, state)
    assert "digits-1 will be run again (spec.attempt)" in lab.condition("Complete")["message"]
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Running"}})
    await run_again(lab)
    assert (lab.record("digits-1")["status"]["value"], lab.is_over) == (0.7, True)


async def test_the_failed_trials_that_ended_a_sweep_can_be_run_again_and_it_goes_on() -> None:
    lab = laboratory_of(total=4, at_once=1)
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": {"maxFailedTrials": 0}}})
    await lab.run_to_the_end(lambda x: "nothing" if x["x"] == 1 else "accuracy=0.5")
    assert (lab.status["state"], lab.status["progress"]) == ("Failed", "2/4")
    wish(lab, "digits-2", attempt=2)
    await run_again(lab)
    assert (lab.status["state"], lab.status["progress"]) == ("Complete", "4/4")
    await lab.logs.close()


async def test_the_timeout_of_a_sweep_counts_from_the_first_attempt_on() -> None:
    lab = laboratory_of(total=1)
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": {"timeout": "1h"}}})
    await lab.run_to_the_end()
    due = lab.status["deadline"]
    lab.clock.advance(600)
    wish(lab, "digits-1", attempt=2)
    await run_again(lab)
    assert lab.status["deadline"] == due
    await lab.logs.close()


async def test_a_budget_forgets_no_time_of_the_attempts_before(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    before = lab.record("digits-1")["status"]["runTime"]["seconds"]
    wish(lab, "digits-1", attempt=2)
    await lab.settle()
    assert lab.record("digits-1")["status"]["runTime"]["seconds"] == before > 0
    await run_again(lab)
    assert lab.record("digits-1")["status"]["runTime"]["seconds"] > before


async def test_a_retry_that_is_taken_back_before_it_began_changes_nothing(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Paused", "limits": {"maxTotalTrials": 4}}})
    before = lab.record("digits-1")["status"]
    wish(lab, "digits-1", attempt=2)
    await lab.settle()
    wish(lab, "digits-1", state="Cancelled")
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Running"}})
    await run_again(lab)
    assert lab.record("digits-1")["status"] == before


async def test_a_record_keeps_no_more_than_its_last_attempts(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    for number in range(2, 9):
        wish(lab, "digits-1", attempt=number)
        await run_again(lab, f"accuracy={number / 10}")
    status = lab.record("digits-1")["status"]
    assert [one["attempt"] for one in status["attempts"]] == [3, 4, 5, 6, 7]
    assert (status["attempt"], status["value"], lab.status["progress"]) == (8, 0.8, "3/3")


async def test_an_early_stop_is_final_for_its_attempt_alone() -> None:
    lab = laboratory()
    await stop_the_second(lab)
    lab.stop_jobs()
    wish(lab, "digits-2", attempt=2)
    await run_again(lab, "accuracy=0.95")
    status = lab.record("digits-2")["status"]
    assert (status["state"], status["value"], "earlyTermination" in status) == ("Succeeded", 0.95, False)
    assert [(one["state"], one["value"]) for one in status["attempts"]] == [("EarlyStopped", 0.7)]
    await lab.logs.close()
