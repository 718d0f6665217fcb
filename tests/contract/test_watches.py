"""Watches: what is seen, from when on, and what is said when it can't be."""

import pytest
from tests.contract.client import TABLE, Api
from tests.contract.conftest import Widgets


async def test_every_change_is_an_event(api: Api, widgets: Widgets) -> None:
    start = (await api.get(widgets.path)).version
    async with api.watch(widgets.path, resourceVersion=start) as watch:
        made = await api.made(widgets.path, widgets.widget("a"))
        await api.patch(widgets.at("a"), {"spec": {"size": 2}})
        await api.patch(f"{widgets.at('a')}/status", {"status": {"state": "Busy"}})
        await api.delete(widgets.at("a"))
        kind, obj = await watch.next()
        assert (kind, obj) == ("ADDED", made)
        kind, obj = await watch.next()
        assert (kind, obj["spec"]["size"]) == ("MODIFIED", 2)
        kind, obj = await watch.next()
        assert (kind, obj["status"]["state"]) == ("MODIFIED", "Busy")
        before = int(obj["metadata"]["resourceVersion"])
        kind, obj = await watch.next()
        assert (kind, obj["metadata"]["name"]) == ("DELETED", "a")
        assert int(obj["metadata"]["resourceVersion"]) > before


async def test_a_watch_resumes_where_another_ended(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    second = await api.made(widgets.path, widgets.widget("b"))
    await api.made(widgets.path, widgets.widget("c"))
    await api.delete(widgets.at("a"))
    async with api.watch(widgets.path, resourceVersion=second["metadata"]["resourceVersion"]) as watch:
        assert await watch.names(2) == [("ADDED", "c"), ("DELETED", "a")]


@pytest.mark.parametrize("version", ["", "0"])
async def test_without_a_version_a_watch_begins_with_what_is_there(api: Api, widgets: Widgets, version: str) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    await api.made(widgets.path, widgets.widget("b"))
    # the real server answers version 0 from a cache, which this makes sure knows both
    assert len((await api.get(widgets.path)).body["items"]) == 2
    async with api.watch(widgets.path, **({"resourceVersion": version} if version else {})) as watch:
        assert sorted(await watch.names(2)) == [("ADDED", "a"), ("ADDED", "b")]
        await api.made(widgets.path, widgets.widget("c"))
        assert await watch.names(1) == [("ADDED", "c")]


async def test_initial_events_end_with_a_bookmark(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    async with api.watch(widgets.path, **query) as watch:
        assert await watch.names(1) == [("ADDED", "a")]
        kind, obj = await watch.next()
        assert kind == "BOOKMARK"
        assert obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert (obj["kind"], obj["apiVersion"]) == ("Widget", f"{widgets.group}/v1")
    del query["resourceVersionMatch"]
    refused = await api.get(widgets.path, watch="1", **query)
    assert refused.code == 422
    assert refused.message == (
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    )


async def test_selectors_make_objects_come_and_go(api: Api, widgets: Widgets) -> None:
    start = (await api.get(widgets.path)).version
    async with api.watch(widgets.path, resourceVersion=start, labelSelector="app=x") as watch:
        await api.made(widgets.path, widgets.widget("other"))
        await api.made(widgets.path, widgets.widget("a"))
        await api.patch(widgets.at("a"), {"metadata": {"labels": {"app": "x"}}})
        await api.patch(widgets.at("a"), {"spec": {"size": 2}})
        last = await api.patch(widgets.at("a"), {"metadata": {"labels": {"app": "y"}}})
        await api.patch(widgets.at("a"), {"metadata": {"labels": {"app": "x"}}})
        await api.delete(widgets.at("a"))
        assert await watch.names(2) == [("ADDED", "a"), ("MODIFIED", "a")]
        kind, obj = await watch.next()
        assert (kind, obj["metadata"]["labels"]) == ("DELETED", {"app": "x"})
        assert obj["metadata"]["resourceVersion"] == last.version
        assert await watch.names(2) == [("ADDED", "a"), ("DELETED", "a")]


async def test_one_object_can_be_watched_by_its_name(api: Api, widgets: Widgets) -> None:
    start = (await api.get(widgets.path)).version
    async with api.watch(widgets.path, resourceVersion=start, fieldSelector="metadata.name=b") as watch:
        await api.made(widgets.path, widgets.widget("a"))
        await api.made(widgets.path, widgets.widget("b"))
        await api.delete(widgets.at("a"))
        await api.delete(widgets.at("b"))
        assert await watch.names(2) == [("ADDED", "b"), ("DELETED", "b")]


async def test_other_namespaces_are_not_seen(api: Api, widgets: Widgets) -> None:
    start = (await api.get(widgets.path)).version
    elsewhere = widgets.path.replace(widgets.namespace, "default")
    everywhere = f"/apis/{widgets.group}/v1/widgets"
    async with (
        api.watch(widgets.path, resourceVersion=start) as mine,
        api.watch(everywhere, resourceVersion=start) as all_of_them,
    ):
        await api.made(elsewhere, widgets.widget("there"))
        await api.made(widgets.path, widgets.widget("here"))
        assert await mine.names(1) == [("ADDED", "here")]
        assert await all_of_them.names(2) == [("ADDED", "there"), ("ADDED", "here")]
    await api.delete(f"{elsewhere}/there")


async def test_a_version_that_is_too_old_is_told_in_the_watch(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    async with api.watch(widgets.path, resourceVersion="1") as watch:
        kind, obj = await watch.next()
        assert (kind, obj["code"], obj["reason"]) == ("ERROR", 410, "Expired")
        assert obj["message"].startswith("too old resource version: 1 (")
        with pytest.raises(EOFError):
            await watch.next()


async def test_a_version_that_is_none(api: Api, widgets: Widgets) -> None:
    reply = await api.get(widgets.path, watch="1", resourceVersion="zz")
    assert reply.code == 500
    assert reply.message == ('resourceVersion: Invalid value: "zz": strconv.ParseUint: parsing "zz": invalid syntax')


async def test_a_watch_of_rows_says_its_columns_once(api: Api, widgets: Widgets) -> None:
    start = (await api.get(widgets.path)).version
    async with api.watch(widgets.path, resourceVersion=start, accept=TABLE) as watch:
        await api.made(widgets.path, widgets.widget("a"))
        await api.delete(widgets.at("a"))
        kind, table = await watch.next()
        assert (kind, table["kind"], table["columnDefinitions"][0]["name"]) == ("ADDED", "Table", "Name")
        assert table["rows"][0]["cells"][:2] == ["a", 1]
        kind, table = await watch.next()
        assert (kind, table["columnDefinitions"]) == ("DELETED", None)
        assert table["rows"][0]["object"]["metadata"]["name"] == "a"


async def test_a_watch_ends_when_its_kind_is_deleted(api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    start = (await api.get(widgets.path)).version
    async with api.watch(widgets.path, resourceVersion=start) as watch:
        await api.delete(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{widgets.group}")
        assert await watch.names(1) == [("DELETED", "a")]
        with pytest.raises(EOFError):
            await watch.names(10)
