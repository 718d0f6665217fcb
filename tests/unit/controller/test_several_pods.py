"""Trials of several pods, some of which fail: with a limit for each index (backoffLimitPerIndex) and without."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.builders import job_template, limits, sweep_manifest
from tests.support.laboratory import Laboratory

from hyperdrive_operator.core import timestamps
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, PODS, Object

INDEX = "batch.kubernetes.io/job-completion-index"
REASONS = ("FailedIndexes", "MaxFailedIndexesExceeded", "BackoffLimitExceeded")


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory = Laboratory()
    template = job_template(completionMode="Indexed", completions=3, parallelism=3, backoffLimitPerIndex=1)
    laboratory.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(1, 1), trialTemplate=template))
    await laboratory.settle()
    yield laboratory
    await laboratory.logs.close()


def add_pod(lab: Laboratory, index: int, log: str, *, code: int = 0, suffix: str = "") -> Object:
    """Play the Job controller and the kubelet: a pod of that index, which has ended a second later."""
    job = lab.cluster.one(JOBS, "digits-1")
    job["spec"]["template"]["metadata"]["labels"] = {
        **job["spec"]["template"]["metadata"]["labels"],
        INDEX: str(index),
    }
    end: dict[str, Any] = {"exitCode": code, "startedAt": timestamps.text(lab.clock.now)}
    lab.clock.advance(1)
    end["finishedAt"] = timestamps.text(lab.clock.now)
    pod = lab.add_pod(
        job,
        phase="Failed" if code else "Succeeded",
        suffix=f"{index}{suffix}",
        containerStatuses=[{"name": "train", "state": {"terminated": end}}],
    )
    lab.cluster.logs[pod["metadata"]["name"]] = log
    return pod


async def end(lab: Laboratory, reason: str) -> Object:
    """Let the Job fail; return what the record says of it."""
    lab.end_job("digits-1", "Failed", reason=reason)
    await lab.settle()
    status: Object = lab.record("digits-1")["status"]
    assert status["state"] == "Failed"
    return status


@pytest.mark.parametrize("reason", REASONS)
async def test_an_index_that_failed_gives_the_trial_its_exit_code_its_last_lines_and_the_jobs_reason(
    lab: Laboratory, reason: str
) -> None:
    add_pod(lab, 0, "accuracy=0.5\nrank 0 is done")
    add_pod(lab, 1, "no such file", code=3)
    add_pod(lab, 2, "rank 2 is done")
    status = await end(lab, reason)
    assert (status["reason"], status["exitCode"]) == ("JobFailed", 3)
    assert reason in status["message"]
    assert status["message"].endswith("no such file")


async def test_what_rank_0_has_reported_is_kept_and_does_not_count(lab: Laboratory) -> None:
    add_pod(lab, 0, "accuracy=0.5")
    add_pod(lab, 1, "no such file", code=3)
    status = await end(lab, "FailedIndexes")
    assert (status["value"], status["reports"]) == (0.5, 1)
    assert "bestTrial" not in lab.status
    assert lab.status["trials"]["failed"] == 1


async def test_a_later_try_that_failed_before_its_index_succeeded_is_not_blamed(lab: Laboratory) -> None:
    add_pod(lab, 1, "no such file", code=3, suffix="-first")
    add_pod(lab, 1, "no such file either", code=4, suffix="-second")
    add_pod(lab, 2, "the network is down", code=5, suffix="-first")
    add_pod(lab, 2, "rank 2 is done", suffix="-second")
    add_pod(lab, 0, "accuracy=0.5")
    status = await end(lab, "FailedIndexes")
    assert status["exitCode"] == 4
    assert status["message"].endswith("no such file either")


async def test_a_pod_that_the_job_controller_ended_for_anothers_failure_is_not_blamed(lab: Laboratory) -> None:
    add_pod(lab, 1, "no such file", code=3)
    for index in (0, 2):
        pod = add_pod(lab, index, "accuracy=0.5\nterminated", code=143)
        lab.cluster.change(PODS, pod["metadata"]["name"], {"metadata": {"deletionTimestamp": "2026-03-01T12:00:09Z"}})
    status = await end(lab, "MaxFailedIndexesExceeded")
    assert status["exitCode"] == 3
    assert status["message"].endswith("no such file")


async def test_a_rank_0_that_failed_speaks_for_itself(lab: Laboratory) -> None:
    add_pod(lab, 0, "accuracy=0.5\nloss is nan", code=2)
    add_pod(lab, 1, "rank 1 is done")
    status = await end(lab, "FailedIndexes")
    assert (status["exitCode"], status["value"]) == (2, 0.5)
    assert status["message"].endswith("loss is nan")


async def test_an_index_whose_failure_the_watch_has_not_shown_yet_is_asked_for(lab: Laboratory) -> None:
    add_pod(lab, 0, "accuracy=0.5")
    lab.deliver()
    shown = len(lab.cluster.events)
    add_pod(lab, 1, "no such file", code=3)
    del lab.cluster.events[shown:]
    status = await end(lab, "FailedIndexes")
    assert status["exitCode"] == 3
    assert status["message"].endswith("no such file")
