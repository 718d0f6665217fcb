"""Lists and single objects: pages, selectors, tables."""

import datetime
from typing import Any

import pytest
from tests.contract.client import TABLE, Api
from tests.contract.conftest import Widgets


async def make(api: Api, widgets: Widgets, *names: str, **metadata: Any) -> None:
    for name in names:
        await api.made(widgets.path, widgets.widget(name, **metadata))


async def test_an_object_that_is_not_there(api: Api, widgets: Widgets) -> None:
    reply = await api.get(widgets.at("a"))
    assert reply.code == 404
    assert reply.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'widgets.{widgets.group} "a" not found',
        "reason": "NotFound",
        "details": {"name": "a", "group": widgets.group, "kind": "widgets"},
        "code": 404,
    }


async def test_a_list_is_sorted_and_says_its_version(api: Api, widgets: Widgets) -> None:
    await make(api, widgets, "b", "c", "a")
    reply = await api.get(widgets.path)
    assert (reply.body["kind"], reply.body["apiVersion"]) == ("WidgetList", f"{widgets.group}/v1")
    assert [item["metadata"]["name"] for item in reply.body["items"]] == ["a", "b", "c"]
    assert all(item["kind"] == "Widget" for item in reply.body["items"])
    assert int(reply.version) >= max(int(item["metadata"]["resourceVersion"]) for item in reply.body["items"])
    everywhere = await api.get(f"/apis/{widgets.group}/v1/widgets")
    assert len(everywhere.body["items"]) == 3


async def test_items_of_built_in_lists_do_not_repeat_their_kind(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    await api.made(path, {"metadata": {"name": "a"}})
    reply = await api.get(path)
    assert reply.body["kind"] == "ConfigMapList"
    assert all("kind" not in item for item in reply.body["items"])


async def test_pages_show_one_moment(api: Api, widgets: Widgets) -> None:
    await make(api, widgets, "a", "b", "c", "d", "e")
    first = await api.get(widgets.path, limit="2")
    assert [item["metadata"]["name"] for item in first.body["items"]] == ["a", "b"]
    assert first.body["metadata"]["remainingItemCount"] == 3
    await api.delete(widgets.at("c"))
    await make(api, widgets, "bb")
    second = await api.get(widgets.path, limit="2", **{"continue": first.body["metadata"]["continue"]})
    assert [item["metadata"]["name"] for item in second.body["items"]] == ["c", "d"]
    assert second.version == first.version
    third = await api.get(widgets.path, limit="2", **{"continue": second.body["metadata"]["continue"]})
    assert [item["metadata"]["name"] for item in third.body["items"]] == ["e"]
    assert third.body["metadata"]["continue"] == ""
    assert "remainingItemCount" not in third.body["metadata"]


async def test_a_page_token_that_is_none(api: Api, widgets: Widgets) -> None:
    reply = await api.get(widgets.path, limit="2", **{"continue": "zzz"})
    assert (reply.code, reply.body["reason"]) == (400, "BadRequest")
    assert reply.message.startswith("invalid continue token: ")


async def test_versions_from_the_future_and_no_versions(api: Api, widgets: Widgets) -> None:
    future = await api.get(widgets.path, resourceVersion="99999999")
    assert (future.code, future.body["reason"]) == (504, "Timeout")
    assert future.message.startswith("Timeout: Too large resource version: 99999999, current: ")
    none = await api.get(widgets.path, resourceVersion="zz")
    assert none.code == 400
    assert none.message == (
        'invalid resource version: resourceVersion: Invalid value: "zz": strconv.ParseUint: parsing "zz": '
        "invalid syntax"
    )


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("app=x", "ab"),
        ("app==x,tier!=back", "b"),
        ("app!=x", "cd"),
        ("tier", "abc"),
        ("!tier", "d"),
        ("tier in (back, middle)", "ac"),
        ("tier notin (back,middle)", "bd"),
        ("app in (x),tier", "ab"),
        ("level>2", "c"),
        ("level<2", "b"),
        ("app=", ""),
    ],
)
async def test_label_selectors(api: Api, widgets: Widgets, selector: str, names: str) -> None:
    for name, labels in {
        "a": {"app": "x", "tier": "back"},
        "b": {"app": "x", "tier": "front", "level": "1"},
        "c": {"app": "y", "tier": "middle", "level": "3"},
        "d": {},
    }.items():
        await make(api, widgets, name, labels=labels)
    reply = await api.get(widgets.path, labelSelector=selector)
    assert [item["metadata"]["name"] for item in reply.body["items"]] == list(names)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("=", "found '=', expected: !, identifier, or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
    ],
)
async def test_label_selectors_that_are_none(api: Api, namespace: str, selector: str, message: str) -> None:
    reply = await api.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)
    assert (reply.code, reply.message) == (400, message)


async def test_field_selectors(api: Api, widgets: Widgets) -> None:
    await make(api, widgets, "a", "b")
    for selector, names in {
        "metadata.name=a": ["a"],
        "metadata.name!=a": ["b"],
        f"metadata.name=b,metadata.namespace={widgets.namespace}": ["b"],
        "metadata.namespace=other": [],
    }.items():
        reply = await api.get(widgets.path, fieldSelector=selector)
        assert [item["metadata"]["name"] for item in reply.body["items"]] == names, selector
    unknown = await api.get(widgets.path, fieldSelector="spec.size=1")
    assert (unknown.code, unknown.message) == (400, "field label not supported: spec.size")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/v1/pods", "field label not supported: foo"),
        ("/apis/batch/v1/jobs", 'field label "foo" not supported for Job'),
        (
            "/api/v1/configmaps",
            '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
    ],
)
async def test_fields_that_cannot_be_selected_by(api: Api, path: str, message: str) -> None:
    reply = await api.get(path, fieldSelector="foo=1")
    assert (reply.code, reply.message) == (400, message)


async def test_a_table_has_the_columns_of_the_definition(api: Api, widgets: Widgets) -> None:
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=30)
    body = widgets.widget("a")
    body["spec"] |= {"since": yesterday.strftime("%Y-%m-%dT%H:%M:%SZ"), "tags": ["x", "y"]}
    await api.made(widgets.path, body)
    conditions = [{"type": "Failed", "status": "False"}, {"type": "Complete", "status": "True"}]
    await api.patch(f"{widgets.at('a')}/status", {"status": {"ratio": 0.25, "conditions": conditions}})
    await make(api, widgets, "b")
    reply = await api.get(widgets.path, accept=TABLE)
    assert reply.body["kind"] == "Table"
    assert [(c["name"], c["type"], c["priority"]) for c in reply.body["columnDefinitions"]] == [
        ("Name", "string", 0),
        ("Size", "integer", 0),
        ("State", "string", 0),
        ("Complete", "string", 0),
        ("Ratio", "number", 0),
        ("Since", "date", 0),
        ("Tags", "string", 0),
        ("Mode", "string", 1),
        ("Age", "date", 0),
    ]
    first, second = (row["cells"] for row in reply.body["rows"])
    assert first[:-1] == ["a", 1, "Waiting", "True", 0.25, "30h", '["x","y"]', "plain"]
    assert second[:-1] == ["b", 1, "Waiting", None, None, None, None, "plain"]
    assert reply.body["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert reply.body["rows"][0]["object"]["metadata"]["name"] == "a"


async def test_a_table_of_one_and_how_much_comes_with_it(api: Api, widgets: Widgets) -> None:
    await make(api, widgets, "a")
    bare = await api.get(widgets.at("a"), accept=TABLE, includeObject="None")
    assert len(bare.body["rows"]) == 1
    assert bare.body["rows"][0]["object"] is None
    whole = await api.get(widgets.at("a"), accept=TABLE, includeObject="Object")
    assert whole.body["rows"][0]["object"]["spec"]["size"] == 1
    missing = await api.get(widgets.at("b"), accept=TABLE)
    assert (missing.code, missing.body["kind"]) == (404, "Status")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces",
        "/api/v1/nodes",
        "/api/v1/pods",
        "/api/v1/events",
        "/api/v1/configmaps",
        "/api/v1/serviceaccounts",
        "/apis/batch/v1/jobs",
        "/apis/apps/v1/deployments",
        "/apis/coordination.k8s.io/v1/leases",
        "/apis/events.k8s.io/v1/events",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    ],
)
async def test_built_in_kinds_have_the_columns_that_kubectl_shows(api: Api, path: str) -> None:
    expected = {
        "namespaces": "Name Status Age",
        "nodes": "Name Status Roles Age Version Internal-IP* External-IP* OS-Image* Kernel-Version* Container-Runtime*",
        "pods": "Name Ready Status Restarts Age IP* Node* Nominated_Node* Readiness_Gates*",
        "events": "Last_Seen Type Reason Object Subobject* Source* Message First_Seen* Count* Name*",
        "configmaps": "Name Data Age",
        "serviceaccounts": "Name Age",
        "jobs": "Name Status Completions Duration Age Containers* Images* Selector*",
        "deployments": "Name Ready Up-to-date Available Age Containers* Images* Selector*",
        "leases": "Name Holder Age",
        "customresourcedefinitions": "Name Created_At",
    }[path.rpartition("/")[2]]
    reply = await api.get(path, accept=TABLE, limit="1")
    columns = reply.body["columnDefinitions"]
    shown = " ".join(c["name"].replace(" ", "_") + "*" * bool(c["priority"]) for c in columns)
    assert shown == expected
