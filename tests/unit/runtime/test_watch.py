import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.unit.kube.scripted_api import answer
from tests.unit.runtime.cluster import NESTED, Cluster, thing
from tests.unit.runtime.conftest import until

from hyperdrive_operator.kube.kinds import HYPERDRIVES, Kind, Object
from hyperdrive_operator.runtime.watch import KopfWatcher, connection_info, watch_settings

Seen = list[tuple[Kind, str | None, str]]


@asynccontextmanager
async def watching(
    cluster: Cluster, directory: Path, seen: Seen, namespaces: tuple[str, ...] = ()
) -> AsyncIterator[KopfWatcher]:
    def on_event(kind: Kind, event_type: str | None, body: Object) -> None:
        seen.append((kind, event_type, body["metadata"]["name"]))

    watcher = KopfWatcher(
        kubeconfig=cluster.kubeconfig(directory), context=None, namespaces=namespaces, on_event=on_event
    )
    watcher.start()
    try:
        yield watcher
    finally:
        # kopf takes five seconds to stop while it starts: that is for the supervisor's patience, not for a test's
        await until(lambda: watcher.finished.done() or cluster.watched(namespaces))
        watcher.stop()
        assert await asyncio.to_thread(watcher.join, 10)


async def test_what_is_there_and_what_changes_is_handed_over(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    cluster.objects = [thing("a")]
    seen: Seen = []
    async with watching(cluster, tmp_path, seen) as watcher:
        await until(lambda: seen and cluster.watched())
        cluster.stream("MODIFIED", thing("a", "3"))
        await until(lambda: len(seen) == 2)
        cluster.stream("DELETED", thing("a", "4"))
        await until(lambda: len(seen) == 3)
    assert seen == [(HYPERDRIVES, None, "a"), (HYPERDRIVES, "MODIFIED", "a"), (HYPERDRIVES, "DELETED", "a")]
    assert watcher.finished.result() is None
    assert {call.method for call in cluster.api.calls} == {"GET"}
    assert not [call for call in cluster.api.calls if call.path.endswith(("/jobs", "/pods", "/hyperdrivetrials"))]


async def test_of_some_namespaces_each_is_watched(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    async with watching(cluster, tmp_path, [], ("ns",)):
        await until(lambda: cluster.watched(("ns",)))
    assert not cluster.watched()


async def test_a_watch_that_is_refused_for_a_while_goes_on(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperdrive_operator.runtime.watch.ERROR_BACKOFFS", (0.01,) * 10)
    cluster.serve()
    refused = [answer(403, {"kind": "Status", "message": "no"})] * 3 + [answer(503, b"")] * 3
    cluster.api.on("GET", HYPERDRIVES.path(None), *refused, cluster.collection)
    cluster.objects = [thing("a")]
    seen: Seen = []
    async with watching(cluster, tmp_path, seen):
        await until(lambda: seen == [(HYPERDRIVES, None, "a")])


async def test_a_broken_stream_ends_the_watcher_with_its_error(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    async with watching(cluster, tmp_path, []) as watcher:
        await until(cluster.watched)
        cluster.stream("ERROR", {"kind": "Status", "code": 500, "message": "etcd is gone"})
        await until(watcher.finished.done)
        assert "etcd is gone" in str(watcher.finished.exception())


async def test_a_stream_that_ends_at_once_is_not_opened_a_thousand_times_a_second(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.serve()
    listed = {"kind": "HyperDriveList", "metadata": {"resourceVersion": "1"}, "items": []}

    async def end_at_once(request: web.Request) -> web.StreamResponse:
        return await answer(200, b"" if "watch" in request.query else listed)(request)

    cluster.api.on("GET", HYPERDRIVES.path(None), end_at_once)
    async with watching(cluster, tmp_path, []):
        await until(lambda: len(cluster.watched()) >= 2)
    assert len(cluster.watched()) <= 4


async def test_objects_nested_too_deep_for_a_parser_do_not_end_the_watch(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    listed, streamed, last = (thing(name) for name in ("listed", "streamed", "last"))
    cluster.objects = [listed | {"spec": NESTED}]
    seen: Seen = []
    async with watching(cluster, tmp_path, seen):
        await until(cluster.watched)
        cluster.stream("ADDED", streamed | {"spec": NESTED})
        cluster.stream("ADDED", last)
        await until(lambda: len(seen) == 3)
    assert {name for _, _, name in seen} == {"listed", "streamed", "last"}


async def test_to_stop_before_the_start_is_to_never_begin(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    watcher = KopfWatcher(
        kubeconfig=cluster.kubeconfig(tmp_path), context=None, namespaces=(), on_event=lambda *_: None
    )
    watcher.stop()
    watcher.stop()
    watcher.start()
    assert await asyncio.to_thread(watcher.join, 10)
    assert watcher.finished.result() is None
    watcher.stop()
    assert cluster.api.calls == []


async def test_kopf_logs_in_where_the_client_does(cluster: Cluster, tmp_path: Path) -> None:
    info = await connection_info(cluster.kubeconfig(tmp_path), "here")
    assert (info.server, info.scheme, info.token) == (cluster.api.url, "Bearer", "secret")


def test_errors_of_some_minutes_do_not_end_the_watch() -> None:
    backoffs = watch_settings().networking.error_backoffs
    assert not isinstance(backoffs, float)
    assert sum(backoffs) > 600
