"""Finished Jobs that are not to be kept go, at a bounded rate; records stay, and nothing runs twice for it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.builders import limits, sweep_manifest
from tests.support.fake_cluster import Failure
from tests.support.laboratory import Laboratory

from hyperdrive_operator.controller.pacer import DELETIONS_PER_SECOND
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS

from .stopping import WHEN, Killed, laboratory, stop_the_second


def make(total: int = 4, at_once: int = 2, **finished_jobs: str) -> Laboratory:
    lab = Laboratory()
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(total, at_once), finishedJobs=finished_jobs))
    return lab


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory_ = make(keep="Best", deleteAfter="1m")
    yield laboratory_
    await laboratory_.logs.close()


def jobs(lab: Laboratory) -> list[str]:
    return [job["metadata"]["name"] for job in lab.cluster.all(JOBS)]


async def tidy(lab: Laboratory, seconds: float = 3600) -> None:
    """Let time pass, and all that is due happen."""
    lab.clock.advance(seconds)
    for _ in range(100):
        delay = await lab.settle()
        if delay is None or delay > 1:
            return
        lab.clock.advance(1)
    raise AssertionError("there is always something to delete")


async def test_a_finished_job_goes_when_its_time_is_over_and_the_best_stays_with_its_pod(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    assert len(jobs(lab)) == 4
    await tidy(lab, 30)
    assert len(jobs(lab)) == 4
    await tidy(lab, 31)
    assert (jobs(lab), lab.status["bestTrial"]["name"]) == (["digits-4"], "digits-4")
    assert [pod["metadata"]["name"] for pod in lab.cluster.all(PODS)] == ["digits-4-pod"]
    assert (set(lab.trial_states().values()), lab.status["progress"]) == ({"Succeeded"}, "4/4")


async def test_the_operator_wakes_when_the_next_job_is_due(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    delay = await lab.settle()
    assert delay is not None
    assert 45 < delay <= 60
    lab.clock.advance(delay)
    await lab.settle()
    assert "digits-1" not in jobs(lab)


async def test_the_job_of_the_former_best_goes_when_another_is_better(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs(lambda _: "accuracy=0.5", at_most=1)
    await tidy(lab)
    assert "digits-1" in jobs(lab)
    lab.finish_jobs(lambda _: "accuracy=0.9")
    await tidy(lab, 0)
    assert ("digits-1" in jobs(lab), "digits-2" in jobs(lab)) == (False, True)


@pytest.mark.parametrize(("keep", "left"), [("All", 4), ("Failed", 1), ("None", 0)])
async def test_what_is_kept_is_declared(keep: str, left: int) -> None:
    lab = make(keep=keep)
    await lab.run_to_the_end(lambda x: "nothing" if x["x"] == 2 else "accuracy=0.5")
    await tidy(lab)
    assert len(jobs(lab)) == left
    assert keep != "Failed" or jobs(lab) == ["digits-3"]
    await lab.logs.close()


async def test_a_deleted_job_is_no_lost_trial_and_none_runs_again(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    records = lab.cluster.all(HYPERDRIVE_TRIALS)
    await tidy(lab)
    written = lab.writes()
    lab.restart()
    await tidy(lab)
    assert (lab.writes(), lab.cluster.all(HYPERDRIVE_TRIALS)) == (written, records)
    assert written["delete jobs"] == 3


async def test_a_job_whose_end_is_not_recorded_is_never_deleted() -> None:
    lab = make(keep="None", deleteAfter="1s")
    await lab.settle()
    lab.start_jobs()
    await lab.settle()

    def refuse(write: Any) -> None:
        if write.what == "patch hyperdrivetrials/status":
            raise AssertionError("no end is to be recorded in this test")

    lab.finish_jobs()
    lab.clock.advance(3600)
    lab.cluster.rules.append(refuse)
    with pytest.raises(AssertionError):
        await lab.settle()
    assert lab.writes()["delete jobs"] == 0
    lab.cluster.rules.clear()
    await lab.logs.close()


async def test_the_job_of_a_stopped_trial_goes_too_but_not_before_its_pod_has_ended() -> None:
    lab = laboratory(finishedJobs={"keep": "None", "deleteAfter": "1s"})
    await stop_the_second(lab)
    await tidy(lab)
    assert "digits-2" in jobs(lab)
    lab.stop_jobs()
    await tidy(lab)
    assert "digits-2" not in jobs(lab)
    await lab.logs.close()


async def test_deletions_are_bounded_in_time_and_cost_one_request_each() -> None:
    costs = []
    for total in (40, 80):
        lab = make(total, total, keep="None")
        await lab.run_to_the_end()
        lab.clock.advance(3600)
        before, passes, seconds = lab.cluster.requests, lab.passes, 0
        while jobs(lab):
            left = len(jobs(lab))
            await lab.settle()
            assert left - len(jobs(lab)) <= DELETIONS_PER_SECOND
            lab.clock.advance(1)
            seconds += 1
        assert seconds == total // DELETIONS_PER_SECOND
        costs.append(((lab.cluster.requests - before) / total, (lab.passes - passes) / total))
        await lab.logs.close()
    assert costs[0] == costs[1] == (1.0, costs[0][1]), "the same for each, however many there are"


@pytest.mark.parametrize("when", WHEN)
async def test_an_operator_killed_at_any_deletion_goes_on_after_its_restart(when: Any) -> None:
    for nth in range(3):
        lab = make(keep="Best", deleteAfter="1m")
        await lab.run_to_the_end()
        lab.cluster.failure = Failure(len(lab.cluster.writes) + nth, when, Killed())
        with pytest.raises(Killed):
            await tidy(lab)
        await lab.logs.close()
        lab.cluster.failure = None
        lab.restart()
        await tidy(lab)
        assert (jobs(lab), lab.status["progress"], lab.is_over) == (["digits-4"], "4/4", True)
        assert lab.writes()["create jobs"] == 4
        await lab.logs.close()


async def test_a_trial_whose_job_was_deleted_can_be_run_again(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    await tidy(lab)
    lab.cluster.change(HYPERDRIVE_TRIALS, "digits-1", {"spec": {"attempt": 2}})
    await lab.run_to_the_end(lambda _: "accuracy=0.99")
    assert lab.status["bestTrial"]["name"] == "digits-1"
    await tidy(lab)
    assert jobs(lab) == ["digits-1"]


async def test_with_several_objectives_the_jobs_on_the_front_are_kept() -> None:
    lab = Laboratory()
    objective = {
        "primaryMetric": "accuracy",
        "goal": "Maximize",
        "additionalObjectives": [{"metric": "size", "goal": "Minimize"}],
    }
    manifest = sweep_manifest(objective=objective, limits=limits(3, 3), finishedJobs={"keep": "Best"})
    lab.cluster.put(HYPERDRIVES, manifest)
    sizes = {0: (0.9, 9), 1: (0.5, 1), 2: (0.4, 2)}
    await lab.run_to_the_end(lambda x: "accuracy={} size={}".format(*sizes[x["x"]]))
    await tidy(lab)
    assert jobs(lab) == ["digits-1", "digits-2"]
    await lab.logs.close()
