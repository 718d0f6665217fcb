"""Questions about processes, and waiting for the answer."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hyperdrive_local.controllers.follow import follow
from hyperdrive_local.objects import Object
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import Resource


def is_alive(pid: int) -> bool:
    """Whether a process is there and has not ended; one that waits to be buried has."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


async def until(claim: Callable[[], Any], seconds: float = 30) -> None:
    """Wait for something outside this process, of which nobody tells."""
    async with asyncio.timeout(seconds):
        while not claim():  # noqa: ASYNC110  a process's end has no event for those who are not its parent
            await asyncio.sleep(0.01)


async def until_object(
    registry: Registry, resource: Resource, name: str, holds: Callable[[Object], Any], seconds: float = 30
) -> Object:
    """Wait until a claim about an object holds; returns it."""
    found: asyncio.Future[Object] = asyncio.get_running_loop().create_future()

    def look(kind: str, obj: Object) -> None:
        if obj["metadata"]["name"] == name and kind != "DELETED" and holds(obj) and not found.done():
            found.set_result(obj)

    task = asyncio.create_task(follow(registry, resource, look))
    try:
        async with asyncio.timeout(seconds):
            return await found
    finally:
        task.cancel()


# a process with a child of its own, which tells both ids
FAMILY = (
    "import os, subprocess, sys, time; c = subprocess.Popen(['sleep', '600']); print(os.getpid(), c.pid, flush=True)"
)


def job(name: str, code: str, *, image: str = "python:3.12", **spec: Any) -> Object:
    """A Job that runs Python code, once."""
    container = {"name": "main", "image": image, "command": ["python", "-c", code]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {"metadata": {"name": name}, "spec": {"backoffLimit": 0, **spec, "template": template}}
