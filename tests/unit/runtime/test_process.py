"""The process as the kubelet and people see it: starts, signals, exit codes."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.unit.runtime.cluster import Cluster
from tests.unit.runtime.conftest import until

# Idle it takes some hundredths of a second; the machines of a CI are slow.
STOP_SECONDS = 3.0


@asynccontextmanager
async def process(directory: Path, *flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(directory), "PYTHONPATH": os.pathsep.join(sys.path)}
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hyperdrive_operator", *flags),
        env=environ,
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("served", [True, False], ids=["at work", "waiting for its CRDs"])
async def test_a_signal_stops_the_process_with_status_0(
    cluster: Cluster,
    tmp_path: Path,
    number: signal.Signals,
    served: bool,
) -> None:
    if served:
        cluster.serve()
    kubeconfig = cluster.kubeconfig(tmp_path)
    async with process(tmp_path, "--kubeconfig", kubeconfig, "--listen", "127.0.0.1:0") as running:
        calls = cluster.api.calls
        await until(lambda: any("watch" in call.query for call in calls) if served else calls, seconds=30)
        started = time.monotonic()
        running.send_signal(number)
        out, err = await running.communicate()
        assert time.monotonic() - started < STOP_SECONDS
    assert running.returncode == 0
    assert out == b""
    assert b"Traceback" not in err
    ours = [line for line in err.splitlines() if b'"logger": "kopf' not in line]  # its thread may say one thing more
    assert b'"message": "stopped"' in ours[-1]


async def test_a_wrong_flag_exits_with_status_2_and_one_line(tmp_path: Path) -> None:
    async with process(tmp_path, "--workers", "none") as running:
        _, err = await running.communicate()
    assert running.returncode == 2
    assert len(err.splitlines()) == 1
    assert b"--workers" in err


async def test_without_a_cluster_the_process_names_the_fix(tmp_path: Path) -> None:
    async with process(tmp_path, "--log-format", "text", "--listen", "off") as running:
        _, err = await running.communicate()
    assert running.returncode == 2
    (line,) = err.splitlines()
    assert b"--kubeconfig" in line
