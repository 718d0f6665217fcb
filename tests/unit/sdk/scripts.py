"""Training scripts of a few lines, run as a container runs them: a process of their own with a trial's environment."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .api_server import PATIENCE, ApiServer

SDK = Path(__file__).parents[3] / "sdk"


def environ_of(api: ApiServer | None, **more: str) -> dict[str, str]:
    trial = api.environ() if api is not None else {}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(SDK), "PYTHONWARNINGS": "error", **trial, **more}


@contextmanager
def running(script: str, api: ApiServer | None, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script, and leave nothing of it."""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=environ_of(api, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(script: str, api: ApiServer | None, **more: str) -> tuple[int, str, str]:
    """Run a script to its end: its status and what it wrote."""
    with running(script, api, **more) as process:
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err


def terminated(script: str, api: ApiServer) -> tuple[int, str, str]:
    """Run a script, send SIGTERM when it has printed a line: its status and what it wrote."""
    with running(script, api) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err
