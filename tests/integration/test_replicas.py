"""Two operators, processes of their own, with one Lease: one goes, the other goes on, and no trial is doubled."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.test_killed import _expected_combinations, _install

from hyperdrive_local.embedded import EmbeddedCluster
from hyperdrive_local.registry import Registry

LEASE = "default/hyperdrive-operator"


@asynccontextmanager
async def replica(kubeconfig: Path, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    flags = ("--kubeconfig", str(kubeconfig), "--listen", "off", "--leader-elect", LEASE, "--lease-duration", "5s")
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hyperdrive_operator", *flags, stderr=output, env={**os.environ, "POD_NAME": log.stem}
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(holds: Callable[[], object], seconds: float = 30) -> None:
    """Wait for what another process brings about."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  # it has no event of ours
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_the_other_replica_goes_on(number: signal.Signals, tmp_path: Path) -> None:
    with EmbeddedCluster(tmp_path / "cluster") as cluster:
        cluster.call(_install)

        def holder() -> str:
            leases = cluster.call(lambda registry: registry.list(registry.resource("coordination.k8s.io", "leases"))[0])
            return str(leases[0]["spec"].get("holderIdentity", "")) if leases else ""

        def objects(group: str, plural: str) -> list[dict[str, Any]]:
            def read(registry: Registry) -> list[dict[str, Any]]:
                return registry.list(registry.resource(group, plural), "default")[0]

            return cluster.call(read)

        first, second = tmp_path / "first.log", tmp_path / "second.log"
        async with replica(cluster.kubeconfig, first) as leader:
            await until(lambda: holder() == "first")
            async with replica(cluster.kubeconfig, second):
                await until(lambda: "standby" in second.read_text() and objects("batch", "jobs"))
                leader.send_signal(number)
                gone = time.monotonic()
                status = await leader.wait()
                await until(lambda: holder() == "second")
                seconds = time.monotonic() - gone
                await until(lambda: "completionTime" in objects("hyperdrive.dev", "hyperdrives")[0]["status"], 60)
        (sweep,) = objects("hyperdrive.dev", "hyperdrives")
        expected = _expected_combinations()
        records = objects("hyperdrive.dev", "hyperdrivetrials")
        assert {one["metadata"]["name"]: one["spec"]["parameters"] for one in records} == expected
        assert sorted(job["metadata"]["name"] for job in objects("batch", "jobs")) == sorted(expected)
        assert len(objects("", "pods")) == len(expected), "a combination was run twice, or not at all"
        assert sweep["status"]["trials"]["succeeded"] == len(expected)
    if number == signal.SIGTERM:
        assert status == 0
        assert "gave the Lease back" in first.read_text()
        assert seconds < 3  # a look each half second, on a machine that is busy
    else:
        assert seconds < 5 + 3
