"""The operator as a process of its own beside a real cluster: started, measured, ended. And sweeps for it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, Kind, Object

NAMESPACES: Final = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
#: Has Python, and every node that ran a training script has it, or can pull it.
IMAGE: Final = "docker.io/library/python:3.12-slim"
POLL_SECONDS: Final = 0.5
#: How often the controller of Jobs may need to start the pods of a round, in seconds.
START_SECONDS: Final = 180.0


class Operator:
    """The operator's process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def cpu_seconds(self) -> float:
        """Return the CPU time that it and its children have used so far."""
        ticks = 0
        for pid in (self._pid, *self._children()):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # utime and stime, the 14th and 15th of all
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_mib(self) -> float:
        """Return the memory that it holds now, its children left out."""
        pages = int(Path(f"/proc/{self._pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _children(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()]


@asynccontextmanager
async def operator(kubeconfig: str, namespace: str, log: str = os.devnull) -> AsyncIterator[Operator]:
    """Run the operator for one namespace."""
    command = [sys.executable, "-m", "hyperdrive_operator", "--kubeconfig", kubeconfig, "--listen", "off"]
    with Path(log).open("ab") as output:  # noqa: ASYNC230  once, and the process keeps it
        process = subprocess.Popen([*command, "--namespaces", namespace], stderr=output)  # noqa: ASYNC220, S603
        try:
            yield Operator(process.pid)
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait)


@asynccontextmanager
async def namespace(client: KubeClient, prefix: str) -> AsyncIterator[str]:
    """Make a namespace for one round, and take it away."""
    name = f"{prefix}-{time.time_ns() // 10**6}"
    await client.create(NAMESPACES, "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield name
    finally:
        await client.delete(NAMESPACES, "", name)


def sweep(name: str, script: str, trials: int, *, image: str = IMAGE, pod: Object | None = None, **spec: Any) -> Object:
    """Return a sweep whose trials run a Python script, all at once. `pod` goes into their pods' spec."""
    container = {
        "name": "train",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-uc", script],
    }
    extra = dict(pod or {})
    container |= extra.pop("container", {})
    pod_spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container], **extra}
    return {
        "apiVersion": HYPERDRIVES.api_version,
        "kind": HYPERDRIVES.kind,
        "metadata": {"name": name},
        "spec": {
            "objective": {"primaryMetric": "score", "goal": "Maximize"},
            "searchSpace": [{"name": "x", "randint": {"lower": 0, "upper": 10_000}}],
            "samplingAlgorithm": {"type": "Random", "seed": 1},
            "limits": {"maxTotalTrials": trials, "maxConcurrentTrials": trials},
            "trialTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": pod_spec}}},
            **spec,
        },
    }


async def records(client: KubeClient, namespace: str) -> list[Object]:
    """Return the records of all trials, by number."""
    found = await client.list(HYPERDRIVE_TRIALS, namespace)
    return sorted(found, key=lambda record: int(record["spec"]["number"]))


async def wait_for(what: str, holds: Callable[[], Awaitable[bool]], seconds: float = START_SECONDS) -> None:
    """Wait until something holds; give up loudly."""
    deadline = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(POLL_SECONDS)
