"""What the real kubectl shows, on both servers: what it prints is what people see."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.client import Api, eventually
from tests.contract.conftest import Widgets, is_served
from tests.contract.kubectl import Run, columns, kubectl, needs_kubectl, start, suspended

__all__ = ["kubectl"]  # the fixture
pytestmark = needs_kubectl


async def test_get_prints_the_columns(kubectl: Run, api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    await api.made(widgets.path, widgets.widget("b", size=12, labels={"app": "x"}))
    conditions = [{"type": "Complete", "status": "True"}]
    await api.patch(f"{widgets.at('b')}/status", {"status": {"state": "Done", "conditions": conditions}})
    assert await kubectl("get", widgets.resource) == (
        "NAME   SIZE   STATE     COMPLETE   RATIO   SINCE   TAGS   AGE\n"
        "a      1      Waiting                                     AGE\n"
        "b      12     Done      True                              AGE\n"
    )
    assert columns(await kubectl("get", widgets.resource, "b", "-owide"))[0][-2:] == ["MODE", "AGE"]
    assert await kubectl("get", widgets.resource, "-l", "app=x", "-oname") == f"widget.{widgets.group}/b\n"
    shown = await kubectl("get", widgets.resource, "b", "--show-labels", "--no-headers")
    assert shown.split()[-1] == "app=x"
    assert await kubectl("get", widgets.resource, "c", code=1) == (
        f'Error from server (NotFound): widgets.{widgets.group} "c" not found\n'
    )
    text = await kubectl("get", widgets.resource, "-A", "--sort-by=.spec.size")
    assert [row[1] for row in columns(text) if row[0] == "NAMESPACE"] == ["NAME", "a", "b"]


async def test_get_in_other_forms(kubectl: Run, api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a"))
    found = yaml.safe_load(await kubectl("get", widgets.resource, "a", "-oyaml"))
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    assert await kubectl("get", widgets.resource, "a", "-ojsonpath={.spec.size}") == "1"
    text = await kubectl("get", widgets.resource, "-ocustom-columns=N:.metadata.name,S:.spec.size")
    assert columns(text) == [["N", "S"], ["a", "1"]]


async def test_get_jobs_and_pods(kubectl: Run, api: Api, namespace: str) -> None:
    await api.made(f"/apis/batch/v1/namespaces/{namespace}/jobs", suspended("j"))
    job = columns(await kubectl("get", "job", "j", "-owide"))
    assert job[0] == ["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"]
    assert job[1][0] == "j"
    assert job[1][2:6] == ["0/1", "AGE", "main", "busybox:1"]
    pod = {
        "metadata": {"name": "p"},
        "spec": {"schedulerName": "nobody", "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]},
    }
    await api.made(f"/api/v1/namespaces/{namespace}/pods", pod)
    assert await kubectl("get", "pods", "-owide") == (
        "NAME   READY   STATUS    RESTARTS   AGE   IP       NODE     NOMINATED NODE   READINESS GATES\n"
        "p      0/2     Pending   0          AGE    <none>   <none>   <none>           <none>\n"
    )


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        pytest.param({"phase": "Running"}, "0/1 Running 0", id="running"),
        pytest.param(
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            "0/1 ImagePullBackOff 0",
            id="waiting",
        ),
        pytest.param(
            {"phase": "Running", "containerStatuses": [{"ready": True, "restartCount": 2, "state": {"running": {}}}]},
            "1/1 Running 2",
            id="restarted",
        ),
        pytest.param(
            {
                "phase": "Succeeded",
                "containerStatuses": [{"state": {"terminated": {"reason": "Completed", "exitCode": 0}}}],
            },
            "0/1 Completed 0",
            id="completed",
        ),
        pytest.param(
            {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]},
            "0/1 ExitCode:3 0",
            id="failed without a reason",
        ),
        pytest.param({"phase": "Failed", "reason": "Evicted"}, "0/1 Evicted 0", id="evicted"),
    ],
)
async def test_the_state_of_a_pod_in_a_word(
    kubectl: Run, api: Api, namespace: str, status: dict[str, Any], shown: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    spec = {"schedulerName": "nobody", "containers": [{"name": "a", "image": "x"}]}
    await api.made(path, {"metadata": {"name": "p"}, "spec": spec})
    needed = {"name": "a", "image": "x", "imageID": "x", "restartCount": 0, "ready": False}
    if "containerStatuses" in status:
        status = status | {"containerStatuses": [needed | each for each in status["containerStatuses"]]}
    patched = await api.patch(f"{path}/p/status", {"status": status})
    assert patched.code == 200, patched.body
    assert (await kubectl("get", "pod", "p", "--no-headers")).split()[1:4] == shown.split()


async def test_explain_reads_the_descriptions(kubectl: Run, api: Api, widgets: Widgets) -> None:
    await eventually(lambda: is_served(api, f"/openapi/v3/apis/{widgets.group}/v1"))
    text = await kubectl("explain", f"{widgets.resource}.spec")
    assert "KIND:       Widget" in text
    assert "What is wanted of a widget." in text
    assert re.search(r"size\s+<integer> -required-\s+How big it is\.", text)
    assert "enum: plain, fancy" in text
    assert "restartPolicy" in await kubectl("explain", "job.spec.template.spec")


async def test_api_resources_lists_a_custom_one(kubectl: Run, widgets: Widgets) -> None:
    short = f"w{widgets.group.partition('.')[0]}"
    text = await kubectl("api-resources", f"--api-group={widgets.group}", "--no-headers")
    assert text.split() == ["widgets", short, f"{widgets.group}/v1", "true", "Widget"]


async def test_short_names_and_categories(kubectl: Run, api: Api, widgets: Widgets) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    label = widgets.group.partition(".")[0]
    for name in (f"w{label}", f"c{label}"):
        assert await kubectl("get", name, "-oname") == f"widget.{widgets.group}/a\n"


async def test_describe_shows_the_events(kubectl: Run, api: Api, widgets: Widgets) -> None:
    made = await api.made(widgets.path, widgets.widget("a"))
    about = {"kind": "Widget", "namespace": widgets.namespace, "name": "a", "uid": made["metadata"]["uid"]}
    event = {"involvedObject": about, "reason": "Grew", "message": "it is bigger now", "type": "Normal", "count": 1}
    times = {"firstTimestamp": "2026-11-24T10:00:00Z", "lastTimestamp": "2026-11-24T10:00:00Z"}
    path = f"/api/v1/namespaces/{widgets.namespace}/events"
    await api.made(path, {"metadata": {"name": "e"}, "source": {"component": "me"}} | event | times)
    text = await kubectl("describe", widgets.resource, "a")
    assert re.search(r"Kind:\s+Widget", text)
    assert re.search(r"Normal\s+Grew\s+.*\s+me\s+it is bigger now", text)
    listed = columns(await kubectl("get", "events"))
    assert listed[0] == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert listed[1][1:] == ["Normal", "Grew", "widget/a", "it is bigger now"]


async def test_get_and_watch(kubectl: Run, api: Api, widgets: Widgets, tmp_path: Path) -> None:
    await api.made(widgets.path, widgets.widget("a"))
    await kubectl("get", widgets.resource)
    arguments = ("get", widgets.resource, "-w", "--output-watch-events", f"--namespace={widgets.namespace}")
    process = await start(api, tmp_path / "cache", *arguments)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            lines = [await process.stdout.readline() for _ in range(2)]
            await api.made(widgets.path, widgets.widget("b"))
            await api.delete(widgets.at("a"))
            lines += [await process.stdout.readline() for _ in range(2)]
    finally:
        process.kill()
        await process.communicate()
    assert [line.split()[:3] for line in lines] == [
        [b"EVENT", b"NAME", b"SIZE"],
        [b"ADDED", b"a", b"1"],
        [b"ADDED", b"b", b"1"],
        [b"DELETED", b"a", b"1"],
    ]
