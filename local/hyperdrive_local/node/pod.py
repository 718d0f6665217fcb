"""One pod on the node: its init containers in order, then its containers, then its end."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hyperdrive_local.controllers.recorder import EventRecorder
from hyperdrive_local.errors import ApiError
from hyperdrive_local.node.container import Container, Tools
from hyperdrive_local.node.logs import LogFile
from hyperdrive_local.node.status import ContainerRecord, is_sidecar, new_record, pod_status
from hyperdrive_local.node.volumes import make_volumes
from hyperdrive_local.objects import Object
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import PODS

OpenLog = Callable[[str, LogFile], None]


class PodRunner:
    """Runs a pod from its binding to its end, and tells the API server of every step."""

    def __init__(self, registry: Registry, recorder: EventRecorder, tools: Tools, pod: Object, folder: Path) -> None:
        self.pod = pod
        self.folder = folder
        self.stopping = asyncio.Event()
        self.logs: dict[str, LogFile] = {}
        self._registry = registry
        self._recorder = recorder
        self._tools = tools
        self._record = new_record(pod)
        self._init = [Container(self, record, tools) for record in self._record.init]
        self._main = [Container(self, record, tools) for record in self._record.main]
        self._volumes: dict[str, Path] | None = None
        self._kill: asyncio.TimerHandle | None = None
        self._kill_at = float("inf")

    async def run(self) -> None:
        """Run the pod to its end."""
        deadline = self.pod["spec"].get("activeDeadlineSeconds")
        timer = asyncio.get_running_loop().call_later(deadline, self._expire) if deadline else None
        self.write()
        try:
            await self._run_containers()
        finally:
            if timer:
                timer.cancel()
            if self._kill:
                self._kill.cancel()
            for log in self.logs.values():
                log.close()
        self._record.ended = True
        for container in (*self._record.init, *self._record.main):
            container.over = True
        self.write()

    async def _run_containers(self) -> None:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        sidecars: list[asyncio.Task[None]] = []
        for container in self._init:
            if is_sidecar(container.record.spec):
                sidecars.append(asyncio.create_task(container.run("Always")))
                continue
            # "Always" means the containers: an init container that ended well has done its work
            await container.run("OnFailure" if policy == "Always" else policy)
            if self.stopping.is_set() or container.record.failed:
                self._leave_unstarted()
                break
        else:
            await asyncio.gather(*(container.run(policy) for container in self._main))
        if sidecars:
            self.stop(self._grace())
            await asyncio.gather(*sidecars)

    def _leave_unstarted(self) -> None:
        """The containers that will never start: as they are, unless the pod is being deleted."""
        if self.stopping.is_set():
            for container in self._main:
                container.never_ran()

    def _grace(self) -> float:
        return float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))

    def stop(self, grace_seconds: float) -> None:
        """End the pod: SIGTERM now, SIGKILL after the grace period. A later call can only shorten it."""
        loop = asyncio.get_running_loop()
        if not self.stopping.is_set():
            self.stopping.set()
            self._signal(signal.SIGTERM)
        if (when := loop.time() + grace_seconds) < self._kill_at:
            if self._kill:
                self._kill.cancel()
            self._kill_at = when
            self._kill = loop.call_at(when, self._signal, signal.SIGKILL)

    def shut_down(self, message: str, grace_seconds: float) -> None:
        """End the pod since the node ends: worded as the kubelet's graceful node shutdown words it."""
        self._record.reason, self._record.message = "Terminated", message
        self._record.disrupted = True
        self.stop(grace_seconds)

    def lose(self, message: str) -> None:
        """Write off a pod that ran when the node ended: nobody knows how its containers did."""
        self._record.reason, self._record.message = "Terminated", message
        self._record.disrupted = self._record.ended = True
        for container in (*self._init, *self._main):
            container.never_ran()
        self.write()

    def tell_of_end(self, name: str) -> None:
        """Record that a container is about to be stopped."""
        for container in self._record.main:
            if container.name == name and container.running:
                self.tell(container, "Normal", "Killing", f"Stopping container {name}")

    def _expire(self) -> None:
        self._record.reason = "DeadlineExceeded"
        self._record.message = "Pod was active on the node longer than the specified deadline"
        self.stop(self._grace())

    def _signal(self, number: int) -> None:
        for container in (*self._init, *self._main):
            container.signal(number)

    def volumes(self) -> dict[str, Path]:
        """The places of its volumes; ConfigError as long as one can't be had."""
        if self._volumes is None:
            config_maps = self._tools.config_maps(self.pod["metadata"]["namespace"])
            self._volumes = make_volumes(self.pod, self.folder / "volumes", config_maps)
        return self._volumes

    def write(self) -> None:
        """Tell the API server how things stand."""
        metadata = self.pod["metadata"]
        # a pod that was deleted at once is nobody's to tell of
        with contextlib.suppress(ApiError):
            pod = self._registry.get(PODS, metadata["namespace"], metadata["name"])
            if pod["metadata"]["uid"] == metadata["uid"]:
                pod["status"] = pod_status(pod, self._record)
                self._registry.update(PODS, metadata["namespace"], metadata["name"], pod, subresource="status")

    def tell(self, container: ContainerRecord, kind: str, reason: str, message: str) -> None:
        """Record an event about a container."""
        where = "initContainers" if container in self._record.init else "containers"
        self._recorder.record(self.pod, kind, reason, message, field_path=f"spec.{where}{{{container.name}}}")

    def opened(self, container: ContainerRecord, log: LogFile) -> None:
        """A run has begun to write its log."""
        self.logs[container.name] = log

    async def pause(self, seconds: float | None, also: Awaitable[Any] | None = None) -> None:
        """Wait for a time, or until `also` or the pod's end comes first."""
        stopping = asyncio.ensure_future(self.stopping.wait())
        awaited = {stopping, *([asyncio.ensure_future(also)] if also else [])}
        try:
            await asyncio.wait(awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
