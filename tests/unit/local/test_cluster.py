"""The embedded cluster as a whole: what it keeps, what it leaves, what it refuses."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.unit.local.processes import FAMILY, is_alive, job, until, until_object

from hyperdrive_local.cluster import Cluster, ClusterError
from hyperdrive_local.embedded import EmbeddedCluster
from hyperdrive_local.resources import CONFIG_MAPS, JOBS, PODS


def is_over(obj: dict[str, Any]) -> bool:
    return any(c["type"] in {"Complete", "Failed"} for c in obj.get("status", {}).get("conditions", []))


def phase_is(*phases: str) -> Any:
    return lambda pod: pod["status"].get("phase") in phases


async def pod_of(cluster: Cluster, name: str) -> dict[str, Any]:
    [pod] = cluster.registry.list(PODS, "default", label_selector=f"job-name={name}")[0]
    return pod


async def pids_of(cluster: Cluster, name: str) -> list[int]:
    """The ids that a running pod has printed."""
    cluster.registry.create(JOBS, "default", job(name, FAMILY + "; time.sleep(600)"))
    await until_object(cluster.registry, JOBS, name, lambda j: j.get("status", {}).get("ready"))
    pod = await pod_of(cluster, name)
    log = cluster.data_dir / "pods" / pod["metadata"]["uid"] / "logs" / "main" / "0.log"
    await until(lambda: log.exists() and log.read_text())
    return [int(word) for word in log.read_text().split(" ", 3)[3].split()]


async def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        pids = await pids_of(cluster, "a")
        assert all(map(is_alive, pids))
    assert not any(map(is_alive, pids))


async def test_a_container_takes_its_children_with_it(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        cluster.registry.create(JOBS, "default", job("a", FAMILY))
        await until_object(cluster.registry, JOBS, "a", is_over)
        pod = await pod_of(cluster, "a")
        log = cluster.data_dir / "pods" / pod["metadata"]["uid"] / "logs" / "main" / "0.log"
        pids = [int(word) for word in log.read_text().split(" ", 3)[3].split()]
        await until(lambda: not any(map(is_alive, pids)))


async def test_objects_outlive_the_cluster_and_running_pods_do_not(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        cluster.registry.create(CONFIG_MAPS, "default", {"metadata": {"name": "kept"}, "data": {"a": "b"}})
        await pids_of(cluster, "a")
        pod = await pod_of(cluster, "a")
    async with Cluster(tmp_path) as cluster:
        assert cluster.registry.get(CONFIG_MAPS, "default", "kept")["data"] == {"a": "b"}
        done = await until_object(cluster.registry, JOBS, "a", is_over)
        assert done["status"]["conditions"][-1]["reason"] == "BackoffLimitExceeded"
        status = cluster.registry.get(PODS, "default", pod["metadata"]["name"])["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "Terminated")
    disruption = [c for c in status["conditions"] if c["type"] == "DisruptionTarget"]
    assert disruption[0]["reason"] == "TerminationByKubelet"


async def test_fresh_forgets_what_was(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        cluster.registry.create(CONFIG_MAPS, "default", {"metadata": {"name": "kept"}})
    (tmp_path / "notes.txt").write_text("mine")
    async with Cluster(tmp_path, fresh=True) as cluster:
        names = [obj["metadata"]["name"] for obj in cluster.registry.list(CONFIG_MAPS, "default")[0]]
    assert "kept" not in names
    assert (tmp_path / "notes.txt").read_text() == "mine"


async def test_a_state_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(ClusterError, match="--fresh"):
        await Cluster(tmp_path).start()
    assert (tmp_path / "state.json").read_text() == "{"


async def test_a_folder_has_one_cluster_at_a_time(tmp_path: Path) -> None:
    async with Cluster(tmp_path):
        with pytest.raises(ClusterError, match="is used by another cluster"):
            await Cluster(tmp_path).start()
    async with Cluster(tmp_path):
        pass


async def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ClusterError, match=f"port {port} can't be listened on"):
            await Cluster(tmp_path).start(port)


async def test_without_controllers_nothing_moves_but_garbage(tmp_path: Path) -> None:
    async with Cluster(tmp_path, run_jobs=False, run_pods=False) as cluster:
        made = cluster.registry.create(JOBS, "default", job("a", ""))
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "a", "uid": made["metadata"]["uid"]}
        body = {"metadata": {"name": "child", "ownerReferences": [owner]}}
        child = cluster.registry.create(CONFIG_MAPS, "default", body)
        version = child["metadata"]["resourceVersion"]
        events = cluster.registry.watch(CONFIG_MAPS, "default", since=int(version))
        cluster.registry.delete(JOBS, "default", "a")
        async with asyncio.timeout(5):
            event = await anext(events)
        assert (event.type, event.object["metadata"]["name"]) == ("DELETED", "child")
        assert cluster.registry.list(PODS)[0] == []


async def test_pods_beyond_the_machine_wait_for_their_turn(tmp_path: Path) -> None:
    async with Cluster(tmp_path, allocatable={"cpu": "1"}) as cluster:
        manifest = job("a", "import time; time.sleep(.2)", parallelism=3, completions=3)
        container = manifest["spec"]["template"]["spec"]["containers"][0]
        container["resources"] = {"requests": {"cpu": "600m"}}
        cluster.registry.create(JOBS, "default", manifest)
        await until_object(cluster.registry, JOBS, "a", lambda j: j.get("status", {}).get("active") == 3)
        most = 0

        def look(obj: dict[str, Any]) -> bool:
            nonlocal most
            running = [p for p in cluster.registry.list(PODS)[0] if p["status"].get("phase") == "Running"]
            most = max(most, len(running))
            return is_over(obj)

        done = await until_object(cluster.registry, JOBS, "a", look)
        assert done["status"]["succeeded"] == 3
        assert most == 1


async def test_an_image_that_is_not_there_is_told_with_the_fix(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        cluster.registry.create(JOBS, "default", job("a", "", image="acme/digits:1"))

        def backs_off(pod: dict[str, Any]) -> bool:
            [status] = pod["status"].get("containerStatuses") or [{"state": {}}]
            return bool(status["state"].get("waiting", {}).get("reason") == "ImagePullBackOff")

        await until_object(cluster.registry, JOBS, "a", lambda j: j.get("status", {}).get("active"))
        name = (await pod_of(cluster, "a"))["metadata"]["name"]
        pod = await until_object(cluster.registry, PODS, name, backs_off)
        message = pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
        assert message.endswith("start the cluster with --image acme/digits:1=FOLDER")


async def test_a_folder_runs_as_its_image(tmp_path: Path) -> None:
    source = tmp_path / "train"
    source.mkdir()
    (source / "Dockerfile").write_text(
        'WORKDIR /app\nENV A=1 B=/app/data\nENTRYPOINT ["python", "train.py"]\nCMD ["x"]\n'
    )
    (source / "train.py").write_text(
        "import os, sys\nimport other\nopen('new.txt', 'w').write('n')\n"
        "print(sys.argv[1:], os.environ['A'], os.path.isdir(os.environ['B']), 'SECRET' in os.environ)\n"
    )
    (source / "other.py").write_text("")
    (source / "data").mkdir()
    async with Cluster(tmp_path / "cluster", images={"acme/train:1": source}) as cluster:
        manifest = job("a", "")
        container = {"name": "main", "image": "acme/train:1", "args": ["--in=/app/data"]}
        manifest["spec"]["template"]["spec"]["containers"] = [container]
        cluster.registry.create(JOBS, "default", manifest)
        done = await until_object(cluster.registry, JOBS, "a", is_over)
        pod = await pod_of(cluster, "a")
        folder = cluster.data_dir / "pods" / pod["metadata"]["uid"]
        log = (folder / "logs" / "main" / "0.log").read_text()
    assert done["status"].get("succeeded") == 1, log
    work = folder / "containers" / "main" / "0" / "work"
    assert log.split(" ", 3)[3] == f"['--in={work}/data'] 1 True False\n"
    assert not (source / "new.txt").exists()


def test_it_runs_in_a_thread_for_clients_that_are_not_asynchronous(tmp_path: Path) -> None:
    with EmbeddedCluster(tmp_path) as cluster:
        made = cluster.call(lambda registry: registry.create(JOBS, "default", job("a", "print(1)")))
        assert made["metadata"]["uid"]
        assert cluster.kubeconfig.read_text().count(cluster.url) == 1
    with pytest.raises(ClusterError), EmbeddedCluster(tmp_path / "state.json" / "below"):
        pass
