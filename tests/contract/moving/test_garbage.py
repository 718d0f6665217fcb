"""Garbage collection, on the embedded cluster and on a real one."""

import secrets
from typing import Any

from tests.contract.client import eventually
from tests.contract.moving.bench import NEVER, Bench, container, is_running, pod, pod_spec

Object = dict[str, Any]


def owner_of(obj: Object, kind: str = "ConfigMap", *, blocks: bool = False) -> Object:
    """A reference to an owner."""
    name, uid = obj["metadata"]["name"], obj["metadata"]["uid"]
    api = obj.get("apiVersion", "v1")
    return {"apiVersion": api, "kind": kind, "name": name, "uid": uid, "blockOwnerDeletion": blocks}


async def make(bench: Bench, name: str, *owners: Object, **metadata: Any) -> Object:
    """A config map with owners."""
    body = {"metadata": {"name": name, "ownerReferences": list(owners), **metadata}}
    made: Object = await bench.api.made(bench.config_maps, body)
    return made


def named(*names: str) -> Any:
    """The claim that just these config maps are there, beside the one that every namespace has."""

    def holds(objects: list[Object]) -> bool:
        return {obj["metadata"]["name"] for obj in objects} - {"kube-root-ca.crt"} == set(names)

    return holds


async def test_deleting_an_owner_deletes_the_whole_tree(bench: Bench) -> None:
    root = await make(bench, "root")
    child = await make(bench, "child", owner_of(root))
    await make(bench, "grandchild", owner_of(child))
    await make(bench, "stranger")
    await bench.api.delete(f"{bench.config_maps}/root")
    await bench.until(bench.config_maps, named("stranger"))


async def test_an_object_of_an_owner_that_never_was_is_deleted(bench: Bench) -> None:
    ghost = {"metadata": {"name": "ghost", "uid": "00000000-0000-0000-0000-000000000000"}}
    await make(bench, "orphan", owner_of(ghost))
    await bench.until(bench.config_maps, named())


async def test_a_name_that_was_taken_again_is_no_owner(bench: Bench) -> None:
    first = await make(bench, "owner")
    await bench.api.delete(f"{bench.config_maps}/owner")
    await make(bench, "owner")
    await make(bench, "child", owner_of(first))
    await bench.until(bench.config_maps, named("owner"))


async def test_an_object_lives_as_long_as_one_of_its_owners(bench: Bench) -> None:
    first, second = await make(bench, "first"), await make(bench, "second")
    await make(bench, "child", owner_of(first), owner_of(second))
    await bench.api.delete(f"{bench.config_maps}/first")
    child = await bench.until_one(bench.config_maps, "child", lambda obj: len(obj["metadata"]["ownerReferences"]) == 1)
    assert child["metadata"]["ownerReferences"][0]["name"] == "second"
    await bench.api.delete(f"{bench.config_maps}/second")
    await bench.until(bench.config_maps, named())


async def test_a_foreground_deletion_waits_for_those_that_block_it(bench: Bench) -> None:
    root = await make(bench, "root")
    await make(bench, "held", owner_of(root, blocks=True), finalizers=["test.example.com/hold"])
    await bench.api.delete(f"{bench.config_maps}/root", propagationPolicy="Foreground")
    await bench.until_one(bench.config_maps, "held", lambda obj: obj["metadata"].get("deletionTimestamp"))
    waiting = (await bench.api.get(f"{bench.config_maps}/root")).body
    assert waiting["metadata"]["finalizers"] == ["foregroundDeletion"]
    await bench.api.patch(f"{bench.config_maps}/held", {"metadata": {"finalizers": None}})
    await bench.until(bench.config_maps, named())


async def test_orphans_lose_their_owner_and_live(bench: Bench) -> None:
    root = await make(bench, "root")
    await make(bench, "child", owner_of(root))
    await bench.api.delete(f"{bench.config_maps}/root", propagationPolicy="Orphan")
    [child, *_] = await bench.until(bench.config_maps, named("child"), fieldSelector="metadata.name!=kube-root-ca.crt")
    assert "ownerReferences" not in child["metadata"]


async def test_custom_objects_own_and_are_owned(bench: Bench) -> None:
    group = f"g{secrets.token_hex(4)}.moves.example.com"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"sweeps.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "sweeps", "kind": "Sweep"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await bench.api.made(crds, definition)
    try:
        await bench.until_one(
            crds,
            f"sweeps.{group}",
            lambda d: any(c["type"] == "Established" for c in (d.get("status") or {}).get("conditions") or ()),
        )
        sweeps = f"/apis/{group}/v1/namespaces/{bench.namespace}/sweeps"

        async def are_served() -> bool:
            return (await bench.api.get(sweeps)).code == 200

        await eventually(are_served)  # a busy API server says Established before it is so
        api = {"apiVersion": f"{group}/v1", "kind": "Sweep"}
        top = await bench.api.made(sweeps, api | {"metadata": {"name": "top"}})
        trial = await bench.api.made(
            sweeps, api | {"metadata": {"name": "trial", "ownerReferences": [owner_of(top, "Sweep")]}}
        )
        await make(bench, "result", owner_of(trial, "Sweep"))
        await bench.api.delete(f"{sweeps}/top")
        await bench.until_gone(sweeps)
        await bench.until(bench.config_maps, named())
    finally:
        await bench.api.delete(f"{crds}/sweeps.{group}")


async def test_a_namespace_goes_with_all_that_is_in_it(bench: Bench) -> None:
    name = f"contract-{secrets.token_hex(4)}"
    await bench.api.made("/api/v1/namespaces", {"metadata": {"name": name}})
    inside = Bench(bench.api, name)
    await inside.api.made(inside.config_maps, {"metadata": {"name": "a"}})
    await inside.api.made(inside.pods, pod("a", pod_spec(container(NEVER))))
    await inside.until(inside.pods, is_running)
    await inside.api.delete(f"/api/v1/namespaces/{name}")
    await inside.until_gone("/api/v1/namespaces", fieldSelector=f"metadata.name={name}")
    assert (await inside.api.get(f"{inside.config_maps}/a")).code == 404
    refused = await inside.api.post(inside.config_maps, {"metadata": {"name": "b"}})
    assert refused.code == 404
