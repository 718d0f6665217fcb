"""An embedded cluster in a thread of its own, for tests and clients that are not asynchronous."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from aiohttp.typedefs import Middleware

from hyperdrive_local.cluster import Cluster
from hyperdrive_local.registry import Registry

T = TypeVar("T")
START_SECONDS = 30


class EmbeddedCluster:
    """`with EmbeddedCluster(folder) as cluster:` and its `kubeconfig` works as any other."""

    def __init__(
        self,
        data_dir: Path,
        *,
        images: Mapping[str, Path] | None = None,
        middlewares: Sequence[Middleware] = (),
        run_jobs: bool = True,
        run_pods: bool = True,
    ) -> None:
        self._cluster = Cluster(data_dir, images=images, middlewares=middlewares, run_jobs=run_jobs, run_pods=run_pods)
        self._thread = threading.Thread(target=self._main, name="embedded-cluster", daemon=True)
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def kubeconfig(self) -> Path:
        """The file for clients."""
        return self._cluster.kubeconfig

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return self._cluster.url

    def call(self, function: Callable[[Registry], T]) -> T:
        """Have a function do something with the registry, on the cluster's own event loop."""
        if self._loop is None:
            raise RuntimeError("the cluster has not been started")

        async def run() -> T:
            return function(self._cluster.registry)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise TimeoutError(f"the embedded cluster has not started in {START_SECONDS} s")
        if self._error:
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._error and kind is None:
            raise self._error

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  handed to the thread that waits for it
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._cluster:
            self._ready.set()
            await self._stop.wait()
