"""Trials that are over before their start was recorded: one write for both, and nothing is missing in it."""

from typing import Any

import pytest
from tests.support.builders import NAMESPACE, limits, sweep_manifest
from tests.support.laboratory import STARTED, Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.controller.queue import Key
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, PODS, Object

GREEDY = {"resources": {"requests": {"cpu": "2"}}}


def laboratory(**spec: Any) -> Laboratory:
    lab = Laboratory()
    manifest = sweep_manifest(limits=limits(2, 1), **spec)
    manifest["spec"]["trialTemplate"]["spec"]["template"]["spec"]["containers"][0] |= GREEDY
    lab.cluster.put(HYPERDRIVES, manifest)
    return lab


async def run(seconds: float, how: str = "Complete") -> Object:
    """Run one trial for so long; return its record's status."""
    lab = laboratory(metrics={"source": "Annotation"})
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.clock.advance(seconds)
    await lab.settle()
    assert lab.trial_states()["digits-1"] == ("Running" if seconds >= STARTED else "Queued")
    if how == "Complete":
        note = {"metadata": {"annotations": {names.ANNOTATION_METRICS: '{"accuracy": 0.5}'}}}
        lab.cluster.change(JOBS, "digits-1", note)
    lab.cluster.change(PODS, "digits-1-pod", {"status": {"phase": "Succeeded" if how == "Complete" else "Failed"}})
    lab.end_job("digits-1", how)
    await lab.settle()
    status: Object = lab.record("digits-1")["status"]
    await lab.logs.close()
    return status


@pytest.mark.parametrize("how", ["Complete", "Failed"])
async def test_the_end_of_a_short_trial_says_all_that_its_start_would_have(how: str) -> None:
    short, long = await run(1, how), await run(STARTED, how)
    assert set(short) == set(long)
    assert short["startTime"] == long["startTime"] == "2026-03-01T12:00:00Z"
    assert short["requests"] == long["requests"] == {"cpu": 2, "pods": 1}
    assert short["runTime"] == {"seconds": 1, "time": "2026-03-01T12:00:01Z"}
    assert short["state"] == long["state"]


async def test_no_event_tells_when_a_start_is_to_be_recorded_so_the_next_look_is_then() -> None:
    lab = laboratory(metrics={"source": "Annotation"})
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.clock.advance(1)
    assert await lab.settle() == pytest.approx(STARTED - 1)
    assert lab.trial_states() == {"digits-1": "Queued"}
    lab.clock.advance(STARTED - 1)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running"}


@pytest.mark.parametrize("is_foreground", [False, True], ids=["before its pod", "after its pod"])
async def test_a_job_that_goes_in_its_first_seconds_is_a_failed_trial_and_not_run_again(*, is_foreground: bool) -> None:
    lab = laboratory(metrics={"source": "Annotation"})
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    if is_foreground:
        lab.cluster.change(JOBS, "digits-1", {"status": {"ready": 0}}, subresource="status")
        lab.cluster.remove(PODS, "digits-1-pod")
        await lab.settle()
    lab.cluster.remove(JOBS, "digits-1")
    await lab.settle()
    status = lab.record("digits-1")["status"]
    assert (status["state"], status["reason"]) == ("Failed", names.REASON_JOB_DELETED)
    assert [job["metadata"]["name"] for job in lab.cluster.all(JOBS)] == ["digits-2"]


async def test_a_job_that_goes_before_its_pod_runs_is_created_again() -> None:
    lab = laboratory(metrics={"source": "Annotation"})
    await lab.settle()
    lab.add_pod(lab.cluster.one(JOBS, "digits-1"), phase="Pending")
    await lab.settle()
    lab.cluster.remove(JOBS, "digits-1")
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 1
    await lab.start_trials()
    assert lab.trial_states() == {"digits-1": "Running"}


async def test_a_job_that_goes_while_no_operator_runs_is_created_again_with_nothing_of_the_first() -> None:
    lab = laboratory(metrics={"source": "Annotation"})
    await lab.settle()
    lab.start_jobs()
    note = {"metadata": {"annotations": {names.ANNOTATION_METRICS: '{"accuracy": 0.9}'}}}
    lab.cluster.change(JOBS, "digits-1", note)
    await lab.settle()
    lab.cluster.remove(JOBS, "digits-1")
    lab.restart()
    await lab.settle()
    await lab.start_trials()
    note = {"metadata": {"annotations": {names.ANNOTATION_METRICS: '{"accuracy": 0.2}'}}}
    lab.cluster.change(JOBS, "digits-1", note)
    lab.cluster.change(PODS, "digits-1-pod", {"status": {"phase": "Succeeded"}})
    lab.end_job("digits-1", "Complete")
    await lab.settle()
    status = lab.record("digits-1")["status"]
    assert (status["state"], status["value"], status["reports"]) == ("Succeeded", 0.2, 1)


async def test_a_short_trial_whose_log_can_not_be_read_for_long_is_not_queued_all_that_time() -> None:
    lab = laboratory()
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.clock.advance(1)
    ended = {"terminated": {"exitCode": 0, "finishedAt": timestamps.text(lab.clock.now)}}
    pod = {"phase": "Succeeded", "containerStatuses": [{"name": "train", "state": ended}]}
    lab.cluster.change(PODS, "digits-1-pod", {"status": pod})
    lab.end_job("digits-1", "Complete")
    lab.logs.read = lambda *_: None  # type: ignore[method-assign]  # the kubelet does not answer
    await lab.step()
    assert lab.trial_states()["digits-1"] == "Queued"
    lab.clock.advance(STARTED)
    await lab.step()
    status = lab.record("digits-1")["status"]
    assert (status["state"], status["startTime"]) == ("Running", "2026-03-01T12:00:00Z")


async def test_a_sweep_that_is_stopped_lets_a_trial_finish_whose_start_is_not_recorded() -> None:
    lab = laboratory(metrics={"source": "Annotation"})
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    now = timestamps.text(lab.clock.now)
    ending = {"terminated": {"exitCode": 0, "startedAt": now, "finishedAt": now}}
    ended = {"phase": "Succeeded", "containerStatuses": [{"name": "train", "state": ending}]}
    lab.cluster.change(PODS, "digits-1-pod", {"status": ended})
    lab.cluster.change(JOBS, "digits-1", {"status": {"ready": 0}}, subresource="status")
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Stopped"}})
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Queued"}, "its Job is about to say that it is complete"


async def test_reports_recorded_at_the_operators_end_tell_of_the_start_too() -> None:
    lab = laboratory(metrics={"source": "Annotation"})
    await lab.settle()
    lab.start_jobs()
    note = {"metadata": {"annotations": {names.ANNOTATION_METRICS: '{"accuracy": 0.5}'}}}
    lab.cluster.change(JOBS, "digits-1", note)
    await lab.settle()
    sweep = lab.cache.sweep(Key(NAMESPACE, "digits"))
    assert sweep is not None
    await lab.reconciler.record_reports(sweep)
    told = lab.record("digits-1")["status"]
    assert (told["state"], told["startTime"], told["value"]) == ("Running", "2026-03-01T12:00:00Z", 0.5)
    lab.cluster.remove(JOBS, "digits-1")
    lab.restart()
    await lab.settle()
    assert lab.record("digits-1")["status"]["reason"] == names.REASON_JOB_DELETED, "it is not run a second time"
