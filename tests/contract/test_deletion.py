"""What deleting does, waits for and refuses."""

from tests.contract.client import Api
from tests.contract.conftest import Widgets


async def test_a_finalizer_holds_an_object(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a", finalizers=["example.com/hold"]))
    path = widgets.at("a")
    deleted = await api.delete(path)
    assert deleted.body["metadata"]["finalizers"] == ["example.com/hold"]
    assert deleted.body["metadata"]["deletionGracePeriodSeconds"] == 0
    assert deleted.body["metadata"]["generation"] == 2
    assert (await api.delete(path)).version == deleted.version
    added = await api.patch(path, {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}})
    assert added.code == 422
    assert "no new finalizers can be added if the object is being deleted" in added.message
    changed = await api.patch(path, {"spec": {"size": 3}})
    assert (changed.code, changed.body["spec"]["size"]) == (200, 3)
    freed = await api.patch(path, {"metadata": {"finalizers": None}})
    assert freed.code == 200
    assert (await api.get(path)).code == 404


async def test_a_deletion_says_what_is_gone(api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a"))
    deleted = await api.delete(widgets.at("a"))
    assert deleted.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "a", "group": widgets.group, "kind": "widgets", "uid": made["metadata"]["uid"]},
    }
    assert (await api.delete(widgets.at("a"))).code == 404


async def test_deletions_that_are_refused(api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a"))
    other = await api.delete(widgets.at("a"), {"preconditions": {"uid": "other"}})
    assert other.code == 409
    assert other.message == (
        f'Operation cannot be fulfilled on Widget.{widgets.group} "a": the UID in the precondition (other) does not '
        f"match the UID in record ({made['metadata']['uid']}). The object might have been deleted and then recreated"
    )
    both = await api.delete(widgets.at("a"), {"propagationPolicy": "Background", "orphanDependents": True})
    assert both.code == 422
    unknown = await api.delete(widgets.at("a"), {"propagationPolicy": "Zig"})
    assert unknown.message == (
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Zig": '
        'supported values: "Foreground", "Background", "Orphan", "nil"'
    )
    assert (await api.get(widgets.at("a"))).body == made


async def test_what_is_selected_is_deleted_together(api: Api, widgets: Widgets) -> None:
    for name, labels in {"a": {"x": "1"}, "b": {"x": "2"}, "c": {"x": "1"}}.items():
        await api.made(widgets.path, widgets.widget(name, labels=labels))
    deleted = await api.delete(widgets.path, labelSelector="x=1")
    assert deleted.code == 200
    left = await api.get(widgets.path)
    assert [item["metadata"]["name"] for item in left.body["items"]] == ["b"]
