"""Creating and updating, the refusals and their words included."""

from typing import Any

import pytest
from tests.contract.client import Api
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
    assert made["status"] == {"state": "Waiting", "seen": -1}
    assert (await api.get(widgets.at("a"))).body["status"] == {"state": "Waiting", "seen": -1}


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
