"""Jobs, on the embedded cluster and on a real one: the same manifests end in the same states."""

import asyncio
from typing import Any

import pytest
from tests.contract.moving.bench import NEVER, Bench, conditions, container, counts, is_over, is_running, job, pod_spec

REACHED = "Reached expected number of succeeded pods"
LIMIT = "Job has reached the specified backoff limit"
LATE = "Job was active longer than specified deadline"
FAIL_ON_3 = {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [3]}}
IGNORE_DISRUPTION = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}


def failed(reason: str, message: str) -> list[tuple[str, str, str, str]]:
    """The conditions of a Job that failed."""
    return [("FailureTarget", "True", reason, message), ("Failed", "True", reason, message)]


async def events_of(bench: Bench, name: str) -> dict[str, str]:
    """What has happened to a Job: reason to type."""
    path = f"/api/v1/namespaces/{bench.namespace}/events"
    selector = f"involvedObject.kind=Job,involvedObject.name={name}"
    return {
        event["reason"]: event["type"] for event in (await bench.api.get(path, fieldSelector=selector)).body["items"]
    }


async def test_a_job_completes(bench: Bench) -> None:
    done = await bench.finished_job(job("a", "print('hello')"))
    assert conditions(done) == [
        ("SuccessCriteriaMet", "True", "CompletionsReached", REACHED),
        ("Complete", "True", "CompletionsReached", REACHED),
    ]
    assert counts(done) == {"ready": 0, "terminating": 0, "succeeded": 1, "uncountedTerminatedPods": {}}
    assert done["status"]["startTime"] <= done["status"]["completionTime"]


async def test_a_pod_shows_whose_it_is(bench: Bench) -> None:
    made = await bench.api.made(bench.jobs, job("a", NEVER))
    [pod] = await bench.pods_of("a")
    name, uid = made["metadata"]["name"], made["metadata"]["uid"]
    assert pod["metadata"]["generateName"] == "a-"
    assert len(pod["metadata"]["name"]) == len("a-") + 5
    assert pod["metadata"]["finalizers"] == ["batch.kubernetes.io/job-tracking"]
    assert pod["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    assert pod["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": name,
            "uid": uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


async def test_events_tell_how_a_job_went(bench: Bench) -> None:
    await bench.finished_job(job("good", "pass"))
    await bench.finished_job(job("bad", "raise SystemExit(1)", backoffLimit=0))
    assert await events_of(bench, "good") == {"SuccessfulCreate": "Normal", "Completed": "Normal"}
    assert await events_of(bench, "bad") == {"SuccessfulCreate": "Normal", "BackoffLimitExceeded": "Warning"}


async def test_without_retries_the_first_failure_ends_the_job(bench: Bench) -> None:
    done = await bench.finished_job(job("a", "raise SystemExit(3)", backoffLimit=0))
    assert conditions(done) == failed("BackoffLimitExceeded", LIMIT)
    assert counts(done) == {"ready": 0, "terminating": 0, "failed": 1, "uncountedTerminatedPods": {}}
    assert "completionTime" not in done["status"]


async def test_a_retry_waits_ten_seconds(bench: Bench) -> None:
    began = asyncio.get_running_loop().time()
    done = await bench.finished_job(job("a", "raise SystemExit(3)", backoffLimit=1))
    assert asyncio.get_running_loop().time() - began > 9
    assert conditions(done) == failed("BackoffLimitExceeded", LIMIT)
    assert counts(done)["failed"] == 2
    assert len(await bench.pods_of("a")) == 2


async def test_restarts_in_place_count_towards_the_limit(bench: Bench) -> None:
    spec = pod_spec(container("raise SystemExit(3)"), restartPolicy="OnFailure")
    done = await bench.finished_job(job("a", "", pod=spec, backoffLimit=1))
    assert conditions(done) == failed("BackoffLimitExceeded", LIMIT)
    await bench.until_gone(bench.pods)


async def test_the_deadline_stops_a_job(bench: Bench) -> None:
    done = await bench.finished_job(job("a", NEVER, activeDeadlineSeconds=2))
    assert conditions(done) == failed("DeadlineExceeded", LATE)
    assert counts(done) == {"ready": 0, "terminating": 0, "failed": 1, "uncountedTerminatedPods": {}}
    await bench.until_gone(bench.pods)


async def test_suspending_stops_the_pod_and_the_clock(bench: Bench) -> None:
    await bench.api.made(bench.jobs, job("a", NEVER, suspend=True))
    at_rest = await bench.until_one(bench.jobs, "a", lambda j: j["status"].get("conditions"))
    assert conditions(at_rest) == [("Suspended", "True", "JobSuspended", "Job suspended")]
    assert "startTime" not in at_rest["status"]

    await bench.api.patch(f"{bench.jobs}/a", {"spec": {"suspend": False}})
    running = await bench.until_one(bench.jobs, "a", lambda j: j["status"].get("ready") == 1)
    assert conditions(running) == [("Suspended", "False", "JobResumed", "Job resumed")]
    assert running["status"]["startTime"]

    await bench.api.patch(f"{bench.jobs}/a", {"spec": {"suspend": True}})
    await bench.until_gone(bench.pods)
    stopped = await bench.until_one(bench.jobs, "a", lambda j: j["status"].get("terminating") == 0)
    # a stop that was asked for is no failure
    assert counts(stopped) == {"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}}
    assert "startTime" not in stopped["status"]


async def test_an_indexed_job_runs_each_index_once(bench: Bench) -> None:
    manifest = job("a", "import os; print(os.environ['JOB_COMPLETION_INDEX'])")
    manifest["spec"] |= {"parallelism": 2, "completions": 3, "completionMode": "Indexed"}
    done = await bench.finished_job(manifest)
    assert done["status"]["completedIndexes"] == "0-2"
    assert counts(done)["succeeded"] == 3
    logs = [await bench.log(pod["metadata"]["name"]) for pod in await bench.pods_of("a")]
    assert sorted(logs) == ["0\n", "1\n", "2\n"]


async def test_parallelism_is_never_exceeded(bench: Bench) -> None:
    await bench.api.made(bench.jobs, job("a", "pass", parallelism=2, completions=5))
    most = 0

    def watched(jobs: list[dict[str, Any]]) -> bool:
        nonlocal most
        most = max([most, *(j.get("status", {}).get("active", 0) for j in jobs)])
        return bool(jobs) and is_over(jobs[0])

    [done] = await bench.until(bench.jobs, watched)
    assert counts(done)["succeeded"] == 5
    assert most == 2


async def test_an_exit_code_can_fail_the_job_at_once(bench: Bench) -> None:
    policy = {"rules": [FAIL_ON_3]}
    done = await bench.finished_job(job("a", "raise SystemExit(3)", backoffLimit=5, podFailurePolicy=policy))
    [pod] = await bench.pods_of("a")
    whose = f"{bench.namespace}/{pod['metadata']['name']}"
    message = f"Container main for pod {whose} failed with exit code 3 matching FailJob rule at index 0"
    assert conditions(done) == failed("PodFailurePolicy", message)
    assert counts(done)["failed"] == 1


async def test_a_disruption_can_be_no_failure(bench: Bench) -> None:
    policy = {"rules": [IGNORE_DISRUPTION]}
    await bench.api.made(bench.jobs, job("a", NEVER, backoffLimit=0, podFailurePolicy=policy))
    [first] = await bench.pods_of("a", is_running)
    path = f"{bench.pods}/{first['metadata']['name']}"
    disruption = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    body = {"status": {"conditions": [disruption]}}
    code = 409
    while code == 409:  # as the eviction API does it: a kubelet takes the condition back from a pod that nobody deletes
        reply = await bench.api.patch(f"{path}/status", body, "application/strategic-merge-patch+json")
        assert reply.code == 200, reply.body
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"resourceVersion": reply.version}}
        code = (await bench.api.delete(path, options)).code
    assert code == 200

    def replaced(pods: list[dict[str, Any]]) -> bool:
        return bool(pods) and pods[0]["metadata"]["uid"] != first["metadata"]["uid"]

    await bench.pods_of("a", replaced)
    present = (await bench.api.get(f"{bench.jobs}/a")).body
    assert not is_over(present)
    assert "failed" not in present["status"]


async def test_a_deleted_pod_is_a_failure_and_replaced(bench: Bench) -> None:
    await bench.api.made(bench.jobs, job("a", NEVER, backoffLimit=0))
    [pod] = await bench.pods_of("a", is_running)
    await bench.api.delete(f"{bench.pods}/{pod['metadata']['name']}")
    done = await bench.until_one(bench.jobs, "a", is_over)
    assert conditions(done) == failed("BackoffLimitExceeded", LIMIT)


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_deleting_a_job_deletes_its_pods(bench: Bench, policy: str) -> None:
    await bench.api.made(bench.jobs, job("a", NEVER))
    await bench.pods_of("a", is_running)
    await bench.api.delete(f"{bench.jobs}/a", propagationPolicy=policy)
    await bench.until_gone(bench.jobs)
    await bench.until_gone(bench.pods)


async def test_an_orphaned_pod_runs_on(bench: Bench) -> None:
    await bench.api.made(bench.jobs, job("a", NEVER))
    [pod] = await bench.pods_of("a", is_running)
    await bench.api.delete(f"{bench.jobs}/a", propagationPolicy="Orphan")
    await bench.until_gone(bench.jobs)
    left = await bench.until_one(bench.pods, pod["metadata"]["name"], lambda p: "finalizers" not in p["metadata"])
    assert "ownerReferences" not in left["metadata"]
    assert left["status"]["phase"] == "Running"


async def test_a_finished_job_goes_when_its_time_is_over(bench: Bench) -> None:
    await bench.api.made(bench.jobs, job("a", "pass", ttlSecondsAfterFinished=1))
    await bench.until_one(bench.jobs, "a", is_over)
    await bench.until_gone(bench.jobs)
    await bench.until_gone(bench.pods)
