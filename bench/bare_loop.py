"""The least that any controller can do: watch Jobs, and create the next one as soon as one has finished."""

import asyncio
from typing import Any

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import JOBS
from hyperdrive_operator.kube.transport import Transport

from .watching import JobTimes, watch_jobs


async def run(transport: Transport, namespace: str, job_spec: dict[str, Any], *, trials: int, parallel: int) -> None:
    """Run so many Jobs, so many at once."""
    client = KubeClient(transport)
    times = JobTimes()
    numbers = iter(range(1, trials + 1))

    async def create() -> None:
        number = next(numbers, None)
        if number is not None:
            body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"bare-{number}"}, "spec": job_spec}
            await client.create(JOBS, namespace, body)

    events = watch_jobs(transport, namespace)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(parallel):
            tasks.create_task(create())
        async for job, now in events:
            if times.see(job, now):
                tasks.create_task(create())
            if len(times.finished) >= trials:
                break
