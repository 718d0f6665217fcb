"""The record of who comes next is written while a place is about to be free: then only its Job is left to create."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.builders import limits, sweep_manifest
from tests.support.fake_cluster import Failure, FakeCluster
from tests.support.laboratory import Laboratory

from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, Kind, Object


class Asked(FakeCluster):
    """Keeps the names of records that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def get(self, kind: Kind, namespace: str, name: str) -> Object:
        if kind is HYPERDRIVE_TRIALS:
            self.asked.append(name)
        return await super().get(kind, namespace, name)


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    """Return a sweep of six trials, two at once: the first has ended, the second's pod has succeeded, its Job not."""
    laboratory = await leaving()
    yield laboratory
    await laboratory.logs.close()


async def leaving(cluster: FakeCluster | None = None) -> Laboratory:
    lab = Laboratory(cluster=cluster or FakeCluster())
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(6, 2)))
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs(at_most=1)  # a result: the sweep is not hopeless
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_pods(at_most=1)
    return lab


def up_to(number: int) -> list[str]:
    return [f"digits-{one}" for one in range(1, number + 1)]


def names_of(lab: Laboratory, kind: Kind) -> list[str]:
    return sorted(body["metadata"]["name"] for body in lab.cluster.all(kind))


async def test_who_comes_next_is_recorded_before_its_place_is_free_and_its_job_created_after() -> None:
    cluster = Asked()
    lab = await leaving(cluster)
    lab.clock.advance(1)
    await lab.settle()
    assert names_of(lab, HYPERDRIVE_TRIALS) == up_to(4)
    assert names_of(lab, JOBS) == up_to(3)
    assert (lab.status["trials"]["queued"], lab.status["trials"]["running"]) == (1, 2)
    before = lab.writes()
    lab.complete_jobs()
    await lab.step()
    new = lab.writes() - before
    assert (new["create hyperdrivetrials"], new["create jobs"]) == (0, 1)
    assert names_of(lab, JOBS) == up_to(4)
    assert not cluster.asked, "nothing is asked about a record that we have just written"
    await lab.logs.close()


async def test_after_a_restart_the_api_server_is_asked_before_a_recorded_trial_gets_its_job() -> None:
    cluster = Asked()
    lab = await leaving(cluster)
    await lab.settle()
    lab.restart()
    lab.complete_jobs()
    await lab.settle()
    assert cluster.asked == ["digits-4"]
    assert names_of(lab, JOBS) == up_to(4)
    await lab.logs.close()


async def test_a_job_that_was_not_created_at_once_is_created_only_after_another_look() -> None:
    cluster = Asked()
    lab = await leaving(cluster)
    await lab.settle()
    lab.complete_jobs()
    cluster.failure = Failure(len(cluster.writes), "before")
    await lab.settle()
    assert cluster.asked == ["digits-4"]
    assert names_of(lab, JOBS) == up_to(4)
    await lab.logs.close()


@pytest.mark.parametrize("state", ["Stopped", "Cancelled"])
async def test_who_was_recorded_ahead_of_a_sweeps_end_never_begins(lab: Laboratory, state: str) -> None:
    await lab.settle()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": state}})
    await lab.run_to_the_end()
    assert lab.trial_states()["digits-4"] == "Cancelled"
    assert names_of(lab, JOBS) == up_to(3)


async def test_who_was_recorded_ahead_of_a_pause_is_the_first_to_run_after_it(lab: Laboratory) -> None:
    await lab.settle()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Paused"}})
    await lab.settle()
    lab.finish_jobs()
    await lab.settle()
    assert names_of(lab, JOBS) == up_to(3)
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Running"}})
    await lab.settle()
    assert names_of(lab, JOBS) == up_to(5)
    await lab.run_to_the_end()
    assert lab.status["progress"] == "6/6"


async def test_a_place_that_becomes_free_while_the_record_is_written_is_filled_at_once() -> None:
    class Slow(FakeCluster):
        """Answers the fourth record's creation when it is let."""

        def __init__(self) -> None:
            super().__init__()
            self.asked, self.let = asyncio.Event(), asyncio.Event()

        async def create(self, kind: Kind, namespace: str, body: Object, *, dry_run: bool = False) -> Any:
            if kind is HYPERDRIVE_TRIALS and body["metadata"]["name"] == "digits-4":
                self.asked.set()
                await self.let.wait()
            return await super().create(kind, namespace, body, dry_run=dry_run)

    cluster = Slow()
    lab = await leaving(cluster)
    writing = asyncio.create_task(lab.step())
    await cluster.asked.wait()
    lab.complete_jobs()
    await lab.step()
    assert names_of(lab, JOBS) == up_to(3)
    lab.news.clear()
    cluster.let.set()
    await writing
    assert lab.news.is_set(), "another pass is asked for"
    await lab.step()
    assert names_of(lab, JOBS) == up_to(4)
    await lab.logs.close()
