"""Trials of several pods, some of which fail: with a limit for each index (backoffLimitPerIndex) and without."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.builders import job_template, limits, sweep_manifest
from tests.support.laboratory import Laboratory

from hyperdrive_operator.controller import following
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError, InvalidError, NotFoundError, TransientError
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


def add_pod(lab: Laboratory, index: int, log: str | ClusterError, *, code: int = 0, suffix: str = "") -> Object:
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


@pytest.mark.parametrize(
    "error", [TransientError(0, "Unreachable", "the node is down"), ForbiddenError(403, "F", "no")]
)
async def test_a_failed_rank_whose_node_is_down_does_not_hold_up_the_trials_end(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch, error: ClusterError
) -> None:
    monkeypatch.setattr(following, "PAUSES_SECONDS", (0.0, 3600.0))
    monkeypatch.setattr(following, "FORBIDDEN_PAUSES_SECONDS", (0.0, 3600.0))
    add_pod(lab, 0, "accuracy=0.5\nrank 0 is done")
    pod = add_pod(lab, 1, error, code=3)
    status = await end(lab, "FailedIndexes")
    assert (status["exitCode"], status["value"]) == (3, 0.5)
    assert "rank 0 is done" not in status["message"]
    asked = [name for name, _, what in lab.cluster.log_requests if what.startswith("tail")]
    assert asked == [pod["metadata"]["name"]] * 2


async def test_the_last_lines_of_a_failed_rank_are_asked_for_again_after_an_error(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PAUSES_SECONDS", (0.0,))
    add_pod(lab, 0, "accuracy=0.5")
    name = add_pod(lab, 1, "no such file", code=3)["metadata"]["name"]
    read_log, answers = lab.cluster.read_log, iter([TransientError(500, "E", "no route")])

    async def read(*where: str, tail_lines: int, limit_bytes: int) -> bytes:
        for error in answers:
            raise error
        return await read_log(*where, tail_lines=tail_lines, limit_bytes=limit_bytes)

    monkeypatch.setattr(lab.cluster, "read_log", read)
    status = await end(lab, "FailedIndexes")
    assert status["message"].endswith("no such file")
    assert [pod for pod, *_ in lab.cluster.log_requests].count(name) == 1


@pytest.mark.parametrize(
    "error", [NotFoundError(404, "NotFound", "gone"), InvalidError(400, "BadRequest", "waiting to start")]
)
async def test_a_failed_rank_without_a_log_does_not_get_the_last_lines_of_rank_0(
    lab: Laboratory, error: ClusterError
) -> None:
    add_pod(lab, 0, "accuracy=0.5\nrank 0 is done")
    add_pod(lab, 1, error, code=3)
    status = await end(lab, "FailedIndexes")
    assert (status["exitCode"], status["value"]) == (3, 0.5)
    assert "last lines" not in status["message"]


async def test_a_failed_rank_that_was_deleted_does_not_get_the_last_lines_of_rank_0(lab: Laboratory) -> None:
    add_pod(lab, 0, "accuracy=0.5\nrank 0 is done")
    pod = add_pod(lab, 1, "no such file", code=3)
    lab.cluster.remove(PODS, pod["metadata"]["name"])
    status = await end(lab, "FailedIndexes")
    assert "last lines" not in status["message"]


async def test_a_rank_0_whose_log_can_not_be_read_is_not_blamed_for_another(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PAUSES_SECONDS", (0.0,))
    add_pod(lab, 0, TransientError(0, "Unreachable", "the node is down"))
    add_pod(lab, 1, "no such file", code=3)
    assert (await end(lab, "FailedIndexes"))["message"].endswith("no such file")
