"""The operator as a process of its own, and what it uses while it runs (Linux: /proc)."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process that runs."""

    pid: int

    def cpu_seconds(self) -> float:
        """Return what it and the children it has waited for have used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICKS

    def peak_mebibytes(self) -> float:
        """Return the most memory that it has held so far."""
        return self._memory("VmHWM")

    def mebibytes(self) -> float:
        """Return the memory that it holds."""
        return self._memory("VmRSS")

    def _memory(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def machine_seconds() -> float:
    """Return for how long the cores of this machine have been busy so far, all of them together."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq) / _TICKS


@asynccontextmanager
async def running(module: str, *flags: str, log: str = os.devnull) -> AsyncIterator[Process]:
    """Run a module with this Python, and end it with SIGTERM."""
    with Path(log).open("ab") as stderr:  # noqa: ASYNC230  the process keeps it
        command = [sys.executable, "-m", module, *flags]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr)  # noqa: ASYNC220, S603
    try:
        yield Process(process.pid)
        if process.poll() is not None:
            raise RuntimeError(f"{module} has ended with {process.returncode}; look into its log: --operator-log")
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


@asynccontextmanager
async def operator(kubeconfig: str, namespace: str, log: str = os.devnull) -> AsyncIterator[Process]:
    """Run the operator for one namespace."""
    flags = ("--kubeconfig", kubeconfig, "--namespaces", namespace, "--listen", "off")
    async with running("hyperdrive_operator", *flags, log=log) as process:
        yield process
