"""Passes over one sweep whose writes overlap, on an API server that answers when it likes: no order does harm."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from tests.support.builders import NOW, limits, running, sweep_manifest
from tests.support.fake_cluster import Clock, FakeCluster
from tests.support.laboratory import Laboratory, ListRecorder
from tests.support.virtual_time import run_virtually
from tests.unit.controller.test_controller import Counts

from hyperdrive_operator.controller.controller import Controller
from hyperdrive_operator.controller.flight import Flight
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.core.actions import (
    Action,
    CheckTemplate,
    CreateTrial,
    FollowLog,
    Propose,
    RecordEnd,
    RecordStart,
)
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError, ThrottledError, TransientError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object

TOTAL, AT_ONCE = 40, 6
ORDER = ["Queued", "Running", "Succeeded"]


class LoopClock(Clock):
    """The time of the loop, which is virtual."""

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class Slow(FakeCluster):
    """Takes up to 0.2 s before it applies a write and up to 0.2 s before it answers; one of so many it refuses."""

    seed: int
    refusals: int = 0
    error: ClusterError = field(default_factory=lambda: TransientError(500, "InternalError", "etcd is slow"))

    def __post_init__(self) -> None:
        super().__init__(LoopClock())
        self.random = random.Random(self.seed)  # noqa: S311  not for secrets
        self.is_watched = True

    async def _take_time(self) -> None:
        await asyncio.sleep(self.random.uniform(0, 0.2))

    async def create(self, kind: Kind, namespace: str, body: Object, *, dry_run: bool = False) -> Object:
        await self._take_time()
        self._refuse_some()
        created = await super().create(kind, namespace, body, dry_run=dry_run)
        await self._take_time()
        self._refuse_some()
        return created

    async def patch(self, kind: Kind, namespace: str, name: str, body: Object, *, subresource: str = "") -> Object:
        await self._take_time()
        self._refuse_some()
        patched = await super().patch(kind, namespace, name, body, subresource=subresource)
        await self._take_time()
        self._refuse_some()
        return patched

    def _refuse_some(self) -> None:
        if self.refusals and self.random.randrange(self.refusals) == 0:
            raise self.error


@dataclass
class Stuck(FakeCluster):
    """From some moment on it refuses to write one record, or does not answer at all."""

    error: ClusterError | None
    stuck: str = ""

    def __post_init__(self) -> None:
        super().__init__(LoopClock())
        self.is_watched = True
        self.asked = 0

    async def patch(self, kind: Kind, namespace: str, name: str, body: Object, *, subresource: str = "") -> Object:
        if kind is HYPERDRIVE_TRIALS and name == self.stuck:
            self.asked += 1
            if self.error is not None:
                raise self.error
            await asyncio.Event().wait()
        return await super().patch(kind, namespace, name, body, subresource=subresource)


class World:
    """A controller at work, and Jobs that run for a while."""

    def __init__(self, cluster: Slow) -> None:
        self.cluster = cluster
        self.lab = Laboratory(cluster=cluster)
        self.most = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def _heed(self, kind: Kind, event_type: str, body: Object) -> None:
        if kind is HYPERDRIVES:
            self.controller.observe(kind, event_type, body)
        if kind is JOBS:
            self.most = max(self.most, self.cluster.unfinished_jobs())
        if kind is JOBS and event_type == "ADDED":
            task = asyncio.create_task(self._run(body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, job: Object) -> None:
        await asyncio.sleep(self.cluster.random.uniform(0, 0.3))
        pod = self.lab.add_pod(job, phase="Running")["metadata"]["name"]
        name, running = job["metadata"]["name"], {"active": 1, "ready": 1}
        self.cluster.change(JOBS, name, {"status": running}, subresource="status")
        await asyncio.sleep(self.cluster.random.uniform(0, 0.6))
        self.cluster.change(PODS, pod, {"status": {"phase": "Succeeded"}})
        await asyncio.sleep(self.cluster.random.uniform(0, 0.6))
        self.lab.end_job(name, "Complete")

    async def run(self) -> None:
        """Run the sweep to its end, then two seconds more."""
        template = {"metadata": {"annotations": {"hyperdrive.dev/metrics": '{"accuracy": $(params.x)}'}}}
        manifest = sweep_manifest(limits=limits(TOTAL, AT_ONCE), metrics={"source": "Annotation"})
        manifest["spec"]["trialTemplate"] |= template
        self.controller = Controller(self.cluster, ListRecorder(), Counts(), clock=self.cluster.clock)
        self.cluster.watchers.append(self._heed)
        self.cluster.put(HYPERDRIVES, manifest)
        task = asyncio.create_task(self.controller.run())
        try:
            while not self.lab.is_over:  # noqa: ASYNC110  time is virtual
                await asyncio.sleep(0.1)
            await asyncio.sleep(2)
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def check(self) -> None:
        """Each trial once, never too many at a time, no end undone, the best one best."""
        records, jobs = self.cluster.all(HYPERDRIVE_TRIALS), self.cluster.all(JOBS)
        assert {one["spec"]["number"] for one in records} == set(range(1, TOTAL + 1))
        assert len({str(one["spec"]["parameters"]) for one in records}) == TOTAL
        assert sorted(job["metadata"]["name"] for job in jobs) == sorted(one["metadata"]["name"] for one in records)
        assert self.most <= AT_ONCE
        seen: dict[str, list[str]] = {}
        for kind, _, body in self.cluster.events:
            if kind is HYPERDRIVE_TRIALS:
                seen.setdefault(body["metadata"]["name"], []).append(body["status"]["state"])
        for states in seen.values():
            assert states == sorted(states, key=ORDER.index)
            assert states[-1] == "Succeeded"
        status, values = self.lab.status, [one["status"]["value"] for one in records]
        assert status["progress"] == f"{TOTAL}/{TOTAL}"
        assert status["bestTrial"]["value"] == max(values)


def test_what_another_pass_writes_is_left_alone_until_it_is_written() -> None:
    flight = Flight()
    one, two = (CreateTrial(number, {}) for number in (1, 2))
    started = running(2)
    begun: list[Action] = [one, RecordStart(started), RecordEnd(started)]
    flight.begin(begun)
    others: list[Action] = [CheckTemplate({}), one, two, RecordEnd(started), FollowLog(started), Propose((1, 2))]
    assert flight.not_begun(others) == [others[0], *others[4:]]
    flight.end(begun[1])
    assert flight.not_begun([two]) == [], "the other write of that trial is still under way"
    for action in (begun[0], begun[2]):
        flight.end(action)
    assert flight.not_begun(others) == others


@pytest.mark.parametrize("seed", range(6))
def test_passes_that_overlap_write_each_thing_once(seed: int) -> None:
    async def test() -> Counter[str]:
        world = World(Slow(seed))
        await world.run()
        world.check()
        return world.lab.writes()

    writes = run_virtually(test)
    assert writes["create hyperdrivetrials"] == writes["create jobs"] == TOTAL
    assert writes["patch hyperdrivetrials/status"] <= 2 * TOTAL


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "error",
    [
        TransientError(500, "InternalError", "etcd is slow"),
        ForbiddenError(403, "Forbidden", "exceeded quota: pods"),
    ],
    ids=["errors", "a quota"],
)
def test_passes_that_overlap_while_requests_fail_do_no_harm(seed: int, error: ClusterError) -> None:
    async def test() -> None:
        world = World(Slow(seed, refusals=15, error=error))
        await world.run()
        world.check()

    run_virtually(test)


def paused_for_an_hour() -> ClusterError:
    error = ThrottledError(429, "TooManyRequests", "slow down")
    error.retry_after = 3600
    return error


@pytest.mark.parametrize("error", [None, paused_for_an_hour()], ids=["no answer", "a long pause"])
def test_a_trial_times_out_although_the_end_of_another_can_not_be_recorded(error: ClusterError | None) -> None:
    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):  # of virtual time
            while not holds():  # noqa: ASYNC110  what is waited for has no event of its own
                await asyncio.sleep(0.1)

    async def test() -> None:
        cluster = Stuck(error)
        lab = Laboratory(cluster=cluster)
        controller = Controller(cluster, ListRecorder(), Counts(), clock=cluster.clock)

        def heed(kind: Kind, event_type: str, body: Object) -> None:
            if kind is HYPERDRIVES:
                controller.observe(kind, event_type, body)

        cluster.watchers.append(heed)
        cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(2, 2) | {"trialTimeout": "100s"}))
        task = asyncio.create_task(controller.run())
        try:
            await until(lambda: cluster.unfinished_jobs() == 2)
            began = cluster.clock()
            for job in cluster.all(JOBS):
                lab.add_pod(job, phase="Running", startTime=timestamps.text(began))
                cluster.change(
                    JOBS, job["metadata"]["name"], {"status": {"active": 1, "ready": 1}}, subresource="status"
                )
            await until(lambda: set(lab.trial_states().values()) == {"Running"})
            await asyncio.sleep((began + timedelta(seconds=95) - cluster.clock()).total_seconds())
            cluster.stuck = "digits-1"
            lab.end_job("digits-1", "Failed")
            await until(lambda: cluster.asked > 0)
            await until(lambda: lab.record("digits-2")["status"].get("reason") == "TimedOut")
            assert cluster.clock() - began >= timedelta(seconds=99)
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    run_virtually(test)
