"""The demo's own processes: each on a tether, in a session of its own, with a log; none outlives the demo."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from .tether import GRACE_SECONDS

POLL_SECONDS = 0.05
STOP_SECONDS = GRACE_SECONDS + 2  # the tether kills at GRACE_SECONDS; then only it is left to end


class Process:
    """A running command: is it alive, what did it say, end it."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Start it. Not async on purpose: no cancellation can fall between the start and the record of it."""
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._tether = subprocess.Popen(  # noqa: S603 - a list, no shell
                [sys.executable, "-m", "hyperdrive_demo.tether", "--", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(os.environ),
                start_new_session=True,  # the terminal's Ctrl-C and hang-up reach the demo alone, which ends the rest
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._tether.poll()

    def last_lines(self, count: int = 15) -> list[str]:
        """Return the end of its log."""
        try:
            with self.log.open(encoding="utf-8", errors="replace") as lines:
                return [line.rstrip() for line in deque(lines, maxlen=count)]
        except OSError:
            return []

    def find(self, prefix: str) -> str | None:
        """Return what follows the prefix in the first finished line of the log that starts with it."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        for line in text.splitlines(keepends=True):
            if line.startswith(prefix) and line.endswith("\n"):
                return line.removeprefix(prefix).strip()
        return None

    def let_go(self) -> None:
        """Begin its end: close the pipe that it hangs on."""
        if self._tether.stdin:
            self._tether.stdin.close()

    async def stop(self) -> None:
        """End it and wait until it is gone, at most STOP_SECONDS."""
        self.let_go()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                while self.exit_code is None:  # noqa: ASYNC110 - a Popen has no event to await
                    await asyncio.sleep(POLL_SECONDS)
        if self.exit_code is None:
            os.killpg(self._tether.pid, signal.SIGKILL)
            self._tether.wait()


class ProcessEndedError(Exception):
    """A process that the demo needs has ended by itself."""

    def __init__(self, process: Process) -> None:
        super().__init__(f"the {process.name} ended by itself with exit code {process.exit_code}")
        self.process = process


class Processes:
    """All processes of a run."""

    def __init__(self) -> None:
        self._running: list[Process] = []
        self._closed = False

    def start(self, name: str, command: Sequence[str], log: Path) -> Process:
        """Start a process; it is ended with the others."""
        if self._closed:
            raise RuntimeError(f"the {name} can't start: the demo is ending")
        process = Process(name, command, log)
        self._running.append(process)
        return process

    async def watch(self) -> None:
        """Return never; raise ProcessEndedError as soon as one has ended."""
        while True:
            for process in self._running:
                if process.exit_code is not None:
                    raise ProcessEndedError(process)
            await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> None:
        """End all of them, at once, and wait until they are gone."""
        self._closed = True
        for process in self._running:
            process.let_go()
        for process in self._running:
            await process.stop()


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process: no cluster or setting of the user's, and no proxy before this machine."""
    result = {
        name: value
        for name, value in base.items()
        if name not in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST") and not name.startswith("HYPERDRIVE_")
    }
    for name in ("NO_PROXY", "no_proxy"):
        result[name] = ",".join(filter(None, [base.get(name, ""), "127.0.0.1", "localhost"]))
    result["PYTHONUNBUFFERED"] = "1"  # a log is read while it is written
    return result
