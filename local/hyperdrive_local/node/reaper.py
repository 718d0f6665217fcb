"""Kills what a cluster leaves behind, should the cluster itself be killed.

A process of its own, with one pipe from the cluster: it is told of every process group that starts and ends (`+ID`,
`-ID`). The operating system closes the pipe when the cluster dies, however it dies; then every group still on the list
is killed. Run by its path with an isolated interpreter, so it imports nothing but the standard library.
"""

import contextlib
import os
import signal
import subprocess
import sys


class Reaper:
    """The cluster's end of the pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  this file, by the interpreter that runs it
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C at the terminal is for the cluster alone
            cwd="/",
        )

    def add(self, group: int) -> None:
        """Have a process group killed when the cluster dies. It is heard even if that is the next instant."""
        self._say(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a group that has ended."""
        self._say(f"-{group}\n")

    def _say(self, line: str) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the reaper has no pipe")
        # one write of a few bytes is never torn
        os.write(self._process.stdin.fileno(), line.encode())

    def close(self) -> None:
        """Have everything killed that is still listed, and end."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(timeout=10)


def kill_group(group: int, number: int) -> None:
    """Send a signal to a process group, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def main() -> None:
    """Listen until the pipe closes, then kill."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin.buffer:
        group = int(line[1:])
        if line.startswith(b"+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        kill_group(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
