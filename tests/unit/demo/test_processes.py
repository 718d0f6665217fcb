"""A process on a tether ends with whoever started it, however that ends."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from hyperdrive_demo.processes import ProcessEndedError, Processes, environment

# Each opens the FIFO for writing and keeps it open: its reader sees the end of it when the last of them is gone.
ALIVE = "import os, signal, sys; os.write(os.open(sys.argv[1], os.O_WRONLY), b'up\\n'); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + ALIVE
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ALIVE!r}, sys.argv[1]])"
LEAVING = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {ALIVE!r}, sys.argv[1]]); open(sys.argv[1])"
HOLDER = """
import signal, sys
from pathlib import Path
from hyperdrive_demo.processes import Process
process = Process("child", [sys.executable, "-c", *sys.argv[2:]], Path(sys.argv[1]))
signal.pause()
"""
QUICK_TETHER = (
    "import sys; from hyperdrive_demo import tether; tether.GRACE_SECONDS = 0.2; sys.exit(tether.main(sys.argv[1:]))"
)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@contextmanager
def until_up(fifo: Path) -> Iterator[TextIO]:
    """Wait until the process at the other end runs."""
    with fifo.open() as lines:
        assert lines.readline() == "up\n"
        yield lines


@pytest.mark.parametrize("program", [ALIVE, PARENT], ids=["the process", "what it has started"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_nothing_outlives_a_holder_that_is_killed(number: int, program: str, fifo: Path, tmp_path: Path) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, tmp_path / "log", program, fifo], stderr=subprocess.DEVNULL
        ) as holder,
        until_up(fifo) as lines,
    ):
        holder.send_signal(number)
        assert lines.read() == ""  # the end: nobody holds the FIFO any more


def test_a_process_that_ignores_sigterm_is_killed(fifo: Path) -> None:
    command = [sys.executable, "-c", QUICK_TETHER, "--", sys.executable, "-c", STUBBORN, str(fifo)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as tether, until_up(fifo) as lines:
        assert tether.stdin
        tether.stdin.close()
        assert lines.read() == ""
        assert tether.wait() == 128 + signal.SIGKILL


def test_a_tether_that_is_told_to_end_ends_its_process_first(fifo: Path) -> None:
    command = [sys.executable, "-m", "hyperdrive_demo.tether", "--", sys.executable, "-c", ALIVE, str(fifo)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as tether, until_up(fifo) as lines:
        tether.terminate()
        assert tether.wait() == 128 + signal.SIGTERM
        assert lines.read() == ""


def test_what_a_process_leaves_behind_ends_with_it(fifo: Path) -> None:
    command = [sys.executable, "-m", "hyperdrive_demo.tether", "--", sys.executable, "-c", LEAVING, str(fifo)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as tether:
        assert tether.wait() == 0
        with pytest.raises(OSError, match="No such device"):
            os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)  # nobody reads it either


@pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param([sys.executable, "-c", "raise SystemExit(3)"], 3, id="its own exit code"),
        pytest.param(
            [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 137, id="a signal, as a shell says it"
        ),
        pytest.param(["no-such-command"], 127, id="no such command"),
    ],
)
async def test_the_end_of_a_process_is_seen_with_its_code_and_its_last_words(
    command: list[str], code: int, tmp_path: Path
) -> None:
    processes = Processes()
    processes.start("operator", command, tmp_path / "log")
    with pytest.raises(ProcessEndedError, match=f"the operator ended by itself with exit code {code}"):
        await processes.watch()
    await processes.stop()


async def test_a_stopped_process_is_gone_and_no_other_starts_after_it(fifo: Path, tmp_path: Path) -> None:
    processes = Processes()
    started = processes.start("operator", [sys.executable, "-c", ALIVE, str(fifo)], tmp_path / "log")
    with await asyncio.to_thread(fifo.open) as lines:
        await processes.stop()
        assert started.exit_code == 128 + signal.SIGTERM
        assert lines.read() in ("", "up\n")
    with pytest.raises(RuntimeError, match="the demo is ending"):
        processes.start("operator", ["true"], tmp_path / "log")


async def test_a_log_is_searched_by_whole_lines_and_read_from_its_end(tmp_path: Path) -> None:
    said = "kubeconfig: a b/c\nmore\nkubeconfig: unfinished"
    processes = Processes()
    process = processes.start("cluster", [sys.executable, "-c", f"print({said!r}, end='')"], tmp_path / "log")
    with pytest.raises(ProcessEndedError):
        await processes.watch()
    await processes.stop()
    assert process.find("kubeconfig: ") == "a b/c"
    assert process.find("port: ") is None
    assert process.last_lines(2) == ["more", "kubeconfig: unfinished"]


def test_no_process_learns_of_the_users_cluster_or_goes_through_a_proxy_to_this_machine() -> None:
    given = environment({"KUBECONFIG": "mine", "HYPERDRIVE_NAMESPACES": "a", "PATH": "/bin", "NO_PROXY": "example.com"})
    assert not given.keys() & {"KUBECONFIG", "HYPERDRIVE_NAMESPACES"}
    assert given["PATH"] == "/bin"
    assert given["NO_PROXY"] == "example.com,127.0.0.1,localhost"
