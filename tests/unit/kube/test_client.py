import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from tests.unit.kube.scripted_api import ScriptedApi, answer, refusal

from hyperdrive_operator.kube import client as client_module
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import (
    ConflictError,
    GoneError,
    InvalidError,
    NotFoundError,
    TransientError,
)
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, Object
from hyperdrive_operator.kube.transport import MAX_IN_FLIGHT

JOBS_PATH = "/apis/batch/v1/namespaces/ns/jobs"
LOG_PATH = "/api/v1/namespaces/ns/pods/p/log"


def page(*names: str, more: str = "") -> Object:
    return {
        "metadata": {"continue": more, "resourceVersion": "7"},
        "items": [{"metadata": {"name": name}} for name in names],
    }


async def test_an_object_is_read_as_raw_json(api: ScriptedApi, client: KubeClient) -> None:
    api.on("GET", f"{JOBS_PATH}/a", answer(200, {"kind": "Job", "unknown": [1]}))
    assert await client.get(JOBS, "ns", "a") == {"kind": "Job", "unknown": [1]}
    assert api.calls[0].headers["User-Agent"] == "hyperdrive-test/1"
    assert api.calls[0].headers["Authorization"] == "Bearer secret"


async def test_what_is_not_there_is_a_not_found_error(client: KubeClient) -> None:
    with pytest.raises(NotFoundError, match="not found"):
        await client.get(JOBS, "ns", "a")


async def test_a_list_reads_all_pages(api: ScriptedApi, client: KubeClient) -> None:
    api.on("GET", JOBS_PATH, answer(200, page("a", "b", more="t+/=")), answer(200, page("c")))
    jobs = await client.list(JOBS, "ns", label_selector="x in (a, b),y", page=2)
    assert [job["metadata"]["name"] for job in jobs] == ["a", "b", "c"]
    assert [call.query for call in api.calls] == [
        {"limit": "2", "labelSelector": "x in (a, b),y"},
        {"limit": "2", "labelSelector": "x in (a, b),y", "continue": "t+/="},
    ]


async def test_listed_objects_say_what_they_are(api: ScriptedApi, client: KubeClient) -> None:
    api.on("GET", "/apis/batch/v1/jobs", answer(200, page("a")))
    (job,) = await client.list(JOBS)
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")


async def test_a_page_is_handed_over_before_the_next_is_asked_for(api: ScriptedApi, client: KubeClient) -> None:
    api.on("GET", JOBS_PATH, answer(200, page("a", "b", more="t")), answer(200, page("c")))
    asked = [(len(one.items), one.version, len(api.calls)) async for one in client.pages(JOBS, "ns", page=2)]
    assert asked == [(2, "7", 1), (1, "7", 2)]


async def test_a_list_whose_pages_expire_starts_again(api: ScriptedApi, client: KubeClient) -> None:
    expired = refusal(410, "Expired", "too old")
    api.on("GET", JOBS_PATH, answer(200, page("a", more="t")), expired, answer(200, page("a", "b")))
    assert len(await client.list(JOBS, "ns")) == 2


async def test_a_list_whose_pages_always_expire_is_an_error(api: ScriptedApi, client: KubeClient) -> None:
    api.on("GET", JOBS_PATH, refusal(410, "Expired", "too old"))
    with pytest.raises(GoneError):
        await client.list(JOBS, "ns")


async def test_a_dry_run_is_one(api: ScriptedApi, client: KubeClient) -> None:
    api.on("POST", JOBS_PATH, answer(201, {}))
    await client.create(JOBS, "ns", {"kind": "Job"}, dry_run=True)
    await client.create(JOBS, "ns", {"kind": "Job"})
    assert [(call.query, call.body) for call in api.calls] == [
        ({"dryRun": "All"}, {"kind": "Job"}),
        ({}, {"kind": "Job"}),
    ]


async def test_a_patch_is_a_merge_patch(api: ScriptedApi, client: KubeClient) -> None:
    path = "/apis/hyperdrive.dev/v1alpha1/namespaces/ns/hyperdrives/a/status"
    api.on("PATCH", path, answer(200, {"kind": "HyperDrive"}))
    body = {"metadata": {"resourceVersion": "7"}, "status": {"best": None}}
    assert await client.patch(HYPERDRIVES, "ns", "a", body, subresource="status") == {"kind": "HyperDrive"}
    assert api.calls[0].body == body  # a null deletes: it must not be left out
    assert api.calls[0].headers["Content-Type"] == "application/merge-patch+json"


async def test_a_patch_of_another_object_of_that_name_is_a_conflict(api: ScriptedApi, client: KubeClient) -> None:
    causes = {"causes": [{"field": "metadata.uid", "message": "Invalid value: field is immutable"}]}
    api.on("PATCH", f"{JOBS_PATH}/a", refusal(422, "Invalid", "field is immutable", causes))
    with pytest.raises(ConflictError):
        await client.patch(JOBS, "ns", "a", {"metadata": {"uid": "u"}})


async def test_an_invalid_patch_is_no_conflict(api: ScriptedApi, client: KubeClient) -> None:
    api.on("PATCH", f"{JOBS_PATH}/a", refusal(422, "Invalid", "no", {"causes": [{"field": "spec.x", "message": "m"}]}))
    with pytest.raises(InvalidError):
        await client.patch(JOBS, "ns", "a", {"spec": {"x": 1}})


async def test_a_deletion_names_its_object_and_grace(api: ScriptedApi, client: KubeClient) -> None:
    api.on("DELETE", f"{JOBS_PATH}/a", answer(200, {"kind": "Status"}))
    await client.delete(JOBS, "ns", "a", uid="u", grace_seconds=0)
    assert api.calls[0].body == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": {"uid": "u"},
        "gracePeriodSeconds": 0,
    }


async def test_to_delete_what_is_gone_is_success(api: ScriptedApi, client: KubeClient) -> None:
    await client.delete(JOBS, "ns", "a")
    api.on("DELETE", f"{JOBS_PATH}/a", refusal(409, "Conflict", "Precondition failed: UID in precondition: u"))
    await client.delete(JOBS, "ns", "a", uid="u")
    assert len(api.calls) == 2


async def test_a_conflict_without_a_uid_is_no_success(api: ScriptedApi, client: KubeClient) -> None:
    api.on("DELETE", f"{JOBS_PATH}/a", refusal(409, "Conflict", "later"))
    with pytest.raises(ConflictError):
        await client.delete(JOBS, "ns", "a")


async def test_a_group_that_is_not_served_has_no_resources(api: ScriptedApi, client: KubeClient) -> None:
    assert await client.served_resources("hyperdrive.dev", "v1alpha1") == frozenset()
    api.on("GET", "/apis/hyperdrive.dev/v1alpha1", answer(200, {"resources": [{"name": "hyperdrives"}]}))
    assert await client.served_resources("hyperdrive.dev", "v1alpha1") == {"hyperdrives"}


async def test_a_server_that_is_not_there_is_a_transient_error(tmp_path: Path) -> None:
    nowhere = ScriptedApi()
    nowhere.url = "http://127.0.0.1:1"
    seen: list[tuple[str, str, int]] = []
    client = await KubeClient.connect(
        kubeconfig=nowhere.kubeconfig(tmp_path), user_agent="t", on_request=lambda *of: seen.append(of[:3])
    )
    with pytest.raises(TransientError, match="can't be reached"):
        await client.get(JOBS, "ns", "a")
    await client.close()
    assert seen == [("get", "jobs", 0)]


@pytest.mark.parametrize("body", [b'{"kind": "Jo', b"[]", b"<html>"])
async def test_an_answer_that_is_no_object_is_a_transient_error(
    api: ScriptedApi, client: KubeClient, body: bytes
) -> None:
    api.on("GET", f"{JOBS_PATH}/a", answer(200, body))
    with pytest.raises(TransientError):
        await client.get(JOBS, "ns", "a")


async def test_requests_in_flight_are_limited(api: ScriptedApi, client: KubeClient) -> None:
    running, most, release = 0, 0, asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == MAX_IN_FLIGHT:
            release.set()
        await release.wait()
        running -= 1
        return await answer(200, {})(request)

    api.on("GET", f"{JOBS_PATH}/a", respond)
    await asyncio.gather(*(client.get(JOBS, "ns", "a") for _ in range(3 * MAX_IN_FLIGHT)))
    assert most == MAX_IN_FLIGHT


async def test_the_end_of_a_log_is_read_from_one_container(api: ScriptedApi, client: KubeClient) -> None:
    api.on("GET", LOG_PATH, answer(200, b"accuracy=0.5\n\xff"))
    assert await client.read_log("ns", "p", "train", tail_lines=5, limit_bytes=1000) == b"accuracy=0.5\n\xff"
    assert api.calls[0].query == {"container": "train", "tailLines": "5", "limitBytes": "1000"}


async def test_a_followed_log_comes_as_it_grows_until_its_end(api: ScriptedApi, client: KubeClient) -> None:
    first_seen = asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        await first_seen.wait()
        await response.write(b"two\n")
        return response

    api.on("GET", LOG_PATH, respond)
    chunks = []
    async for chunk in client.stream_log("ns", "p", "train", since_time="2026-01-01T00:00:00Z"):
        chunks.append(chunk)
        first_seen.set()
    assert chunks == [b"one\n", b"two\n"]
    assert api.calls[0].query == {"follow": "true", "container": "train", "sinceTime": "2026-01-01T00:00:00Z"}


async def test_a_followed_log_that_stays_silent_ends(api: ScriptedApi, client: KubeClient) -> None:
    done = asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        await done.wait()
        return response

    api.on("GET", LOG_PATH, respond)
    chunks = [chunk async for chunk in client.stream_log("ns", "p", "train", idle_seconds=1.0)]
    done.set()
    assert chunks == [b"one\n"]


async def test_a_log_that_is_not_followed_and_falls_silent_is_not_taken_for_whole(
    api: ScriptedApi, client: KubeClient
) -> None:
    done = asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        await done.wait()
        return response

    api.on("GET", LOG_PATH, respond)
    chunks = client.stream_log("ns", "p", "train", follow=False, idle_seconds=1.0)
    assert await anext(chunks) == b"one\n"
    with pytest.raises(TransientError, match="broken off"):
        await anext(chunks)
    done.set()


async def test_a_log_request_that_is_never_answered_keeps_a_trial_from_ending_for_half_a_minute_at_most(
    api: ScriptedApi, client: KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client_module.LOG_READ_IDLE_SECONDS == 30
    monkeypatch.setattr(client_module, "LOG_READ_IDLE_SECONDS", 0.1)
    done = asyncio.Event()

    async def respond(_: web.Request) -> web.StreamResponse:
        await done.wait()
        return web.StreamResponse()

    api.on("GET", LOG_PATH, respond)
    with pytest.raises(TransientError, match="can't be reached"):
        await anext(client.stream_log("ns", "p", "train", follow=False))
    done.set()


async def test_a_followed_log_that_breaks_is_a_transient_error(api: ScriptedApi, client: KubeClient) -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        assert request.transport is not None
        request.transport.abort()
        return response

    api.on("GET", LOG_PATH, respond)
    with pytest.raises(TransientError):
        async for _ in client.stream_log("ns", "p", "train"):
            pass
