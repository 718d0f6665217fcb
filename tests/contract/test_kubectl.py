"""The real kubectl, on both servers: what it prints is what people see."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.client import Api, eventually
from tests.contract.conftest import Widgets, is_served

KUBECTL = os.environ.get("KUBECTL") or shutil.which("kubectl") or ""
pytestmark = pytest.mark.skipif(not KUBECTL, reason="there is no kubectl on PATH, and KUBECTL names none")

AGE = re.compile(r"\b\d+(s|m\d+s)\b")
Run = Callable[..., Coroutine[Any, Any, str]]


async def start(api: Api, cache: Path, *arguments: str, pipe: bool = False) -> asyncio.subprocess.Process:
    """Start kubectl, on the server of the test alone."""
    return await asyncio.create_subprocess_exec(
        KUBECTL,
        f"--kubeconfig={api.kubeconfig}",
        f"--cache-dir={cache}",
        *arguments,
        stdin=asyncio.subprocess.PIPE if pipe else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@pytest.fixture
def kubectl(api: Api, namespace: str, tmp_path: Path) -> Run:
    """Run kubectl in the test's namespace: what it printed, ages made alike; `code` is the exit code it must have."""

    async def run(*arguments: str, body: Any = None, code: int = 0) -> str:
        process = await start(api, tmp_path / "cache", f"--namespace={namespace}", *arguments, pipe=body is not None)
        text = None if body is None else json.dumps(body).encode()
        async with asyncio.timeout(30):
            output, _ = await process.communicate(text)
        assert process.returncode == code, output.decode()
        return AGE.sub("AGE", output.decode()).replace(namespace, "NAMESPACE")

    return run


def columns(text: str) -> list[list[str]]:
    """Cells, which are at least two spaces apart."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


def suspended(name: str, **metadata: Any) -> dict[str, Any]:
    """A Job that no controller starts."""
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name} | metadata,
        "spec": {"suspend": True, "template": {"spec": spec}},
    }


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
