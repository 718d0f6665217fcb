"""The operator as a process: started, killed, and listened to."""

import asyncio
import json
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STOP_SECONDS = 15
MINUTE = 60.0


@dataclass
class Log:
    """What all operators of one run have logged, and when."""

    lines: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def take(self, raw: bytes) -> None:
        """Keep a line. What is no JSON is Python's own last words: it counts as an exception."""
        try:
            line = json.loads(raw)
        except ValueError:
            line = {"level": "error", "message": raw.decode(errors="replace").rstrip(), "exception": "not JSON"}
        self.lines.append((time.monotonic(), line))

    @property
    def bugs(self) -> list[str]:
        """What should never be logged: an exception that nobody has foreseen."""
        return [f"{line['message']}: {line['exception']}" for _, line in self.lines if "exception" in line]

    def most_a_minute(self) -> int:
        """Return how many lines were logged in the worst minute."""
        moments = [moment for moment, _ in self.lines]
        most = first = 0
        for last, moment in enumerate(moments):
            while moments[first] < moment - MINUTE:
                first += 1
            most = max(most, last - first + 1)
        return most


class Operator:
    """One process. `start` it again after it was killed."""

    def __init__(self, kubeconfig: Path, log: Log, *flags: str, module: str = "hyperdrive_operator") -> None:
        self._command = ["-m", module, "--kubeconfig", str(kubeconfig), "--listen", "off", *flags]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        #: Exit statuses of processes that ended by themselves, which none should.
        self.deaths: list[int] = []
        self.kills = 0

    async def start(self) -> None:
        """Start the process."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *self._command, "--log-format", "json", stderr=asyncio.subprocess.PIPE, limit=2**24
        )
        self._reading = asyncio.create_task(self._read(self._process))

    async def kill(self) -> None:
        """End it as a lost node does: no last word."""
        await self._end(signal.SIGKILL)
        self.kills += 1

    async def stop(self) -> None:
        """End it as a kubelet does."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: int) -> None:
        process, reading = self._process, self._reading
        if process is None or reading is None:
            return
        self._process = None
        if process.returncode is None:
            process.send_signal(number)
        else:
            self.deaths.append(process.returncode)
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
            await reading

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for raw in process.stderr:
            self._log.take(raw)
