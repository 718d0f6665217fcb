"""The recorded tables are asked anew: of the embedded API server, and of a real one, so that they stay true.

A row's `here` is what the embedded one answers instead: a known difference.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.contract.client import Api, Reply, eventually
from tests.unit.local.schema.tables import DROPPED, Row, crd, definition_of, named_alike, patched, table

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
AT_ONCE = 20  # requests; more would only wait at the server
RULES_AT_ONCE = 20  # in one schema; more would be too costly for it

Install = Callable[[str, Row], Awaitable[str]]


def errors_of(reply: Reply) -> list[str]:
    """What a reply says is wrong, in no order: the server goes through maps in another order each time."""
    if reply.code < 300:
        return []
    causes = reply.body.get("details", {}).get("causes")
    if reply.code != 422 or causes is None:
        return [f"{reply.code} {reply.message}"]
    return sorted({named_alike(f"{cause['field']}: {cause['message']}") for cause in causes})


def expected(row: Row, real: bool) -> list[str]:
    answer = row["errors"] if real or "here" not in row else row["here"]
    return sorted(set(answer))


async def all_of(questions: list[Awaitable[Reply]]) -> list[Reply]:
    limit = asyncio.Semaphore(AT_ONCE)

    async def ask(question: Awaitable[Reply]) -> Reply:
        async with limit:
            return await question

    return await asyncio.gather(*map(ask, questions))


@pytest.fixture
def real(request: pytest.FixtureRequest) -> bool:
    """Whether the server is the real one."""
    return "real" in request.node.callspec.id


@pytest.fixture
async def install(api: Api, namespace: str) -> AsyncIterator[Install]:
    """Install a kind with this schema of its spec; get the path of its objects."""
    group = f"s{secrets.token_hex(4)}.example.com"
    installed: list[str] = []

    async def install(kind: str, spec_schema: Row) -> str:
        definition = crd(group, kind, spec_schema)
        await api.made(CRDS, definition)
        name = definition["metadata"]["name"]
        installed.append(name)
        path = f"/apis/{group}/v1/namespaces/{namespace}/{name.partition('.')[0]}"

        async def is_served() -> bool:
            # writes are served a moment after reads
            return (await api.post(path, manifest(path, kind, {}), dryRun="All")).code != 404

        await eventually(is_served)
        return path

    yield install
    for name in installed:
        await api.delete(f"{CRDS}/{name}")


def manifest(path: str, kind: str, spec: Any) -> Row:
    _, _, group, version, *_ = path.split("/")
    return {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": "a"}, "spec": spec}


async def test_values(api: Api, install: Install, real: bool) -> None:
    values = table("values")
    path = await install("Value", {"type": "object", "properties": values["properties"]})
    rows = values["rows"]
    objects = [manifest(path, "Value", {row["field"]: row["value"]}) for row in rows]
    replies = await all_of([api.post(path, obj, dryRun="All") for obj in objects])
    for row, reply in zip(rows, replies, strict=True):
        assert errors_of(reply) == row.get("errors", []), row
        if reply.code == 201:
            assert reply.body["spec"].get(row["field"], DROPPED) == row.get("kept", row["value"]), row


async def test_updates(api: Api, install: Install) -> None:
    updates = table("updates")
    path = await install("Change", {"type": "object", "properties": updates["loose"]})
    stored = await api.made(path, manifest(path, "Change", updates["old"]))
    await tighten(api, path, updates["strict"])
    objects = [{**stored, "spec": patched(stored["spec"], row["change"])} for row in updates["rows"]]
    replies = await all_of([api.put(f"{path}/a", obj, dryRun="All") for obj in objects])
    for row, reply in zip(updates["rows"], replies, strict=True):
        assert errors_of(reply) == sorted(set(row["errors"])), row


async def tighten(api: Api, path: str, properties: Row) -> None:
    """Put a stricter schema in place, and wait until it is in force."""
    _, _, group, _, _, _, plural = path.split("/")
    definition = (await api.get(f"{CRDS}/{plural}.{group}")).body
    version = definition["spec"]["versions"][0]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"] = properties
    assert (await api.put(f"{CRDS}/{plural}.{group}", definition)).code == 200
    bad = {**manifest(path, "Change", {"i": 1}), "metadata": {"name": "b"}}

    async def is_in_force() -> bool:
        return (await api.post(path, bad, dryRun="All")).code == 422

    await eventually(is_in_force)


async def test_rules_on_an_object(api: Api, install: Install, real: bool) -> None:
    evaluations = table("evaluations")
    rows = evaluations["rows"]
    for start in range(0, len(rows), RULES_AT_ONCE):
        some = rows[start : start + RULES_AT_ONCE]
        properties = {
            f"p{index}": {
                "type": "object",
                "properties": evaluations["properties"],
                "x-kubernetes-validations": [{"rule": row["rule"]}],
            }
            for index, row in enumerate(some)
        }
        path = await install(f"Evaluation{start}", {"type": "object", "properties": properties})
        spec = {f"p{index}": evaluations["object"] for index in range(len(some))}
        reply = await api.post(path, manifest(path, f"Evaluation{start}", spec), dryRun="All")
        causes = reply.body.get("details", {}).get("causes", [])
        for index, row in enumerate(some):
            answer = "".join(cause["message"] for cause in causes if cause["field"] == f"spec.p{index}")
            assert answer == (row["error"] if real else row.get("here", row["error"])), row


async def test_rules_in_a_schema(api: Api, real: bool) -> None:
    compilations = table("compilations")
    rows = compilations["rows"]
    definitions = [
        crd(
            "rules.example.com",
            "Rule",
            {
                "type": "object",
                "properties": compilations["properties"],
                "x-kubernetes-validations": [{"rule": row["rule"]}],
            },
        )
        for row in rows
    ]
    replies = await all_of([api.post(CRDS, definition, dryRun="All") for definition in definitions])
    for row, reply in zip(rows, replies, strict=True):
        answer = named_alike(reply.message.split('"OptionalOldSelf":null}: ', 1)[-1]) if reply.code != 201 else ""
        if "estimated rule cost exceeds" in answer:
            answer = "(too costly)"
        assert answer == (row["error"] if real else row.get("here", row["error"])), row


async def test_definitions(api: Api, real: bool) -> None:
    definitions = table("definitions")
    rows = definitions["rows"]
    bodies = [definition_of(definitions["base"], row) for row in rows]
    replies = await all_of([api.post(CRDS, body, dryRun="All") for body in bodies])
    for row, reply in zip(rows, replies, strict=True):
        assert errors_of(reply) == expected(row, real), row


async def test_jobs(api: Api, namespace: str) -> None:
    jobs = table("jobs")
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    bodies = [patched(jobs["base"], row["change"]) for row in jobs["rows"]]
    replies = await all_of([api.post(path, body, dryRun="All", fieldValidation="Strict") for body in bodies])
    for row, reply in zip(jobs["rows"], replies, strict=True):
        if "undecodable" in row:
            problem = f'Job in version "v1" cannot be handled as a Job: {row["undecodable"]}'
            assert reply.code == 400, row
            assert reply.message == problem, row
        else:
            assert errors_of(reply) == row["errors"], row
