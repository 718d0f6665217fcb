"""The node: runs pods as processes of this machine, with no container around them.

No root is needed and nothing is isolated: the processes see the machine's files and network, run as the user who runs
the cluster, and no limit of memory or CPU is enforced. Ignored for that reason: securityContext, resource limits,
probes, lifecycle hooks, ports, DNS and host settings. See `node_image` for images and `node_paths` for volumes.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hyperdrive_local.controllers.follow import follow
from hyperdrive_local.controllers.job_pods import is_deleting, is_terminal
from hyperdrive_local.controllers.recorder import EventRecorder
from hyperdrive_local.errors import ApiError
from hyperdrive_local.node.capacity import machine_allocatable, requests_of, why_not
from hyperdrive_local.node.container import Tools
from hyperdrive_local.node.environment import surroundings_of
from hyperdrive_local.node.image import ImageTable
from hyperdrive_local.node.logs import LogFile
from hyperdrive_local.node.object import NODE_NAME, node_object
from hyperdrive_local.node.pod import PodRunner
from hyperdrive_local.node.reaper import Reaper
from hyperdrive_local.objects import Object, clone
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import CONFIG_MAPS, NODES, PODS
from hyperdrive_local.times import now, to_text

logger = logging.getLogger(__name__)

SHUTDOWN = "Pod was terminated in response to imminent node shutdown."
LOST = "The node stopped while the pod ran; its processes have ended with it."
STOP_GRACE_SECONDS = 0.7  # between SIGTERM and SIGKILL when the cluster stops


class Node:
    """Binds pods while there is room, runs them, and knows where their logs are."""

    def __init__(
        self,
        registry: Registry,
        folder: Path,
        images: Mapping[str, Path],
        allocatable: Mapping[str, str] | None = None,
    ) -> None:
        self._registry = registry
        self._folder = folder / "pods"
        self._object = node_object({**machine_allocatable(), **(allocatable or {})})
        self._images = ImageTable(images)
        self._kubelet = EventRecorder(registry, "kubelet")
        self._scheduler = EventRecorder(registry, "default-scheduler")
        self._runners: dict[str, PodRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, Object] = {}
        self._taken: dict[str, Mapping[str, Any]] = {}
        self._config_maps_changed = asyncio.Event()
        self._interpreter = interpreter_folder(folder)
        self._stopping = False
        self._reaper: Reaper | None = None
        self._tools: Tools | None = None

    def start(self) -> None:
        """Register, and write off the pods of before."""
        self._reaper = Reaper()
        surroundings = surroundings_of(os.environ, self._interpreter, self._object["status"]["allocatable"])
        self._tools = Tools(
            self._images, self._reaper, surroundings, self._config_maps_of, self._config_maps_changed_once
        )
        self._register()
        self._clean_up()

    async def run(self) -> None:
        """Work until cancelled; `stop` ends the pods."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow(self._registry, CONFIG_MAPS, self._on_config_map))
            tasks.create_task(follow(self._registry, PODS, self._on_pod))

    def _register(self) -> None:
        try:
            present = self._registry.get(NODES, "", NODE_NAME)
        except ApiError:
            self._registry.create(NODES, "", clone(self._object))
            return
        present["status"] = clone(self._object["status"])
        self._registry.update(NODES, "", NODE_NAME, present, subresource="status")
        self._object = present

    def _clean_up(self) -> None:
        """Pods of before: those that ran are over, and folders that are nobody's go."""
        pods, _ = self._registry.list(PODS)
        for pod in pods:
            if pod["spec"].get("nodeName") == NODE_NAME and not is_terminal(pod):
                PodRunner(*self._parts(pod)).lose(LOST)
        known = {pod["metadata"]["uid"] for pod in pods}
        for folder in self._folder.iterdir() if self._folder.exists() else ():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def _parts(self, pod: Object) -> tuple[Registry, EventRecorder, Tools, Object, Path]:
        if self._tools is None:
            raise RuntimeError("the node is not running")
        return self._registry, self._kubelet, self._tools, pod, self._folder / pod["metadata"]["uid"]

    async def stop(self) -> None:
        """End every pod, as a node does that shuts down."""
        self._stopping = True
        for runner in self._runners.values():
            runner.shut_down(SHUTDOWN, STOP_GRACE_SECONDS)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=STOP_GRACE_SECONDS + 2)
        if self._reaper:
            await asyncio.to_thread(self._reaper.close)

    def _on_config_map(self, _kind: str, _config_map: Object) -> None:
        self._config_maps_changed.set()
        self._config_maps_changed = asyncio.Event()

    async def _config_maps_changed_once(self) -> None:
        await self._config_maps_changed.wait()

    def _config_maps_of(self, namespace: str) -> Any:
        def find(name: str) -> Object | None:
            try:
                return self._registry.get(CONFIG_MAPS, namespace, name)
            except ApiError:
                return None

        return find

    def _on_pod(self, kind: str, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if kind == "DELETED":
            self._forget(uid)
        elif is_terminal(pod):
            self._free(uid)
            if pod["metadata"].get("deletionGracePeriodSeconds"):
                self._delete(pod)
        elif is_deleting(pod):
            self._end(pod)
        elif not pod["spec"].get("nodeName") and uid not in self._taken:
            self._waiting[uid] = pod
            self._schedule()

    def _end(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        self._waiting.pop(uid, None)
        if runner := self._runners.get(uid):
            if not runner.stopping.is_set():
                for container in pod["spec"]["containers"]:
                    runner.tell_of_end(container["name"])
            runner.stop(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        else:
            self._delete(pod)

    def _delete(self, pod: Object) -> None:
        metadata = pod["metadata"]
        with contextlib.suppress(ApiError):
            self._registry.delete(PODS, metadata["namespace"], metadata["name"], uid=metadata["uid"], grace_seconds=0)

    def _forget(self, uid: str) -> None:
        self._waiting.pop(uid, None)
        if runner := self._runners.get(uid):
            runner.stop(0)  # deleted by force: its folder goes when its processes have gone
        else:
            shutil.rmtree(self._folder / uid, ignore_errors=True)
        self._free(uid)

    def _free(self, uid: str) -> None:
        if self._taken.pop(uid, None) is not None:
            self._schedule()

    def _schedule(self) -> None:
        """Bind every waiting pod that fits, the oldest first; a big one doesn't hold up small ones."""
        for uid, pod in list(self._waiting.items()) if not self._stopping else ():
            if problem := why_not(pod, self._taken.values(), self._object):
                self._refuse(pod, problem)
            else:
                del self._waiting[uid]
                self._taken[uid] = requests_of(pod)
                self._bind(pod)

    def _refuse(self, pod: Object, problem: str) -> None:
        present = {c["type"]: c for c in pod.get("status", {}).get("conditions", ())}.get("PodScheduled", {})
        if present.get("message") == problem:
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": problem,
            "lastProbeTime": None,
            "lastTransitionTime": present.get("lastTransitionTime") or to_text(now()),
        }
        self._write(pod, {}, condition)
        self._scheduler.record(pod, "Warning", "FailedScheduling", problem)

    def _bind(self, pod: Object) -> None:
        condition = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": to_text(now()),
        }
        bound = self._write(pod, {"nodeName": NODE_NAME}, condition)
        uid = bound["metadata"]["uid"]
        self._runners[uid] = runner = PodRunner(*self._parts(bound))
        self._tasks[uid] = task = asyncio.create_task(runner.run())
        task.add_done_callback(lambda _task: self._ran(uid))

    def _write(self, pod: Object, spec: Mapping[str, Any], condition: dict[str, Any]) -> Object:
        """Write what a scheduler writes. Past the rules for users: binding is no update, and no new generation."""
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        stored = clone(self._registry.store.get(PODS.storage_key, key) or pod)
        stored["spec"] |= spec
        conditions = [c for c in stored["status"].get("conditions", ()) if c["type"] != "PodScheduled"]
        stored["status"]["conditions"] = [*conditions, condition]
        return self._registry.store.put(PODS.storage_key, key, stored)

    def _ran(self, uid: str) -> None:
        """A pod's run is over: if it is being deleted, that is done now."""
        runner, task = self._runners.pop(uid), self._tasks.pop(uid)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a pod could not be run", exc_info=error, extra={"pod": runner.pod["metadata"]["name"]})
        self._free(uid)
        metadata = runner.pod["metadata"]
        try:
            pod = self._registry.get(PODS, metadata["namespace"], metadata["name"])
        except ApiError:
            pod = None
        if pod is None or pod["metadata"]["uid"] != uid:
            shutil.rmtree(self._folder / uid, ignore_errors=True)
        elif is_deleting(pod):
            self._delete(pod)

    def path(self, pod: dict[str, Any], container: str, *, previous: bool = False) -> Path | None:
        """The log file of the container's current (or previous) run; None if there has been no such run."""
        folder = self._folder / pod["metadata"]["uid"] / "logs" / container
        runs = sorted((int(path.stem) for path in folder.glob("*.log")), reverse=True) if folder.is_dir() else []
        wanted = runs[1:2] if previous else runs[:1]
        return folder / f"{wanted[0]}.log" if wanted else None

    def finished(self, pod: dict[str, Any], container: str, path: Path) -> bool:
        """Whether nothing will be appended to this file any more: its run is over, and another may have begun."""
        if pod["metadata"]["uid"] not in self._runners:
            return True
        log = self._log(pod, container)
        return log is not None and (log.path != path or log.closed)

    async def grown(self, pod: dict[str, Any], container: str, path: Path) -> None:
        """Return soon after something is appended or the run is over."""
        log = self._log(pod, container)
        if log is not None and log.path == path:
            await log.grown()

    def _log(self, pod: dict[str, Any], container: str) -> LogFile | None:
        runner = self._runners.get(pod["metadata"]["uid"])
        return runner.logs.get(container) if runner else None


def interpreter_folder(folder: Path) -> Path:
    """A folder where `python` and `python3` are the interpreter that runs the cluster."""
    own = Path(sys.executable).parent
    if all((own / name).exists() for name in ("python", "python3")):
        return own
    made = folder / "bin"
    made.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        # a script and not a link: by a link the interpreter would not find its virtual environment
        script = made / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        script.chmod(0o755)
    return made
