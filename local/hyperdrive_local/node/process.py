"""One run of a container: a process group with its output in a log."""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from hyperdrive_local.node.logs import LogFile
from hyperdrive_local.node.reaper import Reaper, kill_group

# The process waits here until the reaper knows of it. If the cluster dies before, the read fails and nothing starts.
GATE = 'read -r HYPERDRIVE_GATE || exit 137; unset HYPERDRIVE_GATE; exec "$@" </dev/null'
DRAIN_SECONDS = 1.0  # for output that a process outside the group still holds open


class StartError(Exception):
    """The process could not be started: worded as the container runtime words it."""


class ContainerProcess(asyncio.SubprocessProtocol):
    """A running container. Made by `start`."""

    def __init__(self, log: LogFile, reaper: Reaper) -> None:
        self.log = log
        self._reaper = reaper
        self._transport: asyncio.SubprocessTransport | None = None
        loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = loop.create_future()
        self._drained: asyncio.Future[None] = loop.create_future()
        self._open_pipes = 2
        self.pid = 0

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: LogFile, reaper: Reaper
    ) -> "ContainerProcess":
        """Start a process in a session of its own; StartError if there is nothing to run."""
        program = find_program(argv[0], folder, environment.get("PATH", ""))
        loop = asyncio.get_running_loop()
        transport, process = await loop.subprocess_exec(
            lambda: cls(log, reaper),
            *("/bin/sh", "-c", GATE, "sh", program, *argv[1:]),
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
        reaper.add(process.pid)
        gate = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
        gate.write(b"\n")
        gate.close()
        return process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self.pid = self._transport.get_pid()  # here, since it may exit before `start` goes on

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Called by the event loop."""
        self.log.write("stdout" if fd == 1 else "stderr", data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002  the loop's signature
        """Called by the event loop."""
        if fd == 0:
            return
        self._open_pipes -= 1
        if self._open_pipes == 0 and not self._drained.done():
            self._drained.set_result(None)

    def process_exited(self) -> None:
        """Called by the event loop."""
        # as in a container: when its first process ends, all end
        kill_group(self.pid, signal.SIGKILL)
        self._reaper.remove(self.pid)
        if not self._exited.done():
            self._exited.set_result(None)

    def signal(self, number: int) -> None:
        """Send a signal to the whole group."""
        if not self._exited.done():
            kill_group(self.pid, number)

    async def wait(self) -> int:
        """Wait for the end; returns the exit code, 128 and more for a signal, as container runtimes do."""
        await self._exited
        await asyncio.wait([self._drained], timeout=DRAIN_SECONDS)
        self.log.close()
        if self._transport is None:
            raise RuntimeError("the process was never started")
        code = self._transport.get_returncode() or 0
        self._transport.close()
        return code if code >= 0 else 128 - code


def find_program(name: str, folder: Path, path: str) -> str:
    """The file that a command's first word names; StartError if it names none that can be run."""
    start = (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed"
    )
    fail = f'{start}: unable to start container process: exec: "{name}"'
    if "/" not in name:
        if found := shutil.which(name, path=path):
            return found
        raise StartError(f"{fail}: executable file not found in $PATH: unknown")
    candidate = folder / name
    if not candidate.exists():
        raise StartError(f"{fail}: stat {name}: no such file or directory: unknown")
    if candidate.is_dir() or not os.access(candidate, os.X_OK):
        raise StartError(f"{fail}: permission denied: unknown")
    return str(candidate)
