"""The demo itself, step by step: cluster, CRDs, operator, sweep, its end."""

import asyncio
import sys
from pathlib import Path

from .api import Api, JsonObject
from .board import Board
from .follow import Follower
from .options import ROOT, SAMPLE, SAMPLE_IMAGE, SAMPLE_SWEEP, Options, show_path
from .output import REDRAW_SECONDS, Output
from .prepare import (
    PrepareError,
    apply_crds,
    create_sweep,
    find_operator,
    read_crds,
    read_sweep_manifest,
)
from .processes import Process, Processes

READY_SECONDS = 60.0
POLL_SECONDS = 0.05


class SweepFailedError(Exception):
    """The sweep has ended without a best trial."""


class Demo:
    """One run. `step` says what it is at, in words that follow "failed while"."""

    def __init__(self, options: Options, output: Output, processes: Processes) -> None:
        self.step = "reading its files"
        self.kubeconfig = options.kubeconfig or options.data / "kubeconfig"
        self.board: Board | None = None
        self.operator: Process | None = None
        self._options = options
        self._output = output
        self._processes = processes

    async def run(self) -> Board:
        """Run the sweep to its end; return its last board."""
        manifest = read_sweep_manifest(self._options.sweep)
        api = await self._prepare(fresh=True)
        try:
            board = await self._run_sweep(api, manifest)
        finally:
            await api.close()
        if board.sweep.state != "Complete":
            raise SweepFailedError(f"the sweep {board.sweep.name} ended as {board.sweep.state}")
        if board.sweep.best is None:
            raise SweepFailedError(f"no trial of {board.sweep.name} gave a value of {board.sweep.metric}")
        return board

    async def serve(self) -> None:
        """Bring up what the last demo left."""
        api = await self._prepare(fresh=False)
        await api.close()

    async def _prepare(self, *, fresh: bool) -> Api:
        crds = read_crds(ROOT / "crds")
        if self._options.kubeconfig is None:
            await self._start_cluster(fresh=fresh)
        api = await Api.connect(self.kubeconfig, local=self._options.kubeconfig is None)
        try:
            self.step = f"reaching {api.server}"
            await api.get("/version")
            self.step = "installing the CRDs"
            self._output.say(f"CRDs installed: {', '.join(await apply_crds(api, crds))}")
            await self._find_or_start_operator(api)
        except BaseException:
            await api.close()
            raise
        return api

    async def _start_cluster(self, *, fresh: bool) -> None:
        self.step = "starting the embedded cluster"
        command = [sys.executable, "-m", "hyperdrive_local", "--data-dir", str(self._options.data)]
        command += ["--fresh"] if fresh else []
        command += ["--image", f"{SAMPLE_IMAGE}={SAMPLE}"]
        cluster = self._processes.start("embedded cluster", command, self._options.cluster_log)
        self.kubeconfig = Path(await _announced(cluster, "kubeconfig: "))
        self._output.say(f"embedded cluster started: {show_path(self.kubeconfig)}")

    async def _find_or_start_operator(self, api: Api) -> None:
        if self._options.kubeconfig:
            self.step = "looking for an installed operator"
            if installed := await find_operator(api):
                self._output.say(f"operator found: deployment {installed}")
                return
        self.step = "starting the operator"
        command = [sys.executable, "-m", "hyperdrive_operator", "--kubeconfig", str(self.kubeconfig)]
        command += ["--listen", "off", "--log-format", "text"]
        if self._options.kubeconfig:  # sweeps elsewhere on the user's cluster are not the demo's business
            command += ["--namespaces", self._options.namespace]
        self.operator = self._processes.start("operator", command, self._options.operator_log)
        self._output.say(f"operator started: its log is {show_path(self._options.operator_log)}")

    async def _run_sweep(self, api: Api, manifest: JsonObject) -> Board:
        name, namespace = manifest["metadata"]["name"], self._options.namespace
        self.step = f"creating the sweep {name}"
        sweep = await create_sweep(api, manifest, namespace)
        self.board = Board(sweep)
        self._output.say(
            f"sweep {name} created in namespace {namespace}: {sweep.planned} trials, {sweep.at_once} at once, "
            f"{'maximize' if sweep.maximize else 'minimize'} {sweep.metric}"
        )
        if self._options.kubeconfig and self._options.sweep == SAMPLE_SWEEP:
            self._output.say(f"its trials need the image {SAMPLE_IMAGE} on the nodes: build {show_path(SAMPLE)}")
        self.step = f"following the sweep {name}"
        self._output.begin()
        follower = Follower(api, namespace, sweep, self._see)
        clock = asyncio.create_task(self._redraw())
        try:
            return await follower.run()
        finally:
            clock.cancel()
            self._output.end()

    def _see(self, board: Board) -> None:
        self.board = board
        self._output.show(board)

    async def _redraw(self) -> None:
        while True:
            self._output.redraw()
            await asyncio.sleep(REDRAW_SECONDS)


async def _announced(process: Process, prefix: str) -> str:
    """Wait for a line of a process's log, and return what follows the prefix in it."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            while (found := process.find(prefix)) is None:  # noqa: ASYNC110 - a log that another program writes
                await asyncio.sleep(POLL_SECONDS)
            return found
    except TimeoutError:
        raise PrepareError(f"the {process.name} is not ready after {READY_SECONDS:.0f} s") from None
