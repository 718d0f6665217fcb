"""The whole embedded cluster: API server, controllers and node, from start to stop, and its state on disk."""

import asyncio
import fcntl
import logging
import os
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from aiohttp.typedefs import Middleware

from hyperdrive_local.controllers.follow import EveryResource
from hyperdrive_local.controllers.garbage import GarbageCollector
from hyperdrive_local.controllers.jobs import JobController
from hyperdrive_local.controllers.namespaces import NamespaceController
from hyperdrive_local.node.image import ImageError
from hyperdrive_local.node.node import Node
from hyperdrive_local.registry import Registry
from hyperdrive_local.server import ApiServer

logger = logging.getLogger(__name__)

SAVE_SECONDS = 5.0
SAVE_SHARE = 20  # at most this part of the time goes into saving, however much there is to save


class ClusterError(Exception):
    """The cluster can't start: the message says what is in the way and what to do."""


class Cluster:
    """An embedded cluster whose state is kept in a folder. Usable once: `start`, then `stop`."""

    def __init__(
        self,
        data_dir: Path,
        *,
        images: Mapping[str, Path] | None = None,
        middlewares: Sequence[Middleware] = (),
        run_jobs: bool = True,
        run_pods: bool = True,
        fresh: bool = False,
        allocatable: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.kubeconfig = self.data_dir / "kubeconfig"
        self._images = images or {}
        self._middlewares = middlewares
        self._run_jobs = run_jobs
        self._run_pods = run_pods
        self._fresh = fresh
        self._allocatable = allocatable
        self._state = self.data_dir / "state.json"
        self._lock: IO[str] | None = None
        self._registry: Registry | None = None
        self._server: ApiServer | None = None
        self._node: Node | None = None
        self._controllers: list[asyncio.Task[None]] = []
        self._node_task: asyncio.Task[None] | None = None
        self._saved_version = 0

    @property
    def registry(self) -> Registry:
        """The objects, and the rules by which they change. To be used on the cluster's own event loop."""
        if self._registry is None:
            raise RuntimeError("the cluster has not been started")
        return self._registry

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return self._server.url if self._server else ""

    async def start(self, port: int = 0) -> None:
        """Start everything; ClusterError if it can't. The kubeconfig is there when this returns."""
        self._take_lock()
        try:
            await self._start(port)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, port: int) -> None:
        if self._fresh:
            self._empty()
        self._registry = registry = self._load()
        self._saved_version = registry.store.version
        if self._run_pods:
            try:
                self._node = Node(registry, self.data_dir, self._images, self._allocatable)
            except ImageError as error:
                raise ClusterError(f"--image: {error}") from error
        self._server = ApiServer(
            registry, token=secrets.token_urlsafe(32), logs=self._node, middlewares=self._middlewares
        )
        try:
            await self._server.start(port)
        except OSError as error:
            raise ClusterError(f"port {port} can't be listened on: {error.strerror or error}: give another") from error
        if self._node:
            self._node.start()
            self._node_task = asyncio.create_task(self._node.run())
        garbage, namespaces = GarbageCollector(registry), NamespaceController(registry)
        work = [EveryResource(registry, garbage.changed, namespaces.changed).run(), garbage.run(), self._save_often()]
        if self._run_jobs:
            work.append(JobController(registry).run())
        self._controllers = [asyncio.create_task(each) for each in work]
        self._server.write_kubeconfig(self.kubeconfig)

    async def wait(self) -> None:
        """Wait for a part of the cluster to fail, which none should, and raise its error."""
        tasks = [*self._controllers, *([self._node_task] if self._node_task else [])]
        await asyncio.gather(*tasks)

    async def stop(self) -> None:
        """End every pod, save everything, stop serving. No process is left."""
        for task in self._controllers:
            task.cancel()
        await asyncio.gather(*self._controllers, return_exceptions=True)
        if self._node:
            await self._node.stop()
        if self._node_task:
            self._node_task.cancel()
            await asyncio.gather(self._node_task, return_exceptions=True)
        if self._registry:
            self._save()
        if self._server:
            await self._server.stop()
        if self._lock:
            self._lock.close()
            self._lock = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _take_lock(self) -> None:
        """One process for a folder. The lock goes with the process, however that ends."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            lock = (self.data_dir / "lock").open("a+")
        except OSError as error:
            raise ClusterError(f"{self.data_dir} can't be used: {error.strerror}: give another folder") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            raise ClusterError(
                f"{self.data_dir} is used by another cluster (process {owner}): stop that one, or give another folder"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _empty(self) -> None:
        """Remove what is ours and nothing else: the folder may be anything."""
        shutil.rmtree(self.data_dir / "pods", ignore_errors=True)
        for path in (self._state, self.kubeconfig):
            path.unlink(missing_ok=True)

    def _load(self) -> Registry:
        if not self._state.exists():
            return Registry()
        try:
            return Registry(self._state)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ClusterError(f"{self._state} can't be read ({error}): start with --fresh to do without it") from error

    def _save(self) -> None:
        if self.registry.store.version != self._saved_version:
            self.registry.dump(self._state)
            self._saved_version = self.registry.store.version

    async def _save_often(self) -> None:
        pause = SAVE_SECONDS
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                self._save()
            except OSError as error:
                logger.warning("the state can't be saved: %s", error)
            pause = max(SAVE_SECONDS, SAVE_SHARE * (time.monotonic() - began))
