"""What the server says that it serves."""

from typing import Any

import pytest
from tests.contract.client import Api, eventually
from tests.contract.conftest import Widgets, definition, is_served

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
async def test_the_server_is_well(api: Api, path: str) -> None:
    reply = await api.get(path)
    assert (reply.code, reply.body) == (200, "ok")


async def test_the_version_that_is_spoken(api: Api) -> None:
    version = (await api.get("/version")).body
    assert (version["major"], version["minor"]) == ("1", "36")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (
            "/api/v1",
            (
                "configmaps events namespaces namespaces/finalize namespaces/status nodes nodes/status pods "
                "pods/log pods/status serviceaccounts"
            ),
        ),
        ("/apis/batch/v1", "jobs jobs/status"),
        ("/apis/apps/v1", "deployments deployments/status"),
        ("/apis/events.k8s.io/v1", "events"),
        ("/apis/coordination.k8s.io/v1", "leases"),
        ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions customresourcedefinitions/status"),
    ],
)
async def test_built_in_resources_are_described_alike(api: Api, path: str, names: str) -> None:
    described = {entry["name"]: _comparable(entry) for entry in (await api.get(path)).body["resources"]}
    assert described.keys() >= set(names.split())
    for name in names.split():
        assert described[name] == EXPECTED[name], name


def _comparable(entry: dict[str, Any]) -> tuple[Any, ...]:
    short = " ".join(entry.get("shortNames", []))
    return entry["kind"], entry["namespaced"], short, " ".join(entry.get("categories", [])), " ".join(entry["verbs"])


ALL = "create delete deletecollection get list patch update watch"
STATUS = "get patch update"
EXPECTED = {
    "configmaps": ("ConfigMap", True, "cm", "", ALL),
    "events": ("Event", True, "ev", "", ALL),
    "namespaces": ("Namespace", False, "ns", "", "create delete get list patch update watch"),
    "namespaces/finalize": ("Namespace", False, "", "", "update"),
    "namespaces/status": ("Namespace", False, "", "", STATUS),
    "nodes": ("Node", False, "no", "", ALL),
    "nodes/status": ("Node", False, "", "", STATUS),
    "pods": ("Pod", True, "po", "all", ALL),
    "pods/log": ("Pod", True, "", "", "get"),
    "pods/status": ("Pod", True, "", "", STATUS),
    "serviceaccounts": ("ServiceAccount", True, "sa", "", ALL),
    "jobs": ("Job", True, "", "all", ALL),
    "jobs/status": ("Job", True, "", "", STATUS),
    "deployments": ("Deployment", True, "deploy", "all", ALL),
    "deployments/status": ("Deployment", True, "", "", STATUS),
    "leases": ("Lease", True, "", "", ALL),
    "customresourcedefinitions": ("CustomResourceDefinition", False, "crd crds", "api-extensions", ALL),
    "customresourcedefinitions/status": ("CustomResourceDefinition", False, "", "", STATUS),
}


async def test_a_definition_is_established_and_its_resource_discovered(api: Api, widgets: Widgets) -> None:
    stored = (await api.get(f"{DEFINITIONS}/widgets.{widgets.group}")).body
    conditions = {c["type"]: (c["status"], c["reason"], c["message"]) for c in stored["status"]["conditions"]}
    assert conditions == {
        "NamesAccepted": ("True", "NoConflicts", "no conflicts found"),
        "Established": ("True", "InitialNamesAccepted", "the initial names have been accepted"),
    }
    assert stored["status"]["acceptedNames"]["listKind"] == "WidgetList"
    assert stored["status"]["storedVersions"] == ["v1"]
    assert stored["spec"]["conversion"] == {"strategy": "None"}
    path = f"/apis/{widgets.group}/v1"
    await eventually(lambda: is_served(api, path))
    described = (await api.get(path)).body
    assert [entry["name"] for entry in described["resources"]] == ["widgets", "widgets/status"]
    assert _comparable(described["resources"][0])[:2] == ("Widget", True)
    assert sorted(described["resources"][0]["verbs"]) == ALL.split()
    group = (await api.get(f"/apis/{widgets.group}")).body
    assert group["preferredVersion"] == {"groupVersion": f"{widgets.group}/v1", "version": "v1"}


async def test_everything_is_discovered_in_one_request(api: Api, widgets: Widgets) -> None:
    found: dict[str, Any] = {}
    mine: list[dict[str, Any]] = []

    async def discovered() -> bool:
        found.update((await api.get("/apis", accept=AGGREGATED)).body)
        mine.extend(item for item in found["items"] if item["metadata"]["name"] == widgets.group)
        return bool(mine)

    await eventually(discovered)
    assert found["kind"] == "APIGroupDiscoveryList"
    resource = mine[0]["versions"][0]["resources"][0]
    assert (resource["resource"], resource["scope"], resource["singularResource"]) == (
        "widgets",
        "Namespaced",
        "widget",
    )
    assert [part["subresource"] for part in resource["subresources"]] == ["status"]
    core = (await api.get("/api", accept=AGGREGATED)).body
    names = [resource["resource"] for resource in core["items"][0]["versions"][0]["resources"]]
    assert {"pods", "namespaces", "events"} <= set(names)


async def test_a_definition_takes_its_objects_with_it(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    name = f"{DEFINITIONS}/widgets.{widgets.group}"
    deleted = await api.delete(name)
    assert deleted.code == 200

    async def all_gone() -> bool:
        return {(await api.get(path)).code for path in (name, widgets.path)} == {404}

    await eventually(all_gone)


async def test_a_new_default_is_read_from_old_objects(api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a"))
    path = f"{DEFINITIONS}/widgets.{widgets.group}"
    at = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/colour"
    change = [{"op": "add", "path": at, "value": {"type": "string", "default": "red"}}]
    assert (await api.patch(path, change, "application/json-patch+json")).code == 200

    async def red() -> bool:
        found: dict[str, Any] = (await api.get(widgets.at("a"))).body
        return bool(found["spec"].get("colour") == "red")

    await eventually(red)
    assert (await api.get(widgets.at("a"))).version == made["metadata"]["resourceVersion"]


async def test_a_definition_that_is_none(api: Api) -> None:
    body = definition("bad.example.com")
    body["metadata"]["name"] = "gadgets.bad.example.com"
    reply = await api.post(DEFINITIONS, body)
    assert (reply.code, reply.body["reason"]) == (422, "Invalid")
    assert 'metadata.name: Invalid value: "gadgets.bad.example.com": must be' in reply.message


@pytest.mark.parametrize("path", ["/apis/no-such.example.com/v1/things", "/api/v1/no-such-things", "/nothing"])
async def test_what_is_not_served_is_not_found(api: Api, path: str) -> None:
    assert (await api.get(path)).code == 404
