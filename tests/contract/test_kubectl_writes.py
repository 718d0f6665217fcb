"""What the real kubectl changes, on both servers."""

import asyncio
import json

import pytest
from tests.contract.client import Api
from tests.contract.conftest import Widgets
from tests.contract.kubectl import Run, kubectl, needs_kubectl, suspended

__all__ = ["kubectl"]  # the fixture
pytestmark = needs_kubectl


async def test_apply_twice_and_apply_a_change(kubectl: Run, widgets: Widgets) -> None:
    body = widgets.widget("a")
    name = f"widget.{widgets.group}/a"
    assert await kubectl("apply", "-f-", body=body) == f"{name} created\n"
    assert await kubectl("apply", "-f-", body=body) == f"{name} unchanged\n"
    body["spec"] |= {"size": 2, "mode": "fancy"}
    assert await kubectl("apply", "-f-", body=body) == f"{name} configured\n"
    del body["spec"]["mode"]
    assert await kubectl("apply", "-f-", body=body) == f"{name} configured\n"
    found = json.loads(await kubectl("get", widgets.resource, "a", "-ojson"))
    assert found["spec"] == {"size": 2, "mode": "plain"}


async def test_apply_a_job_twice(kubectl: Run) -> None:
    assert await kubectl("apply", "-f-", body=suspended("j")) == "job.batch/j created\n"
    assert await kubectl("apply", "-f-", body=suspended("j")) == "job.batch/j unchanged\n"
    labelled = suspended("j", labels={"a": "b"})
    assert await kubectl("apply", "-f-", body=labelled) == "job.batch/j configured\n"
    assert await kubectl("apply", "-f-", body=labelled) == "job.batch/j unchanged\n"


async def test_apply_what_is_wrong(kubectl: Run, widgets: Widgets) -> None:
    body = widgets.widget("a", size=0)
    assert await kubectl("apply", "-f-", body=body, code=1) == (
        'The Widget "a" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or '
        "equal to 1\n"
    )
    body["spec"] = {"size": 1, "colour": "red"}
    text = await kubectl("apply", "-f-", body=body, code=1)
    assert 'strict decoding error: unknown field "spec.colour"' in text


async def test_a_server_side_dry_run(kubectl: Run, widgets: Widgets) -> None:
    name = f"widget.{widgets.group}/a"
    assert await kubectl("create", "-f-", "--dry-run=server", body=widgets.widget("a")) == (
        f"{name} created (server dry run)\n"
    )
    assert await kubectl("get", widgets.resource) == "No resources found in NAMESPACE namespace.\n"


async def test_annotate_label_and_patch(kubectl: Run, api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    name = f"widget.{widgets.group}/a"
    assert await kubectl("annotate", widgets.resource, "a", "note=one") == f"{name} annotated\n"
    assert "already has a value" in await kubectl("annotate", widgets.resource, "a", "note=two", code=1)
    assert await kubectl("annotate", widgets.resource, "a", "note-") == f"{name} annotated\n"
    assert await kubectl("label", widgets.resource, "a", "app=x") == f"{name} labeled\n"
    assert (
        await kubectl("patch", widgets.resource, "a", "--type=merge", '-p={"spec":{"size":5}}') == f"{name} patched\n"
    )
    assert await kubectl("patch", widgets.resource, "a", "--type=merge", '-p={"spec":{"size":5}}') == (
        f"{name} patched (no change)\n"
    )
    found = (await api.get(widgets.at("a"))).body
    assert (found["spec"]["size"], found["metadata"]["labels"]) == (5, {"app": "x"})


async def test_edit(kubectl: Run, api: Api, widgets: Widgets, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    monkeypatch.setenv("KUBE_EDITOR", "sed -i 's/size: 1/size: 6/'")
    assert await kubectl("edit", widgets.resource, "a") == f"widget.{widgets.group}/a edited\n"
    assert (await api.get(widgets.at("a"))).body["spec"]["size"] == 6


async def test_delete_waits_until_it_is_gone(kubectl: Run, api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a", finalizers=["example.com/hold"]))
    start_version = (await api.get(widgets.path)).version
    deleting = asyncio.create_task(kubectl("delete", f"{widgets.resource}/a", "--wait", "--timeout=20s"))
    async with api.watch(widgets.path, resourceVersion=start_version) as watch:
        kind, obj = await watch.next()
    assert (kind, "deletionTimestamp" in obj["metadata"]) == ("MODIFIED", True)
    assert not deleting.done()
    await api.patch(widgets.at("a"), {"metadata": {"finalizers": None}})
    assert (await deleting).startswith(f'widget.{widgets.group} "a" deleted')
    assert (await api.get(widgets.at("a"))).code == 404


async def test_wait_for_a_condition(kubectl: Run, api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    waiting = asyncio.create_task(kubectl("wait", f"{widgets.resource}/a", "--for=condition=Complete", "--timeout=20s"))
    conditions = [{"type": "Complete", "status": "True"}]
    await api.patch(f"{widgets.at('a')}/status", {"status": {"conditions": conditions}})
    assert await waiting == f"widget.{widgets.group}/a condition met\n"
    assert "timed out waiting" in await kubectl(
        "wait", f"{widgets.resource}/a", "--for=condition=Failed", "--timeout=1s", code=1
    )
    crd = f"crd/widgets.{widgets.group}"
    assert "condition met" in await kubectl("wait", crd, "--for=condition=Established", "--timeout=5s")


async def test_create_a_namespace_by_name(kubectl: Run, api: Api, namespace: str) -> None:
    name = f"{namespace}-more"
    try:
        assert await kubectl("create", "namespace", name) == "namespace/NAMESPACE-more created\n"
        assert (await api.get(f"/api/v1/namespaces/{name}")).code == 200
    finally:
        await api.delete(f"/api/v1/namespaces/{name}")


async def test_a_job_by_its_image(kubectl: Run, api: Api, namespace: str) -> None:
    assert await kubectl("create", "job", "j", "--image=busybox:1", "--", "echo", "hi") == "job.batch/j created\n"
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/j"
    spec = (await api.get(path)).body["spec"]["template"]["spec"]
    assert (spec["containers"][0]["command"], spec["restartPolicy"]) == (["echo", "hi"], "Never")
    await kubectl("create", "configmap", "c", "--from-literal=a=b")
    assert (await api.get(f"/api/v1/namespaces/{namespace}/configmaps/c")).body["data"] == {"a": "b"}


async def test_a_namespace_that_is_not_there(kubectl: Run) -> None:
    text = await kubectl("create", "-f-", "--namespace=no-such-namespace", body=suspended("j"), code=1)
    assert text == (
        'Error from server (NotFound): error when creating "STDIN": namespaces "no-such-namespace" not found\n'
    )
