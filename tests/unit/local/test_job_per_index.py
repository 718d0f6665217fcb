"""Jobs whose indexes have tries of their own (`backoffLimitPerIndex`)."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.local.jobs_support import make_job, make_pod, step, types
from tests.unit.local.processes import job, until_object

from hyperdrive_local.cluster import Cluster
from hyperdrive_local.controllers.job_per_index import FAILURES, IGNORED, tries_before
from hyperdrive_local.objects import Object
from hyperdrive_local.resources import JOBS, PODS

STARTED = {"startTime": "2026-03-01T11:00:00Z"}


def indexed(limit: int = 1, *, completions: int = 3, status: Object | None = None, **spec: Any) -> Object:
    spec = {"completionMode": "Indexed", "completions": completions, "parallelism": completions, **spec}
    return make_job(status={**STARTED, **(status or {})}, backoffLimitPerIndex=limit, **spec)


def tried(index: int, name: str, *, failures: int = 0, phase: str = "Failed", **more: Any) -> Object:
    code = {"Failed": 1, "Succeeded": 0}.get(phase)
    pod = make_pod(name, phase, code=code, index=index, **more)
    pod["metadata"]["annotations"][FAILURES] = str(failures)
    return pod


def test_an_index_that_failed_is_tried_again_after_its_own_wait_while_the_others_go_on() -> None:
    running = [make_pod(f"r{index}", index=index) for index in (1, 2)]
    waits = step(indexed(), tried(0, "a", ended=4), *running)
    assert (waits.create, waits.check_after) == ((), 6)
    assert step(indexed(), tried(0, "a", ended=10), *running).create == (0,)


def test_a_failure_of_one_index_does_not_keep_another_waiting() -> None:
    assert step(indexed(), tried(0, "a", ended=1), make_pod("r", index=1)).create == (2,)


def test_the_last_failed_pod_stays_until_the_next_is_made_from_it() -> None:
    failed = tried(0, "a", ended=1)
    others = [make_pod(f"r{index}", index=index) for index in (1, 2)]
    assert step(indexed(), failed, *others).release == ()
    decision = step(indexed(), failed, tried(0, "b", failures=1, phase="Running", age=1), *others)
    assert decision.release == ("a",)
    assert decision.status["uncountedTerminatedPods"] == {"failed": ["a-uid"]}


def test_of_a_job_that_is_being_deleted_no_pod_is_kept() -> None:
    job = indexed()
    job["metadata"]["deletionTimestamp"] = "2026-03-01T11:59:00Z"
    assert step(job, tried(0, "a", ended=1)).release == ("a",)


def test_an_index_has_failed_when_its_tries_are_used_up() -> None:
    others = [make_pod(f"r{index}", index=index) for index in (1, 2)]
    decision = step(indexed(), tried(0, "b", failures=1, ended=60), *others)
    assert (decision.status["failedIndexes"], decision.release, decision.create) == ("0", ("b",), ())
    assert types(decision) == []


def test_the_job_fails_when_every_index_has_ended_and_one_of_them_failed() -> None:
    job = indexed(status={"failedIndexes": "0", "completedIndexes": "1", "succeeded": 1})
    assert types(step(job, make_pod("r", index=2))) == []
    decision = step(job, tried(2, "r", phase="Succeeded"))
    assert ("FailureTarget", "FailedIndexes") in types(decision)
    assert decision.status["completedIndexes"] == "1,2"


@pytest.mark.parametrize(("allowed", "fails"), [(0, True), (1, False)])
def test_more_failed_indexes_than_allowed_fail_the_job_at_once(allowed: int, fails: bool) -> None:
    running = make_pod("r", index=1)
    decision = step(indexed(0, maxFailedIndexes=allowed), tried(0, "a"), running, make_pod("s", index=2))
    assert (types(decision), decision.delete) == (
        ([("FailureTarget", "MaxFailedIndexesExceeded")], ("r", "s")) if fails else ([], ())
    )


def test_a_rule_can_fail_an_index_at_its_first_failure() -> None:
    rule = {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}
    job = indexed(5, podFailurePolicy={"rules": [rule]})
    assert step(job, tried(0, "a")).status["failedIndexes"] == "0"


def test_a_failure_that_is_ignored_uses_up_no_try() -> None:
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    job = indexed(0, podFailurePolicy={"rules": [rule]})
    pod = tried(0, "a", condition="DisruptionTarget", ended=60)
    assert step(job, pod).create == (0, 1, 2)
    assert tries_before(0, job, [pod]).annotations == {FAILURES: "0", IGNORED: "1"}


def is_over(obj: Object) -> bool:
    return any(c["type"] in {"Complete", "Failed"} for c in obj.get("status", {}).get("conditions", []))


@pytest.mark.parametrize(
    ("spec", "rest", "reason", "counts"),
    [
        pytest.param({}, "print('done')", "FailedIndexes", ("1", "0,2", 1), id="the others end well"),
        pytest.param(
            {"maxFailedIndexes": 0}, "time.sleep(600)", "MaxFailedIndexesExceeded", ("1", None, 3), id="they are ended"
        ),
    ],
)
async def test_a_job_of_which_an_index_fails_ends_as_on_kubernetes_1_36(
    tmp_path: Path, spec: Object, rest: str, reason: str, counts: tuple[str, str | None, int]
) -> None:
    script = f"import os, time; assert os.environ['JOB_COMPLETION_INDEX'] != '1'; {rest}"
    body = job("a", script)
    del body["spec"]["backoffLimit"]
    body["spec"] |= {"completionMode": "Indexed", "completions": 3, "parallelism": 3, "backoffLimitPerIndex": 0, **spec}
    async with Cluster(tmp_path) as cluster:
        cluster.registry.create(JOBS, "default", body)
        status = (await until_object(cluster.registry, JOBS, "a", is_over))["status"]
        assert {c["reason"] for c in status["conditions"]} == {reason}
        assert (status["failedIndexes"], status.get("completedIndexes"), status["failed"]) == counts
        pods = cluster.registry.list(PODS, "default")[0]
        assert all(FAILURES in pod["metadata"]["annotations"] for pod in pods)
