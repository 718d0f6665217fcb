"""Running the real kubectl on the server of a test."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.contract.client import Api

KUBECTL = os.environ.get("KUBECTL") or shutil.which("kubectl") or ""
needs_kubectl = pytest.mark.skipif(not KUBECTL, reason="there is no kubectl on PATH, and KUBECTL names none")

AGE = re.compile(r"\b\d+(s|m\d+s)\b")
Run = Callable[..., Coroutine[Any, Any, str]]


async def start(api: Api, cache: Path, *arguments: str, pipe: bool = False) -> asyncio.subprocess.Process:
    """Start kubectl, on the server of the test alone."""
    return await asyncio.create_subprocess_exec(
        KUBECTL,
        f"--kubeconfig={api.kubeconfig}",
        f"--cache-dir={cache}",
        *arguments,
        stdin=asyncio.subprocess.PIPE if pipe else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@pytest.fixture
def kubectl(api: Api, namespace: str, tmp_path: Path) -> Run:
    """Run kubectl in the test's namespace: what it printed, ages made alike; `code` is the exit code it must have."""

    async def run(*arguments: str, body: Any = None, code: int = 0) -> str:
        process = await start(api, tmp_path / "cache", f"--namespace={namespace}", *arguments, pipe=body is not None)
        text = None if body is None else json.dumps(body).encode()
        async with asyncio.timeout(30):
            output, _ = await process.communicate(text)
        assert process.returncode == code, output.decode()
        return AGE.sub("AGE", output.decode()).replace(namespace, "NAMESPACE")

    return run


def columns(text: str) -> list[list[str]]:
    """Cells, which are at least two spaces apart."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


def suspended(name: str, **metadata: Any) -> dict[str, Any]:
    """A Job that no controller starts."""
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name} | metadata,
        "spec": {"suspend": True, "template": {"spec": spec}},
    }
