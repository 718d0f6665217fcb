"""A deadline of 0, given to a Job that is there already, ends it for ever: how the operator stops a trial."""

import asyncio
from typing import Any

import pytest
from tests.contract.moving.bench import NEVER, Bench, conditions, container, counts, is_over, is_running, job, pod_spec

LATE = "Job was active longer than specified deadline"
FAILED = [("FailureTarget", "True", "DeadlineExceeded", LATE), ("Failed", "True", "DeadlineExceeded", LATE)]
#: Says when it is told to end, and takes a second for it.
SAVES = (
    "import signal, sys, time\n"
    "def save(*_):\n"
    "    print('saving', flush=True); time.sleep(1); print('saved', flush=True); sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, save)\n"
    "print('training', flush=True)\n"
    "time.sleep(600)\n"
)


async def patch(bench: Bench, name: str, **spec: Any) -> None:
    reply = await bench.api.patch(f"{bench.jobs}/{name}", {"spec": spec})
    assert reply.code == 200, reply.body


@pytest.mark.parametrize(
    ("pod", "spec"),
    [
        pytest.param({}, {}, id="plain"),
        pytest.param({"restartPolicy": "OnFailure"}, {"backoffLimit": 3}, id="that restarts in place"),
        pytest.param({}, {"podReplacementPolicy": "Failed", "backoffLimit": 3}, id="that replaces what has failed"),
        pytest.param({}, {"activeDeadlineSeconds": 500}, id="with a deadline of its own"),
    ],
)
async def test_a_running_job_ends_at_once_within_its_grace_period(bench: Bench, pod: Any, spec: Any) -> None:
    grace = pod_spec(container(SAVES), **{"terminationGracePeriodSeconds": 20, **pod})
    await bench.api.made(bench.jobs, job("a", "", pod=grace, **spec))
    [running] = await bench.pods_of("a", is_running)
    await bench.logged(running["metadata"]["name"], "training")
    # listened to from here on: a second after it is told to end the pod may be gone
    saving = asyncio.create_task(bench.logged(running["metadata"]["name"], "saving"))

    await patch(bench, "a", activeDeadlineSeconds=0)
    ending = await bench.until_one(bench.jobs, "a", lambda j: conditions(j) == FAILED[:1])
    assert (ending["status"].get("active"), ending["status"]["terminating"]) == (None, 1)
    await saving
    await patch(bench, "a", activeDeadlineSeconds=None)  # nobody can take it back

    done = await bench.until_one(bench.jobs, "a", is_over)
    assert conditions(done) == FAILED
    assert counts(done) == {"ready": 0, "terminating": 0, "failed": 1, "uncountedTerminatedPods": {}}
    await bench.until_gone(bench.pods)


async def test_a_suspended_job_fails_without_a_pod_when_it_is_resumed(bench: Bench) -> None:
    await bench.api.made(bench.jobs, job("a", NEVER, suspend=True))
    await bench.until_one(bench.jobs, "a", lambda j: j["status"].get("conditions"))
    await patch(bench, "a", activeDeadlineSeconds=0)
    await patch(bench, "a", suspend=False)
    done = await bench.until_one(bench.jobs, "a", is_over)
    assert conditions(done) == [("Suspended", "True", "JobSuspended", "Job suspended"), *FAILED]
    assert "failed" not in done["status"], "there was no pod to fail"
    assert await bench.until(bench.pods, lambda _: True) == []


async def test_a_job_that_was_stopped_while_it_was_suspended_never_runs_again(bench: Bench) -> None:
    await bench.api.made(bench.jobs, job("a", NEVER))
    await bench.pods_of("a", is_running)
    await patch(bench, "a", suspend=True)
    await bench.until_gone(bench.pods)
    await patch(bench, "a", activeDeadlineSeconds=0)
    await patch(bench, "a", suspend=False)
    done = await bench.until_one(bench.jobs, "a", is_over)
    assert conditions(done)[-2:] == FAILED
    assert await bench.until(bench.pods, lambda _: True) == []


async def test_a_job_that_has_failed_so_does_not_come_back(bench: Bench) -> None:
    await bench.api.made(bench.jobs, job("a", NEVER, ttlSecondsAfterFinished=600))
    await bench.pods_of("a", is_running)
    await patch(bench, "a", activeDeadlineSeconds=0)
    before = await bench.until_one(bench.jobs, "a", is_over)
    for change in ({"activeDeadlineSeconds": None}, {"suspend": True}, {"suspend": False}):
        await patch(bench, "a", **change)
    again = (await bench.api.get(f"{bench.jobs}/a")).body
    assert again["status"] == before["status"]
    assert await bench.until(bench.pods, lambda pods: not pods) == []
