"""An informer hears of everything once it is said, and of what it missed by a list."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Set
from contextlib import suppress

import pytest
from tests.support.fake_cluster import FakeCluster
from tests.support.virtual_time import run_virtually

from hyperdrive_operator.controller.informer import LIST_INTERVAL_SECONDS, PAUSES_SECONDS, Informer
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError, GoneError, ThrottledError, TransientError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, JOBS, Kind, Object

BROKEN = TransientError(0, "Unreachable", "the connection broke")
TOO_OLD = GoneError(410, "Expired", "too old resource version")


class Names:
    """A store of names by uid, and of all that it was told."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.told: list[tuple[str | None, str]] = []

    def observe(self, kind: Kind, event_type: str | None, body: Object) -> None:
        assert kind is JOBS
        uid, name = body["metadata"]["uid"], body["metadata"]["name"]
        self.told.append((event_type, name))
        if event_type == "DELETED":
            self.known.pop(uid, None)
        else:
            self.known[uid] = name

    def mark(self) -> int:
        return 0

    def forget_others(self, kind: Kind, namespace: str | None, listed: Set[str], mark: int) -> None:
        assert (kind, namespace, mark) == (JOBS, "lab", 0)
        self.known = {uid: name for uid, name in self.known.items() if uid in listed}


class Weather(FakeCluster):
    """A cluster whose lists and watches fail as told; a watch that is told nothing streams on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_watched = True
        self.of_lists: list[ClusterError] = []
        self.of_watches: list[ClusterError | None] = []
        #: When each list and watch was asked for.
        self.lists: list[float] = []
        self.watches: list[tuple[float, str]] = []
        self._cut = asyncio.Event()

    def cut(self) -> None:
        """End the streams."""
        self._cut.set()
        self.wake()

    async def list(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", page: int = 500
    ) -> "list[Object]":
        self.lists.append(asyncio.get_running_loop().time())
        if self.of_lists:
            raise self.of_lists.pop(0)
        return await super().list(kind, namespace, label_selector=label_selector, page=page)

    async def watch(
        self,
        kind: Kind,
        namespace: str | None = None,  # noqa: ARG002  the interface's
        *,
        label_selector: str = "",  # noqa: ARG002  the interface's
        version: str,
    ) -> AsyncGenerator[tuple[str, Object]]:
        self.watches.append((asyncio.get_running_loop().time(), version))
        self._cut.clear()
        if self.of_watches:
            if (error := self.of_watches.pop(0)) is not None:
                raise error
            return
        sent = int(version)
        while not self._cut.is_set():
            for of_kind, event_type, body in self.events[sent:]:
                sent += 1
                if of_kind is kind:
                    yield event_type, body | {"metadata": body["metadata"] | {"resourceVersion": str(sent)}}
            await self._moved()


class Room:
    """An informer at work."""

    def __init__(self, resync_seconds: float = 600.0) -> None:
        self.cluster = Weather()
        self.names = Names()
        self.informer = Informer(self.cluster, self.names, JOBS, "", "lab", resync_seconds=resync_seconds)

    async def __aenter__(self) -> "Room":
        self._task = asyncio.create_task(self.informer.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert not self._task.done(), self._task.exception()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def put(self, name: str) -> None:
        self.cluster.put(JOBS, {"metadata": {"name": name, "namespace": "lab"}})

    @property
    def found(self) -> set[str]:
        return set(self.names.known.values())


async def until_known(room: Room, *names: str) -> None:
    while room.found != set(names):  # noqa: ASYNC110  time is virtual
        await asyncio.sleep(0.01)


def test_what_is_there_is_listed_and_what_happens_is_streamed() -> None:
    async def test() -> None:
        async with Room() as room:
            room.put("a")
            await room.informer.synced.wait()
            room.put("b")
            await until_known(room, "a", "b")
            room.cluster.remove(JOBS, "a")
            await until_known(room, "b")
            assert room.names.told == [(None, "a"), ("ADDED", "b"), ("DELETED", "a")]
            assert len(room.cluster.lists) == 1

    run_virtually(test)


def test_a_stream_that_ends_goes_on_where_it_was_and_tells_nothing_twice() -> None:
    async def test() -> None:
        async with Room() as room:
            await room.informer.synced.wait()
            room.put("a")
            await until_known(room, "a")
            room.cluster.cut()
            room.put("b")
            await until_known(room, "a", "b")
            assert room.names.told == [("ADDED", "a"), ("ADDED", "b")]
            assert len(room.cluster.lists) == 1

    run_virtually(test)


def test_streams_that_end_at_once_are_opened_once_a_second() -> None:
    async def test() -> None:
        async with Room() as room:
            room.cluster.of_watches = [None] * 1_000
            await asyncio.sleep(10)
            assert 9 <= len(room.cluster.watches) <= 11
            assert len(room.cluster.lists) == 1

    run_virtually(test)


def test_what_was_deleted_while_no_stream_was_open_is_found_by_the_next_list() -> None:
    """kopf's streams never tell of it."""

    async def test() -> None:
        async with Room() as room:
            room.put("a")
            room.put("b")
            await until_known(room, "a", "b")
            room.cluster.of_watches = [TOO_OLD]
            room.cluster.is_watched = False
            room.cluster.remove(JOBS, "a")
            room.cluster.cut()
            await until_known(room, "b")
            assert len(room.cluster.lists) == 2

    run_virtually(test)


def test_a_version_that_is_always_too_old_is_no_reason_to_list_all_the_time() -> None:
    async def test() -> None:
        async with Room() as room:
            room.cluster.of_watches = [TOO_OLD] * 1_000
            await asyncio.sleep(20 * LIST_INTERVAL_SECONDS)
            assert 19 <= len(room.cluster.lists) <= 21

    run_virtually(test)


@pytest.mark.parametrize(
    ("error", "lists"),
    [(BROKEN, 1), (ForbiddenError(403, "Forbidden", "no"), 2)],
    ids=["passing: it goes on where it was", "lasting: who knows what happened meanwhile"],
)
def test_a_watch_that_fails_is_tried_again(error: ClusterError, lists: int) -> None:
    async def test() -> None:
        async with Room() as room:
            room.cluster.of_watches = [error]
            await room.informer.synced.wait()
            room.put("a")
            await until_known(room, "a")
            assert len(room.cluster.lists) == lists

    run_virtually(test)


def test_failures_in_a_row_make_the_pauses_longer_and_are_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with Room() as room:
            failures = len(PAUSES_SECONDS) + 1
            room.cluster.of_lists = [ForbiddenError(403, "Forbidden", "jobs are not for you")] * failures
            while len(room.cluster.lists) < failures:  # noqa: ASYNC110  time is virtual
                await asyncio.sleep(0.1)
            assert room.informer.problem == "jobs can't be watched: 403 Forbidden: jobs are not for you"
            assert not room.informer.synced.is_set()
            await room.informer.synced.wait()
            assert room.informer.problem == ""
            pauses = [
                later - earlier for earlier, later in zip(room.cluster.lists, room.cluster.lists[1:], strict=False)
            ]
            for pause, longest in zip(pauses, [*PAUSES_SECONDS, PAUSES_SECONDS[-1]], strict=True):
                assert 0.79 * longest <= pause <= longest + 0.01

    with caplog.at_level(logging.INFO):
        run_virtually(test)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_server_that_asks_for_a_pause_gets_it() -> None:
    async def test() -> None:
        async with Room() as room:
            error = ThrottledError(429, "TooManyRequests", "slow down")
            error.retry_after = 45.0
            room.cluster.of_watches = [error]
            await asyncio.sleep(60)
            (first, _), (second, _) = room.cluster.watches
            assert 45 <= second - first < 46

    run_virtually(test)


def test_owners_are_listed_first_so_that_what_went_with_them_is_no_loss() -> None:
    async def test() -> None:
        told: list[Kind] = []
        names = Names()
        names.observe = lambda kind, _type, _body: told.append(kind)  # type: ignore[assignment, method-assign]
        names.forget_others = lambda kind, *_: told.append(kind)  # type: ignore[method-assign]
        cluster = Weather()
        informer = Informer(cluster, names, JOBS, "", "lab", resync_seconds=600, owners=HYPERDRIVE_TRIALS)
        task = asyncio.create_task(informer.run())
        await informer.synced.wait()
        task.cancel()
        assert told == [HYPERDRIVE_TRIALS, JOBS]

    run_virtually(test)


def test_all_is_listed_again_from_time_to_time() -> None:
    async def test() -> None:
        async with Room(resync_seconds=60) as room:
            await asyncio.sleep(601)
            assert 9 <= len(room.cluster.lists) - 1 <= 11

    run_virtually(test)
