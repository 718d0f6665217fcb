"""A watch as raw JSON: what it yields, and how it ends."""

import asyncio
import json
from collections.abc import Callable

import pytest
from aiohttp import web
from tests.unit.kube.scripted_api import Answer, ScriptedApi, refusal

from hyperdrive_operator.kube import client as module
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError, GoneError, TransientError
from hyperdrive_operator.kube.kinds import JOBS

JOBS_PATH = "/apis/batch/v1/namespaces/ns/jobs"


def event(event_type: str, name: str, version: str) -> bytes:
    return json.dumps({"type": event_type, "object": {"metadata": {"name": name, "resourceVersion": version}}}).encode()


def error(code: int, reason: str) -> bytes:
    return json.dumps({"type": "ERROR", "object": {"kind": "Status", "code": code, "reason": reason}}).encode()


def streams(*chunks: bytes, then: Callable[[web.Request], None] = lambda _: None) -> Answer:
    """Make an answer that comes in these chunks."""

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        then(request)
        return response

    return respond


async def seen(client: KubeClient) -> list[tuple[str, str]]:
    stream = client.watch(JOBS, "ns", label_selector="a=b", version="7")
    return [(event_type, body["metadata"]["resourceVersion"]) async for event_type, body in stream]


async def test_events_are_yielded_however_their_lines_are_cut(api: ScriptedApi, client: KubeClient) -> None:
    lines = [event("ADDED", "a", "8"), event("BOOKMARK", "", "9"), event("DELETED", "a", "10")]
    raw = b"\n".join(lines) + b"\n"
    api.on("GET", JOBS_PATH, streams(raw[:5], raw[5:130], raw[130:]))
    assert await seen(client) == [("ADDED", "8"), ("BOOKMARK", "9"), ("DELETED", "10")]
    query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "7", "labelSelector": "a=b"}
    assert api.calls[0].query == query


async def test_a_watch_that_is_silent_ends(
    api: ScriptedApi, client: KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bookmarks come each minute: without them the connection is dead, whatever TCP believes."""
    monkeypatch.setattr(module, "WATCH_IDLE_SECONDS", 0.1)

    over = asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(event("ADDED", "a", "8") + b"\n")
        await over.wait()
        return response

    api.on("GET", JOBS_PATH, respond)
    assert await seen(client) == [("ADDED", "8")]
    over.set()


def abort(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()


@pytest.mark.parametrize(
    ("answered", "kind"),
    [
        pytest.param(refusal(410, "Expired", "too old resource version"), GoneError, id="refused as too old"),
        pytest.param(streams(error(410, "Expired") + b"\n"), GoneError, id="told to be too old"),
        pytest.param(refusal(403, "Forbidden", "no"), ForbiddenError, id="not allowed"),
        pytest.param(streams(error(500, "InternalError") + b"\n"), TransientError, id="told that etcd is gone"),
        pytest.param(streams(b'{"type":"ERROR","object":7}\n'), TransientError, id="an error that says nothing"),
        pytest.param(streams(event("ADDED", "a", "8")[:40]), TransientError, id="a line that is cut off"),
        pytest.param(streams(b"[1]\n"), TransientError, id="no event"),
        pytest.param(streams(b'{"type":"ADDED","object":{}}\n'), TransientError, id="no object"),
        pytest.param(streams(event("ADDED", "a", "8") + b"\n", then=abort), TransientError, id="a broken connection"),
    ],
)
async def test_a_watch_that_fails_says_how(
    api: ScriptedApi, client: KubeClient, answered: Answer, kind: type[ClusterError]
) -> None:
    api.on("GET", JOBS_PATH, answered)
    with pytest.raises(kind):
        await seen(client)


async def test_an_event_nested_too_deep_for_a_parser_is_yielded(api: ScriptedApi, client: KubeClient) -> None:
    deep = b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"8"},"spec":%b1%b}}' % (
        b'{"a":' * 9990,
        b"}" * 9990,
    )
    api.on("GET", JOBS_PATH, streams(deep + b"\n" + event("ADDED", "b", "9") + b"\n"))
    assert await seen(client) == [("ADDED", "8"), ("ADDED", "9")]
