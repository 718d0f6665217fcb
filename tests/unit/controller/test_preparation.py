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
    """Return a sweep of five trials, two at once, of which the pod of one has succeeded, and its Job not."""
    laboratory = await leaving()
    yield laboratory
    await laboratory.logs.close()


async def leaving(cluster: FakeCluster | None = None) -> Laboratory:
    lab = Laboratory(cluster=cluster or FakeCluster())
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(5, 2)))
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_pods(at_most=1)
    return lab


def names_of(lab: Laboratory, kind: Kind) -> list[str]:
    return sorted(body["metadata"]["name"] for body in lab.cluster.all(kind))


async def test_who_comes_next_is_recorded_before_its_place_is_free_and_its_job_created_after() -> None:
    cluster = Asked()
    lab = await leaving(cluster)
    lab.clock.advance(1)
    await lab.settle()
    assert names_of(lab, HYPERDRIVE_TRIALS) == ["digits-1", "digits-2", "digits-3"]
    assert names_of(lab, JOBS) == ["digits-1", "digits-2"]
    assert (lab.status["trials"]["queued"], lab.status["trials"]["running"]) == (1, 2)
    before = lab.writes()
    lab.complete_jobs()
    await lab.step()
    new = lab.writes() - before
    assert (new["create hyperdrivetrials"], new["create jobs"]) == (0, 1)
    assert names_of(lab, JOBS) == ["digits-1", "digits-2", "digits-3"]
    assert not cluster.asked, "nothing is asked about a record that we have just written"
    await lab.logs.close()


async def test_after_a_restart_the_api_server_is_asked_before_a_recorded_trial_gets_its_job() -> None:
    cluster = Asked()
    lab = await leaving(cluster)
    await lab.settle()
    lab.restart()
    lab.complete_jobs()
    await lab.settle()
    assert cluster.asked == ["digits-3"]
    assert names_of(lab, JOBS) == ["digits-1", "digits-2", "digits-3"]
    await lab.logs.close()


async def test_a_job_that_was_refused_once_is_created_only_after_another_look(lab: Laboratory) -> None:
    await lab.settle()
    lab.complete_jobs()
    lab.cluster.failure = Failure(len(lab.cluster.writes), "after")  # it is there, and we do not know
    await lab.settle()
    assert names_of(lab, JOBS) == ["digits-1", "digits-2", "digits-3"]
    assert lab.writes()["create jobs"] == 3


@pytest.mark.parametrize("state", ["Stopped", "Cancelled"])
async def test_who_was_recorded_ahead_of_a_sweeps_end_never_begins(lab: Laboratory, state: str) -> None:
    await lab.settle()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": state}})
    await lab.run_to_the_end()
    assert lab.trial_states()["digits-3"] == "Cancelled"
    assert names_of(lab, JOBS) == ["digits-1", "digits-2"]


async def test_who_was_recorded_ahead_of_a_pause_is_the_first_to_run_after_it(lab: Laboratory) -> None:
    await lab.settle()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Paused"}})
    await lab.settle()
    lab.finish_jobs()
    await lab.settle()
    assert names_of(lab, JOBS) == ["digits-1", "digits-2"]
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Running"}})
    await lab.settle()
    assert names_of(lab, JOBS) == ["digits-1", "digits-2", "digits-3", "digits-4"]
    await lab.run_to_the_end()
    assert lab.status["progress"] == "5/5"


async def test_a_place_that_becomes_free_while_the_record_is_written_is_filled_at_once() -> None:
    class Slow(FakeCluster):
        """Answers the third record's creation when it is let."""

        def __init__(self) -> None:
            super().__init__()
            self.asked, self.let = asyncio.Event(), asyncio.Event()

        async def create(self, kind: Kind, namespace: str, body: Object, *, dry_run: bool = False) -> Any:
            if kind is HYPERDRIVE_TRIALS and body["metadata"]["name"] == "digits-3":
                self.asked.set()
                await self.let.wait()
            return await super().create(kind, namespace, body, dry_run=dry_run)

    cluster = Slow()
    lab = await leaving(cluster)
    writing = asyncio.create_task(lab.step())
    await cluster.asked.wait()
    lab.complete_jobs()
    await lab.step()
    assert names_of(lab, JOBS) == ["digits-1", "digits-2"]
    cluster.let.set()
    assert await writing == 0, "the next pass follows at once"
    await lab.step()
    assert names_of(lab, JOBS) == ["digits-1", "digits-2", "digits-3"]
    await lab.logs.close()
