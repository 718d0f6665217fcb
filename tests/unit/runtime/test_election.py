"""Leader election in memory: one API server, several replicas, and time that passes at once."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from tests.support.fake_cluster import FakeCluster, Write
from tests.support.virtual_time import run_virtually

from hyperdrive_operator.core.election import Timing
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError, TransientError
from hyperdrive_operator.kube.kinds import LEASES, Kind, Object
from hyperdrive_operator.runtime.config import LeaseName
from hyperdrive_operator.runtime.election import Elector, LeaseLostError

LEASE = LeaseName(namespace="lab", name="hyperdrive-operator")
DURATION = 10.0


class Server(FakeCluster):
    """An API server whose ways to single replicas can break."""

    def lease(self) -> Object:
        spec: Object = self.one(LEASES, LEASE.name)["spec"]
        return spec


class Way(FakeCluster):
    """One replica's way to the server."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.others = server
        #: Raised instead of an answer; `hangs`: there is none, though the request arrives or not.
        self.error: ClusterError | None = None
        self.hangs = False

    async def get(self, kind: Kind, namespace: str, name: str) -> Object:
        await self._pass()
        return await self.others.get(kind, namespace, name)

    async def create(self, kind: Kind, namespace: str, body: Object, *, dry_run: bool = False) -> Object:
        await self._pass()
        return await self.others.create(kind, namespace, body, dry_run=dry_run)

    async def patch(self, kind: Kind, namespace: str, name: str, body: Object, *, subresource: str = "") -> Object:
        await self._pass()
        return await self.others.patch(kind, namespace, name, body, subresource=subresource)

    async def _pass(self) -> None:
        await asyncio.sleep(0.01)
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.error is not None:
            raise self.error


@dataclass
class Replica:
    elector: Elector
    way: Way
    task: "asyncio.Task[None]"
    changes: list[bool] = field(default_factory=list)

    def kill(self) -> None:
        """As SIGKILL: nothing is said to anybody."""
        self.task.cancel()


class Replicas:
    def __init__(self) -> None:
        self.server = Server()
        self.all: list[Replica] = []

    def start(self, name: str, duration: float = DURATION) -> Replica:
        way = Way(self.server)
        changes: list[bool] = []
        elector = Elector(
            way,
            LEASE,
            name,
            Timing(duration),
            clock=lambda: datetime(2026, 1, 1, tzinfo=UTC).replace(microsecond=len(self.server.writes)),
            on_change=changes.append,
        )
        replica = Replica(elector, way, asyncio.create_task(elector.run(), name=name), changes)
        self.all.append(replica)
        return replica

    @property
    def leaders(self) -> int:
        return sum(replica.elector.is_held for replica in self.all)


@contextlib.asynccontextmanager
async def replicas() -> AsyncIterator[Replicas]:
    found = Replicas()
    try:
        yield found
    finally:
        for replica in found.all:
            replica.task.cancel()
        await asyncio.gather(*(replica.task for replica in found.all), return_exceptions=True)


def now() -> float:
    return asyncio.get_running_loop().time()


async def lead(replica: Replica) -> float:
    """Return how long it took until a replica is the leader."""
    began = now()
    await replica.elector.wait()
    return now() - began


def test_the_first_leads_and_the_second_stands_by_and_says_who_leads() -> None:
    async def run() -> None:
        async with replicas() as them:
            first, second = them.start("a"), them.start("b")
            await lead(first)
            for _ in range(600):
                await asyncio.sleep(0.5)
                assert them.leaders == 1
            assert (first.elector.role, second.elector.role) == ("leader", "standby, the leader is a")
            assert (first.changes, second.changes) == ([True], [])
            assert them.server.lease()["leaseTransitions"] == 0

    run_virtually(run)


@pytest.mark.parametrize("after", [3.01, 4.0, 4.99, 5.01])
def test_a_killed_leader_is_replaced_within_its_duration_and_one_renewal(after: float) -> None:
    async def run() -> None:
        async with replicas() as them:
            first = them.start("a")
            await lead(first)
            second = them.start("b")
            await asyncio.sleep(after)
            first.kill()
            assert DURATION - 2.5 <= await lead(second) <= DURATION + 1.2
            assert them.server.lease()["holderIdentity"] == "b"
            assert them.server.lease()["leaseTransitions"] == 1

    run_virtually(run)


def test_a_lease_that_is_given_back_is_taken_within_a_second() -> None:
    async def run() -> None:
        async with replicas() as them:
            first = them.start("a")
            await lead(first)
            second = them.start("b")
            await asyncio.sleep(20)
            first.kill()
            await first.elector.release()
            assert not first.elector.is_held
            assert first.changes == [True, False]
            assert await lead(second) <= 1.1

    run_virtually(run)


def test_a_lease_is_given_back_though_the_last_renewal_was_cut_off() -> None:
    async def run() -> None:
        async with replicas() as them:
            first = them.start("a")
            await lead(first)
            first.kill()
            them.server.change(LEASES, LEASE.name, {"spec": {"renewTime": "later"}})  # it had arrived
            await first.elector.release()
            assert them.server.lease()["holderIdentity"] == ""

    run_virtually(run)


def test_a_restarted_leader_of_the_same_name_takes_its_lease_at_once() -> None:
    async def run() -> None:
        async with replicas() as them:
            first = them.start("a")
            await lead(first)
            first.kill()
            assert await lead(them.start("a")) < 0.1
            assert them.server.lease()["leaseTransitions"] == 0

    run_virtually(run)


@pytest.mark.parametrize("hangs", [True, False], ids=["no answer", "errors"])
def test_a_leader_that_is_cut_off_stops_before_another_begins(hangs: bool) -> None:
    async def run() -> None:
        async with replicas() as them:
            first = them.start("a")
            await lead(first)
            second = them.start("b")
            await asyncio.sleep(4.5)
            first.way.hangs = hangs
            first.way.error = TransientError(0, "Unreachable", "the cable is out")
            with pytest.raises(LeaseLostError, match="could not be renewed for 7 s"):
                await first.task
            assert not first.elector.is_held
            assert not second.elector.is_held
            assert await lead(second) >= DURATION - Timing(DURATION).renew_deadline - 0.1
            await first.elector.release()  # what is another's is not given back
            assert them.server.lease()["holderIdentity"] == "b"

    run_virtually(run)


def test_a_loop_that_was_stuck_never_believes_in_an_expired_lease() -> None:
    async def run() -> None:
        async with replicas() as them:
            first = them.start("a")
            await lead(first)
            asyncio.get_running_loop()._virtual.waited += DURATION + 1  # type: ignore[attr-defined]  # nothing ran
            assert not first.elector.is_held

    run_virtually(run)


def test_a_renewal_that_fails_now_and_then_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with replicas() as them:
            first, _ = them.start("a"), them.start("b")
            await lead(first)
            for _ in range(20):
                first.way.error = TransientError(500, "InternalError", "etcd has no leader")
                await asyncio.sleep(3.5)
                first.way.error = None
                await asyncio.sleep(4.0)
                assert first.elector.is_held
                assert them.leaders == 1

    run_virtually(run)
    assert any("next try follows" in record.getMessage() for record in caplog.records)


def test_a_lease_that_somebody_edits_or_deletes_stays_the_leaders() -> None:
    async def run() -> None:
        async with replicas() as them:
            first, _ = them.start("a"), them.start("b")
            await lead(first)
            them.server.change(LEASES, LEASE.name, {"metadata": {"labels": {"team": "x"}}})
            await asyncio.sleep(30)
            assert first.elector.is_held
            them.server.remove(LEASES, LEASE.name)
            await asyncio.sleep(30)
            assert them.leaders == 1

    run_virtually(run)


def test_a_leader_whose_lease_was_given_to_another_stops_at_once() -> None:
    async def run() -> None:
        async with replicas() as them:
            first = them.start("a")
            await lead(first)
            them.server.change(LEASES, LEASE.name, {"spec": {"holderIdentity": "somebody"}})
            with pytest.raises(LeaseLostError, match="somebody has changed it"):
                await first.task
            assert not first.elector.is_held
            assert first.changes == [True, False], "the metric says so too"

    run_virtually(run)


def test_many_who_start_at_once_make_one_leader() -> None:
    async def run() -> None:
        async with replicas() as them:
            for number in range(10):
                them.start(f"r{number}")
            for round_ in range(9):
                await asyncio.sleep(15)
                assert them.leaders == 1, f"round {round_}"
                leader = next(replica for replica in them.all if replica.elector.is_held)
                leader.kill()
                them.all.remove(leader)

    run_virtually(run)


def test_a_missing_permission_is_said_once_and_recovered_from(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with replicas() as them:
            refused = ForbiddenError(403, "Forbidden", "leases is forbidden: cannot create resource leases")

            def refuse(_: Write) -> None:
                raise refused

            them.server.rules.append(refuse)
            first = them.start("a")
            await asyncio.sleep(60)
            assert them.leaders == 0
            them.server.rules.clear()
            assert await lead(first) <= 1.1

    with caplog.at_level(logging.INFO):
        run_virtually(run)
    (line,) = [record for record in caplog.records if "can't be taken" in record.getMessage()]
    assert "cannot create resource leases" in vars(line)["error"]
