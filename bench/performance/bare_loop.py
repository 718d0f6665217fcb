"""The least that any controller can do: watch Jobs, and create the next one as soon as one has finished.

It knows every trial beforehand, keeps no record and reads no metric: nothing that creates these Jobs can be faster.
"""

import argparse
import asyncio
from typing import Any

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import JOBS
from hyperdrive_operator.kube.transport import Transport, unobserved

from .manifests import job_spec
from .watching import JobTimes, watch_jobs


async def run(transport: Transport, namespace: str, spec: dict[str, Any], *, trials: int, parallel: int) -> None:
    """Run so many Jobs, so many at once."""
    client = KubeClient(transport)
    times = JobTimes()
    numbers = iter(range(1, trials + 1))

    async def create() -> None:
        number = next(numbers, None)
        if number is not None:
            body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"bare-{number}"}, "spec": spec}
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


async def _main(arguments: argparse.Namespace) -> None:
    transport = await Transport.open(arguments.kubeconfig, None, "bare-loop", unobserved)
    try:
        spec = job_spec(arguments.run_for)
        await run(transport, arguments.namespace, spec, trials=arguments.trials, parallel=arguments.parallel)
        await asyncio.Event().wait()  # until who measures has looked
    finally:
        await transport.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.performance.bare_loop", description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--run-for", required=True)
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--parallel", type=int, required=True)
    asyncio.run(_main(parser.parse_args()))
