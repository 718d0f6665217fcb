"""The command that starts an embedded cluster."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from tests.contract.client import Api
from tests.unit.local.processes import FAMILY, is_alive, job, until


@pytest.fixture
def command(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, with its output; it ends with the test."""
    arguments = [sys.executable, "-m", "hyperdrive_local", "--data-dir", str(tmp_path / "data")]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def line_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_cleanly_on_a_signal(command: subprocess.Popen[str], number: int) -> None:
    kubeconfig = Path(line_of(command.stdout).removeprefix("kubeconfig: "))
    assert kubeconfig.exists()
    command.send_signal(number)
    out, errors = command.communicate(timeout=10)
    assert (command.returncode, out, errors) == (0, "stopped\n", "")


async def test_a_killed_cluster_leaves_no_process(command: subprocess.Popen[str]) -> None:
    kubeconfig = Path(line_of(command.stdout).removeprefix("kubeconfig: "))
    manifest = job("a", FAMILY + "; time.sleep(600)")
    manifest |= {"apiVersion": "batch/v1", "kind": "Job"}
    api = Api(kubeconfig)
    await api.made("/apis/batch/v1/namespaces/default/jobs", manifest)
    await api.close()
    logs = kubeconfig.parent / "pods"
    await until(lambda: [path for path in logs.glob("*/logs/main/0.log") if path.read_text()])
    [log] = logs.glob("*/logs/main/0.log")
    pids = [int(word) for word in log.read_text().split(" ", 3)[3].split()]
    assert all(map(is_alive, pids))
    command.kill()
    command.wait()
    await until(lambda: not any(map(is_alive, pids)))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--port", "x"], 2, "'x' is no port"),
        (["--image", "name"], 2, "write NAME=FOLDER"),
        (["--image", "name=/no/such"], 2, "there is no folder /no/such"),
        (["--crds", "/no/such"], 1, "there is no *.yaml in it"),
        (["--data-dir", "/proc/nowhere"], 1, "can't be used"),
    ],
)
def test_a_wrong_argument_is_told_with_the_fix(arguments: list[str], code: int, message: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hyperdrive_local", "--data-dir", str(tmp_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
