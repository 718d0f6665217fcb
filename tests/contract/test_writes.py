"""Creating, updating, patching and deleting, the refusals and their words included."""

from typing import Any

import pytest
from tests.contract.client import JSON_PATCH, STRATEGIC, Api
from tests.contract.conftest import Widgets

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


async def test_a_new_object_gets_its_identity_and_its_defaults(api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a", uid="mine", generation=7, labels={"a": "b"}))
    metadata = made["metadata"]
    assert metadata["uid"] != "mine"
    assert metadata["generation"] == 1
    assert metadata["namespace"] == widgets.namespace
    assert metadata["labels"] == {"a": "b"}
    assert metadata["creationTimestamp"].endswith("Z")
    assert made["spec"] == {"size": 1, "mode": "plain"}


async def test_the_status_of_a_new_object_is_dropped_but_its_defaults_are_there(api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a") | {"status": {"state": "Mine", "ratio": 1}})
    assert made["status"] == {"state": "Waiting"}
    assert (await api.get(widgets.at("a"))).body["status"] == {"state": "Waiting"}


async def test_a_name_is_generated_from_a_prefix(api: Api, widgets: Widgets) -> None:
    names = {(await api.made(widgets.path, widgets.widget(generateName="w-")))["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(name.startswith("w-") and len(name) == 7 for name in names)


async def test_an_object_of_that_name_is_there_already(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    reply = await api.post(widgets.path, widgets.widget("a"))
    assert (reply.code, reply.body["reason"]) == (409, "AlreadyExists")
    assert reply.message == f'widgets.{widgets.group} "a" already exists'
    assert reply.body["details"] == {"name": "a", "group": widgets.group, "kind": "widgets"}


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        pytest.param(
            {"spec": {"size": 0}},
            422,
            'Widget.{group} "a" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or '
            "equal to 1",
            id="below the minimum",
        ),
        pytest.param({"spec": {}}, 422, 'Widget.{group} "a" is invalid: spec.size: Required value', id="missing"),
        pytest.param(
            {"spec": {"size": "x"}},
            422,
            'Widget.{group} "a" is invalid: spec.size: Invalid value: "string": spec.size in body must be of type '
            'integer: "string"',
            id="of another type",
        ),
        pytest.param(
            {"spec": {"size": 1, "mode": "odd"}},
            422,
            'Widget.{group} "a" is invalid: spec.mode: Unsupported value: "odd": supported values: "plain", "fancy"',
            id="not one of the values",
        ),
        pytest.param(
            {"metadata": {}},
            422,
            'Widget.{group} "" is invalid: metadata.name: Required value: name or generateName is required',
            id="without a name",
        ),
        pytest.param(
            {"metadata": {"name": "a", "labels": {"a": 1}}},
            400,
            None,
            id="with a label that is a number",
        ),
        pytest.param(
            {"metadata": {"name": "a", "resourceVersion": "5"}},
            500,
            "resourceVersion should not be set on objects to be created",
            id="with a version",
        ),
        pytest.param(
            {"metadata": {"name": "a", "namespace": "other"}},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
            id="for another namespace",
        ),
        pytest.param(
            {"apiVersion": "{group}/v2"},
            400,
            "the API version in the data ({group}/v2) does not match the expected API version ({group}/v1)",
            id="of another version",
        ),
        pytest.param(
            {"kind": "Gadget"},
            422,
            'Gadget.{group} "a" is invalid: kind: Invalid value: "Gadget": must be Widget',
            id="of another kind",
        ),
    ],
)
async def test_a_bad_object_is_refused(
    api: Api, widgets: Widgets, change: dict[str, Any], code: int, message: str | None
) -> None:
    body = widgets.widget("a") | change
    body["apiVersion"] = body["apiVersion"].replace("{group}", widgets.group)
    reply = await api.post(widgets.path, body)
    assert reply.code == code, reply.body
    if message is not None:
        assert reply.message == message.replace("{group}", widgets.group)
    assert (await api.get(widgets.path)).body["items"] == []


async def test_every_fault_of_an_object_is_a_cause(api: Api, widgets: Widgets) -> None:
    body = widgets.widget("a", size=0)
    body["spec"]["mode"] = "odd"
    reply = await api.post(widgets.path, body)
    causes = {(cause["field"], cause["reason"]) for cause in reply.body["details"]["causes"]}
    assert causes == {("spec.size", "FieldValueInvalid"), ("spec.mode", "FieldValueNotSupported")}
    assert (reply.body["details"]["name"], reply.body["details"]["kind"]) == ("a", "Widget")


async def test_unknown_fields_are_refused_when_strict(api: Api, widgets: Widgets) -> None:
    body = widgets.widget("a", bogus=1) | {"zig": 1}
    body["spec"]["foo"] = 1
    reply = await api.post(widgets.path, body, fieldValidation="Strict")
    assert reply.code == 400
    assert reply.message == (
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: '
        'unknown field "metadata.bogus", unknown field "spec.foo", unknown field "zig"'
    )


@pytest.mark.parametrize(("validation", "warned"), [("Warn", True), ("", True), ("Ignore", False)])
async def test_unknown_fields_are_dropped_when_not(
    api: Api, widgets: Widgets, validation: str, *, warned: bool
) -> None:
    body = widgets.widget("a")
    body["spec"]["foo"] = 1
    reply = await api.post(widgets.path, body, **({"fieldValidation": validation} if validation else {}))
    assert reply.code == 201
    assert "foo" not in reply.body["spec"]
    assert reply.warnings == ([r"unknown field \"spec.foo\""] if warned else [])


async def test_a_field_validation_that_there_is_not(api: Api, widgets: Widgets) -> None:
    reply = await api.post(widgets.path, widgets.widget("a"), fieldValidation="Nope")
    assert reply.code == 422
    assert reply.message == (
        'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Nope": '
        'supported values: "", "Ignore", "Strict", "Warn"'
    )


async def test_a_dry_run_changes_nothing(api: Api, widgets: Widgets) -> None:
    reply = await api.post(widgets.path, widgets.widget("a"), dryRun="All")
    assert reply.code == 201
    assert reply.body["spec"]["mode"] == "plain"
    assert (await api.get(widgets.at("a"))).code == 404
    made = await api.made(widgets.path, widgets.widget("a"))
    patched = await api.patch(widgets.at("a"), {"spec": {"size": 2}}, dryRun="All")
    assert patched.body["spec"]["size"] == 2
    await api.delete(widgets.at("a"), dryRun="All")
    assert (await api.get(widgets.at("a"))).body["spec"] == made["spec"]


async def test_the_namespace_must_be_there(api: Api, widgets: Widgets) -> None:
    path = widgets.path.replace(widgets.namespace, "no-such-namespace")
    reply = await api.post(path, widgets.widget("a"))
    assert (reply.code, reply.message) == (404, 'namespaces "no-such-namespace" not found')
    assert (await api.get(path)).body["items"] == []


async def test_an_update_needs_the_version_that_it_changes(api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a"))
    without = await api.put(widgets.at("a"), widgets.widget("a", size=2))
    assert without.code == 422
    assert without.message == (
        f'widgets.{widgets.group} "a" is invalid: metadata.resourceVersion: Invalid value: 0: '
        "must be specified for an update"
    )
    made["spec"]["size"] = 2
    updated = await api.put(widgets.at("a"), made)
    assert (updated.code, updated.body["metadata"]["generation"]) == (200, 2)
    again = await api.put(widgets.at("a"), made)
    assert (again.code, again.body["reason"]) == (409, "Conflict")
    assert again.message == f'Operation cannot be fulfilled on widgets.{widgets.group} "a": {MODIFIED}'


async def test_an_update_of_another_object(api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a"))
    assert (await api.put(widgets.at("b"), widgets.widget("b"))).code == 404
    renamed = await api.put(widgets.at("a"), made | {"metadata": made["metadata"] | {"name": "b"}})
    assert (renamed.code, renamed.message) == (
        400,
        "the name of the object (b) does not match the name on the URL (a)",
    )
    replaced = await api.put(widgets.at("a"), made | {"metadata": made["metadata"] | {"uid": "other"}})
    assert replaced.code == 409
    assert "Precondition failed: UID in precondition: other, UID in object meta: " in replaced.message


async def test_a_write_that_changes_nothing_is_no_write(api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a"))
    patched = await api.patch(widgets.at("a"), {"spec": {"size": 1}})
    assert patched.version == made["metadata"]["resourceVersion"]
    assert (await api.patch(f"{widgets.at('a')}/status", {"status": {"state": "Waiting"}})).version == patched.version


async def test_metadata_is_no_new_generation(api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a"))
    patched = await api.patch(widgets.at("a"), {"metadata": {"annotations": {"a": "b"}}})
    assert patched.version != made["metadata"]["resourceVersion"]
    assert patched.body["metadata"]["generation"] == 1
    removed = await api.patch(widgets.at("a"), {"metadata": {"annotations": {"a": None}}})
    assert "annotations" not in removed.body["metadata"]


async def test_the_status_is_written_through_its_own_path_alone(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    change = {"spec": {"size": 9}, "status": {"state": "Busy"}, "metadata": {"labels": {"a": "b"}}}
    status = await api.patch(f"{widgets.at('a')}/status", change)
    assert status.body["status"] == {"state": "Busy"}
    assert status.body["spec"]["size"] == 1
    assert "labels" not in status.body["metadata"]
    assert status.body["metadata"]["generation"] == 1
    main = await api.patch(widgets.at("a"), {"spec": {"size": 2}, "status": {"state": "Idle"}})
    assert (main.body["spec"]["size"], main.body["status"]["state"]) == (2, "Busy")
    assert (await api.get(f"{widgets.at('a')}/status")).body == main.body
    put = await api.put(f"{widgets.at('a')}/status", main.body | {"status": {"state": "Done", "ratio": 0.5}})
    assert put.body["status"] == {"state": "Done", "ratio": 0.5}


async def test_json_patches(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    path = widgets.at("a")
    add = [
        {"op": "test", "path": "/spec/size", "value": 1},
        {"op": "replace", "path": "/spec/size", "value": 7},
        {"op": "add", "path": "/spec/tags", "value": ["x"]},
        {"op": "add", "path": "/spec/tags/-", "value": "y"},
    ]
    patched = await api.patch(path, add, JSON_PATCH)
    assert (patched.body["spec"]["size"], patched.body["spec"]["tags"]) == (7, ["x", "y"])
    for bad in (
        {"op": "test", "path": "/spec/size", "value": 8},
        {"op": "remove", "path": "/spec/nope"},
        {"op": "frob", "path": "/spec/size"},
    ):
        reply = await api.patch(path, [bad], JSON_PATCH)
        assert (reply.code, reply.message) == (422, "the server rejected our request due to an error in our request")
    assert (await api.patch(path, {"op": "add"}, JSON_PATCH)).code == 400


async def test_patches_that_are_refused(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    path = widgets.at("a")
    strategic = await api.patch(path, {"spec": {"size": 2}}, STRATEGIC)
    assert (strategic.code, strategic.body["reason"]) == (415, "UnsupportedMediaType")
    assert strategic.message == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    )
    missing = await api.patch(widgets.at("b"), {"spec": {"size": 2}})
    assert (missing.code, missing.message) == (404, f'widgets.{widgets.group} "b" not found')
    stale = await api.patch(path, {"metadata": {"resourceVersion": "1"}})
    assert (stale.code, stale.body["reason"]) == (409, "Conflict")
    renamed = await api.patch(path, {"metadata": {"name": "b"}})
    assert (renamed.code, renamed.message) == (
        400,
        "the name of the object (b) does not match the name on the URL (a)",
    )
    other = await api.patch(path, {"metadata": {"uid": "other"}})
    assert other.message == (
        f'Widget.{widgets.group} "a" is invalid: metadata.uid: Invalid value: "other": field is immutable'
    )
    unknown = await api.patch(path, {"spec": {"zig": 1}}, fieldValidation="Strict")
    assert unknown.code == 422
    assert unknown.message.endswith('strict decoding error: unknown field "spec.zig"')
    invalid = await api.patch(path, {"spec": {"size": 0}})
    assert (invalid.code, invalid.body["reason"]) == (422, "Invalid")


async def test_bodies_that_are_no_objects(api: Api, widgets: Widgets) -> None:
    text = await api.post(widgets.path, b"{}", content_type="text/plain")
    assert (text.code, text.body["reason"]) == (415, "UnsupportedMediaType")
    broken = await api.post(widgets.path, b"{nope")
    assert broken.code == 400
    assert broken.message.startswith("the object provided is unrecognized (must be of type Widget): ")
    kindless = await api.post(widgets.path, {"metadata": {"name": "a"}})
    assert kindless.code == 400
    assert "Object 'Kind' is missing in" in kindless.message


async def test_yaml_is_read_too(api: Api, namespace: str) -> None:
    text = b"metadata: {name: y}\ndata: {time: 2026-11-24T10:00:00Z}\n"
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    reply = await api.post(path, text.replace(b"y}", b"x}", 1), content_type="application/yaml")
    assert reply.code == 201, reply.body
    assert reply.body["data"] == {"time": "2026-11-24T10:00:00Z"}
