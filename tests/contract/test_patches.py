"""Patches, the status, and bodies that are none."""

from tests.contract.client import JSON_PATCH, STRATEGIC, Api
from tests.contract.conftest import Widgets


async def test_a_write_that_changes_nothing_is_no_write(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    # the real server stores the defaults of a dropped status with the next write, so that one has to come first
    changed = await api.patch(widgets.at("a"), {"spec": {"size": 2}})
    patched = await api.patch(widgets.at("a"), {"spec": {"size": 2}})
    assert patched.version == changed.version
    assert (await api.patch(f"{widgets.at('a')}/status", {"status": {"state": "Waiting"}})).version == changed.version
    assert (await api.put(widgets.at("a"), patched.body)).version == changed.version


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
    assert status.body["status"] == {"state": "Busy", "seen": -1}
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
