"""The server itself: who is let in, how it stops, what its middlewares see, and logs."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import typedefs, web
from tests.contract.client import TABLE, Api

from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import CONFIG_MAPS, PODS
from hyperdrive_local.server import ApiServer
from hyperdrive_local.server import watching as watching_module
from hyperdrive_local.server.messages import encode

CONFIG_MAP = {"metadata": {"name": "a"}}
CONFIG_MAPS_PATH = "/api/v1/namespaces/default/configmaps"


class Lines:
    """A node's logs that a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ended = False
        self._grown = asyncio.Event()

    def path(self, pod: dict[str, Any], container: str, *, previous: bool = False) -> Path | None:
        path = self.folder / f"{pod['metadata']['name']}-{container}{'-previous' * previous}.log"
        return path if path.exists() else None

    def finished(self, pod: dict[str, Any], container: str, path: Path) -> bool:
        del pod, container, path
        return self.ended

    async def grown(self, pod: dict[str, Any], container: str, path: Path) -> None:
        del pod, container, path
        if not self.ended:
            await self._grown.wait()

    def write(self, text: str, name: str = "p-main") -> None:
        with (self.folder / f"{name}.log").open("a") as file:
            file.write(text)
        self.wake()

    def end(self) -> None:
        self.ended = True
        self.wake()

    def wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    return Lines(tmp_path)


@pytest.fixture
async def server(lines: Lines) -> AsyncIterator[ApiServer]:
    server = ApiServer(Registry(), token=secrets.token_hex(), logs=lines)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def api(server: ApiServer, tmp_path: Path) -> AsyncIterator[Api]:
    server.write_kubeconfig(tmp_path / "kubeconfig")
    client = Api(tmp_path / "kubeconfig")
    yield client
    await client.close()


async def test_only_who_has_the_token_is_let_in(server: ApiServer) -> None:
    context = ssl.create_default_context(cadata=server.authority.decode())
    async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(ssl=context)) as session:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
            async with session.get("/api/v1/pods", headers=headers) as response:
                assert response.status == 401
                assert (await response.json())["reason"] == "Unauthorized"
        async with session.get("/readyz") as response:
            assert response.status == 200


async def test_a_client_that_does_not_know_the_certificate_stays_out(server: ApiServer) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get("/readyz")


async def test_the_kubeconfig_is_its_owners_alone(server: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("something else, readable by all")
    path.chmod(0o644)
    server.write_kubeconfig(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert server.url in path.read_text()
    assert server.url.startswith("https://127.0.0.1:")


async def test_stopping_ends_watches_and_logs_at_once(server: ApiServer, api: Api, lines: Lines) -> None:
    await running_pod(server)
    lines.write("2026-11-24T10:00:00.0Z stdout F one\n")
    params = {"follow": "true"}
    async with (
        api.watch(CONFIG_MAPS_PATH) as watch,
        api.session.get("/api/v1/namespaces/default/pods/p/log", params=params) as log,
    ):
        assert await log.content.readline() == b"one\n"
        async with asyncio.timeout(1.5):
            stopping = asyncio.create_task(server.stop())
            with pytest.raises(EOFError):
                await watch.next()
            assert await log.content.read() == b""
            await stopping


async def test_a_mistake_of_ours_is_a_status_too(
    server: ApiServer, api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(server.registry.writer, "stored", broken)
    reply = await api.get(f"{CONFIG_MAPS_PATH}/a")
    assert (reply.code, reply.body["reason"]) == (500, "InternalError")
    assert "a mistake" in caplog.text
    assert "a mistake" not in reply.message


@pytest.mark.parametrize(
    ("before", "held"),
    [pytest.param(True, 0, id="before it is applied"), pytest.param(False, 1, id="after it was applied")],
)
async def test_a_middleware_can_cut_a_write_off(server: ApiServer, api: Api, held: int, *, before: bool) -> None:
    @web.middleware
    async def cut(request: web.Request, handler: typedefs.Handler) -> web.StreamResponse:
        if request.method == "POST":
            if not before:
                await handler(request)
            assert request.transport is not None
            request.transport.abort()
        return await handler(request) if request.method != "POST" else web.Response()

    failing = ApiServer(server.registry, token=secrets.token_hex(), middlewares=[cut])
    await failing.start()
    failing.write_kubeconfig(api.kubeconfig)
    client = Api(api.kubeconfig)
    try:
        with pytest.raises(aiohttp.ClientError):
            await client.post(CONFIG_MAPS_PATH, CONFIG_MAP)
        assert len(server.registry.list(CONFIG_MAPS)[0]) == held
    finally:
        await client.close()
        await failing.stop()


async def test_an_event_is_encoded_once_for_all_who_watch(
    server: ApiServer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[Any] = []

    def counted(value: Any) -> bytes:
        encoded.append(value)
        return encode(value)

    async with api.watch(CONFIG_MAPS_PATH) as one, api.watch("/api/v1/configmaps") as two:
        monkeypatch.setattr(watching_module, "encode", counted)
        server.registry.create(CONFIG_MAPS, "default", CONFIG_MAP)
        assert await one.names(1) == await two.names(1) == [("ADDED", "a")]
    assert len(encoded) == 1


async def test_the_last_event_of_a_watch_that_asked_for_bookmarks_is_one(server: ApiServer, api: Api) -> None:
    query = {"resourceVersion": str(server.registry.store.version), "allowWatchBookmarks": "true"}
    async with api.watch(CONFIG_MAPS_PATH, timeoutSeconds="1", **query) as watch:
        made = await api.made(CONFIG_MAPS_PATH, CONFIG_MAP)
        assert await watch.names(1) == [("ADDED", "a")]
        kind, obj = await watch.next()
        assert (kind, obj["kind"]) == ("BOOKMARK", "ConfigMap")
        assert obj["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
        with pytest.raises(EOFError):
            await watch.next()


async def test_a_quiet_watch_is_told_how_far_it_is(
    server: ApiServer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching_module, "BOOKMARK_SECONDS", 0.1)
    query = {"resourceVersion": str(server.registry.store.version), "allowWatchBookmarks": "true"}
    async with (
        api.watch(CONFIG_MAPS_PATH, **query) as watch,
        api.watch(CONFIG_MAPS_PATH, accept=TABLE, **query) as rows,
    ):
        kind, obj = await watch.next()
        assert (kind, obj["metadata"]["resourceVersion"]) == ("BOOKMARK", query["resourceVersion"])
        assert (await rows.next())[1]["kind"] == "Table"


async def test_pages_of_before_a_compaction_are_expired(server: ApiServer, api: Api) -> None:
    for name in "abc":
        server.registry.create(CONFIG_MAPS, "default", {"metadata": {"name": name}})
    first = await api.get(CONFIG_MAPS_PATH, limit="1")
    server.forget_changes()
    reply = await api.get(CONFIG_MAPS_PATH, limit="1", **{"continue": first.body["metadata"]["continue"]})
    assert (reply.code, reply.body["reason"]) == (410, "Expired")
    assert "continue parameter is too old" in reply.message


async def test_server_side_apply_is_refused_in_words(api: Api) -> None:
    path = f"{CONFIG_MAPS_PATH}/a"
    reply = await api.patch(path, b"metadata: {name: a}", "application/apply-patch+yaml", fieldManager="me")
    assert reply.code == 415
    assert "use kubectl apply without --server-side" in reply.message


async def running_pod(server: ApiServer, *containers: str) -> None:
    names = containers or ("main",)
    spec = {"nodeName": "here", "containers": [{"name": name, "image": "x"} for name in names]}
    server.registry.create(PODS, "default", {"metadata": {"name": "p"}, "spec": spec})


LOG = "/api/v1/namespaces/default/pods/p/log"
RECORDS = (
    "2026-11-24T10:00:00.100000000Z stdout F one\n"
    "2026-11-24T10:00:01.100000000Z stderr F two\n"
    "2026-11-24T10:00:02.100000000Z stdout P thr\n"
    "2026-11-24T10:00:02.200000000Z stdout F ee\n"
    "2026-11-24T10:00:03.100000000Z stdout F\u0020\n"
)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        pytest.param({}, "one\ntwo\nthree\n\n", id="all of it"),
        pytest.param({"tailLines": "2"}, "three\n\n", id="the last lines"),
        pytest.param({"tailLines": "0"}, "", id="none of it"),
        pytest.param({"limitBytes": "6"}, "one\ntw", id="the first bytes"),
        pytest.param({"sinceTime": "2026-11-24T10:00:02Z"}, "three\n\n", id="since a time"),
        pytest.param(
            {"timestamps": "true", "tailLines": "2"},
            "2026-11-24T10:00:02.100000000Z three\n2026-11-24T10:00:03.100000000Z \n",
            id="with times",
        ),
    ],
)
async def test_a_log_is_cut_as_asked(
    server: ApiServer, api: Api, lines: Lines, query: dict[str, str], text: str
) -> None:
    await running_pod(server)
    lines.write(RECORDS)
    reply = await api.get(LOG, **query)
    assert (reply.code, reply.body) == (200, text)


async def test_a_log_is_followed_to_its_end(server: ApiServer, api: Api, lines: Lines) -> None:
    await running_pod(server)
    lines.write(RECORDS)
    async with api.session.get(LOG, params={"follow": "true", "tailLines": "1"}) as response:
        assert await response.content.readline() == b"\n"
        lines.write("2026-11-24T10:00:04.1Z stdout F four\n2026-11-24T10:00:04.2Z stdout F fi")
        assert await response.content.readline() == b"four\n"
        lines.write("ve\n")
        lines.end()
        assert await response.content.read() == b"five\n"


async def test_logs_that_are_not_there(server: ApiServer, api: Api, lines: Lines) -> None:
    await running_pod(server, "main", "side")
    waiting = await api.get(LOG, container="main")
    assert (waiting.code, waiting.message) == (
        400,
        'container "main" in pod "p" is waiting to start: ContainerCreating',
    )
    previous = await api.get(LOG, container="main", previous="true")
    assert previous.message == 'previous terminated container "main" in pod "p" not found'
    lines.write("2026-11-24T10:00:00Z stdout F before\n", "p-main-previous")
    assert (await api.get(LOG, container="main", previous="true")).body == "before\n"
    bad = await api.get(LOG, container="main", tailLines="many")
    assert bad.code == 400
