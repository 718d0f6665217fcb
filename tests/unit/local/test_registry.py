"""The registry in process: what is not to be seen over HTTP, or only there at length."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hyperdrive_local import store as store_module
from hyperdrive_local.errors import ApiError
from hyperdrive_local.registry import Registry, WatchEvent
from hyperdrive_local.resources import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, JOBS, NAMESPACES, PODS
from hyperdrive_local.store import Store

MERGE = "application/merge-patch+json"


@pytest.fixture
def registry() -> Registry:
    return Registry()


def config_map(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name} | metadata, "data": {"a": "b"}}


def definition(plural: str = "things", **spec: Any) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "kind": plural.title().rstrip("s")}
    body = {"group": "example.com", "scope": "Cluster", "names": names, "versions": [version]}
    return {"metadata": {"name": f"{plural}.example.com"}, "spec": body | spec}


async def take(events: AsyncIterator[WatchEvent], count: int) -> list[tuple[str, str]]:
    async with asyncio.timeout(5):
        return [(event.type, event.object["metadata"]["name"]) for event in [await anext(events) for _ in range(count)]]


def test_what_is_given_and_what_is_got_is_nobody_elses(registry: Registry) -> None:
    body = config_map("a")
    made = registry.create(CONFIG_MAPS, "default", body)
    body["data"]["a"] = made["data"]["a"] = "changed"
    got = registry.get(CONFIG_MAPS, "default", "a")
    assert got["data"] == {"a": "b"}
    got["data"]["a"] = "changed"
    assert registry.get(CONFIG_MAPS, "default", "a")["data"] == {"a": "b"}


def test_a_controllers_misspelling_is_an_error(registry: Registry) -> None:
    with pytest.raises(ApiError, match=r'unknown field "spec\.paralelism"'):
        registry.create(JOBS, "default", {"metadata": {"name": "j"}, "spec": {"paralelism": 1}})


def test_a_resource_that_is_not_served(registry: Registry) -> None:
    with pytest.raises(ApiError) as refused:
        registry.resource("example.com", "things")
    assert refused.value.code == 404


def test_foreground_deletion_waits_for_the_collector(registry: Registry) -> None:
    registry.create(CONFIG_MAPS, "default", config_map("a"))
    marked = registry.delete(CONFIG_MAPS, "default", "a", propagation="Foreground")
    assert marked["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert registry.get(CONFIG_MAPS, "default", "a")["metadata"]["deletionTimestamp"]
    registry.patch(CONFIG_MAPS, "default", "a", {"metadata": {"finalizers": None}}, content_type=MERGE)
    with pytest.raises(ApiError):
        registry.get(CONFIG_MAPS, "default", "a")


def test_orphaning_waits_for_the_collector_too(registry: Registry) -> None:
    registry.create(CONFIG_MAPS, "default", config_map("a"))
    assert registry.delete(CONFIG_MAPS, "default", "a", propagation="Orphan")["metadata"]["finalizers"] == ["orphan"]


def test_a_pod_with_a_finalizer_outlives_its_grace_period(registry: Registry) -> None:
    spec = {"containers": [{"name": "a", "image": "x"}], "nodeName": "here"}
    registry.create(PODS, "default", {"metadata": {"name": "p", "finalizers": ["example.com/hold"]}, "spec": spec})
    assert registry.delete(PODS, "default", "p")["metadata"]["deletionGracePeriodSeconds"] == 30
    assert registry.delete(PODS, "default", "p", grace_seconds=0)["metadata"]["deletionGracePeriodSeconds"] == 0
    registry.patch(PODS, "default", "p", {"metadata": {"finalizers": None}}, content_type=MERGE)
    assert registry.list(PODS, "default")[0] == []


def test_a_namespace_goes_when_it_is_finalized(registry: Registry) -> None:
    registry.create(NAMESPACES, "", {"metadata": {"name": "n"}})
    body = registry.delete(NAMESPACES, "", "n")
    body["spec"] = {}
    registry.update(NAMESPACES, "", "n", body, subresource="finalize")
    with pytest.raises(ApiError):
        registry.get(NAMESPACES, "", "n")


def test_versions_of_a_kind_are_ranked_and_converted(registry: Registry) -> None:
    one = definition()["spec"]["versions"][0]
    versions = [one | {"name": "v1beta1", "storage": False}, one, one | {"name": "v1alpha3", "storage": False}]
    registry.create(CUSTOM_RESOURCE_DEFINITIONS, "", definition(versions=versions))
    things = registry.resource("example.com", "things")
    assert things.version == "v1"
    registry.create(things, "", {"kind": "Thing", "metadata": {"name": "a"}, "spec": {"b": 1}})
    beta = registry.kinds.get("example.com", "v1beta1", "things").resource
    assert registry.get(beta, "", "a")["apiVersion"] == "example.com/v1beta1"


def test_a_definition_that_cannot_be_served_is_refused_whole(registry: Registry) -> None:
    broken = definition()
    del broken["spec"]["versions"][0]["schema"]
    with pytest.raises(ApiError) as refused:
        registry.create(CUSTOM_RESOURCE_DEFINITIONS, "", broken)
    assert refused.value.code == 422
    assert registry.list(CUSTOM_RESOURCE_DEFINITIONS)[0] == []


def test_a_held_object_holds_its_definition(registry: Registry) -> None:
    registry.create(CUSTOM_RESOURCE_DEFINITIONS, "", definition())
    things = registry.resource("example.com", "things")
    body = {"kind": "Thing", "metadata": {"name": "a", "finalizers": ["example.com/hold"]}}
    registry.create(things, "", body)
    registry.delete(CUSTOM_RESOURCE_DEFINITIONS, "", "things.example.com")
    stored = registry.get(CUSTOM_RESOURCE_DEFINITIONS, "", "things.example.com")
    assert stored["status"]["conditions"][-1]["type"] == "Terminating"
    with pytest.raises(ApiError, match="create not allowed while custom resource definition is terminating"):
        registry.create(things, "", {"kind": "Thing", "metadata": {"name": "b"}})
    registry.patch(things, "", "a", {"metadata": {"finalizers": None}}, content_type=MERGE)
    assert registry.list(CUSTOM_RESOURCE_DEFINITIONS)[0] == []
    with pytest.raises(ApiError):
        registry.resource("example.com", "things")


async def test_a_watch_begins_at_the_call_not_at_the_first_read(registry: Registry) -> None:
    events = registry.watch(CONFIG_MAPS, since=registry.store.version)
    registry.create(CONFIG_MAPS, "default", config_map("a"))
    registry.delete(CONFIG_MAPS, "default", "a")
    assert await take(events, 2) == [("ADDED", "a"), ("DELETED", "a")]


async def test_a_waiting_watch_is_woken(registry: Registry) -> None:
    events = registry.watch(CONFIG_MAPS, "default", since=registry.store.version)
    waiting = asyncio.create_task(take(events, 1))
    await asyncio.sleep(0)
    registry.create(CONFIG_MAPS, "kube-system", config_map("b"))
    registry.create(CONFIG_MAPS, "default", config_map("a"))
    assert await waiting == [("ADDED", "a")]


async def test_a_reader_that_falls_behind_must_list_again(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "HISTORY", 5)
    start = registry.store.version
    behind = registry.watch(CONFIG_MAPS, since=start)
    for number in range(20):
        registry.create(CONFIG_MAPS, "default", config_map(f"c{number}"))
    with pytest.raises(ApiError, match=f"too old resource version: {start}"):
        await anext(behind)
    with pytest.raises(ApiError) as refused:
        registry.watch(CONFIG_MAPS, since=start)
    assert (refused.value.code, refused.value.reason) == (410, "Expired")
    recent = registry.watch(CONFIG_MAPS, since=registry.store.version - 2)
    assert await take(recent, 2) == [("ADDED", "c18"), ("ADDED", "c19")]


def test_a_cluster_that_is_started_again_has_what_it_had(registry: Registry, tmp_path: Path) -> None:
    registry.create(CUSTOM_RESOURCE_DEFINITIONS, "", definition())
    registry.create(registry.resource("example.com", "things"), "", {"kind": "Thing", "metadata": {"name": "a"}})
    before = registry.store.version
    registry.dump(tmp_path / "state.json")
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
    again = Registry(tmp_path / "state.json")
    assert again.store.version == before
    things = again.resource("example.com", "things")
    assert again.get(things, "", "a") == registry.get(registry.resource("example.com", "things"), "", "a")
    with pytest.raises(ApiError, match="too old resource version"):
        again.watch(things, since=before - 1)
    again.watch(things, since=before)


def test_versions_only_ever_grow() -> None:
    store = Store()
    key = ("", "configmaps")
    versions = []
    for number in range(3):
        stored = store.put(key, ("", f"{number}"), {"metadata": {"name": f"{number}"}})
        versions.append(int(stored["metadata"]["resourceVersion"]))
    last = store.remove(key, ("", "0"), {"metadata": {"name": "0"}})
    versions.append(int(last["metadata"]["resourceVersion"]))
    assert versions == sorted(set(versions))
