import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.unit.kube.scripted_api import answer
from tests.unit.runtime.cluster import KINDS, NESTED, Cluster, thing
from tests.unit.runtime.conftest import until

from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object
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
        await until(lambda: watcher.finished.done() or all(cluster.watched(kind, namespaces) for kind in KINDS))
        watcher.stop()
        assert await asyncio.to_thread(watcher.join, 10)


async def test_what_is_there_and_what_changes_is_handed_over(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    for kind in KINDS:
        cluster.objects[kind] = [thing(kind, f"{kind.plural}-1")]
    seen: Seen = []
    async with watching(cluster, tmp_path, seen) as watcher:
        await until(lambda: len(seen) == 4 and cluster.watched(JOBS))
        cluster.stream(JOBS, "MODIFIED", thing(JOBS, "jobs-1", "3"))
        await until(lambda: len(seen) == 5)
        cluster.stream(JOBS, "DELETED", thing(JOBS, "jobs-1", "4"))
        await until(lambda: len(seen) == 6)
    assert set(seen[:4]) == {(kind, None, f"{kind.plural}-1") for kind in KINDS}
    assert seen[4:] == [(JOBS, "MODIFIED", "jobs-1"), (JOBS, "DELETED", "jobs-1")]
    assert watcher.finished.result() is None
    assert {call.method for call in cluster.api.calls} == {"GET"}


@pytest.mark.parametrize("namespaces", [(), ("ns",)])
async def test_the_server_selects_what_is_ours(cluster: Cluster, tmp_path: Path, namespaces: tuple[str, ...]) -> None:
    cluster.serve()
    async with watching(cluster, tmp_path, [], namespaces):
        await until(lambda: all(cluster.watched(kind, namespaces) for kind in KINDS))
    selectors = {kind: cluster.watched(kind, namespaces)[0].get("labelSelector") for kind in KINDS}
    assert selectors == {
        HYPERDRIVES: None,
        HYPERDRIVE_TRIALS: None,
        JOBS: "app.kubernetes.io/managed-by=hyperdrive-operator",
        PODS: "hyperdrive.dev/trial",
    }


async def test_a_watch_that_is_refused_for_a_while_goes_on(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperdrive_operator.runtime.watch.ERROR_BACKOFFS", (0.01,) * 10)
    cluster.serve()
    refused = [answer(403, {"kind": "Status", "message": "no"})] * 3 + [answer(503, b"")] * 3
    cluster.api.on("GET", JOBS.path(None), *refused, cluster.collection(JOBS))
    cluster.objects[JOBS] = [thing(JOBS, "a")]
    seen: Seen = []
    async with watching(cluster, tmp_path, seen):
        await until(lambda: seen == [(JOBS, None, "a")])


async def test_a_broken_stream_ends_the_watcher_with_its_error(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    async with watching(cluster, tmp_path, []) as watcher:
        # all of them: one that still connects fails too while kopf ends, and kopf raises either's error
        await until(lambda: all(cluster.watched(kind) for kind in KINDS))
        cluster.stream(JOBS, "ERROR", {"kind": "Status", "code": 500, "message": "etcd is gone"})
        await until(watcher.finished.done)
        assert "etcd is gone" in str(watcher.finished.exception())


async def test_a_stream_that_ends_at_once_is_not_opened_a_thousand_times_a_second(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.serve()
    listed = {"kind": "JobList", "metadata": {"resourceVersion": "1"}, "items": []}

    async def end_at_once(request: web.Request) -> web.StreamResponse:
        return await answer(200, b"" if "watch" in request.query else listed)(request)

    cluster.api.on("GET", JOBS.path(None), end_at_once)
    async with watching(cluster, tmp_path, []):
        await until(lambda: len(cluster.watched(JOBS)) >= 2)
        await until(lambda: all(cluster.watched(kind) for kind in KINDS))
    assert len(cluster.watched(JOBS)) <= 4


async def test_objects_nested_too_deep_for_a_parser_do_not_end_the_watch(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    listed, streamed, last = (thing(HYPERDRIVES, name) for name in ("listed", "streamed", "last"))
    cluster.objects[HYPERDRIVES] = [listed | {"spec": NESTED}]
    seen: Seen = []
    async with watching(cluster, tmp_path, seen):
        await until(lambda: cluster.watched(HYPERDRIVES))
        cluster.stream(HYPERDRIVES, "ADDED", streamed | {"spec": NESTED})
        cluster.stream(HYPERDRIVES, "ADDED", last)
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
