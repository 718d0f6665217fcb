"""The loads: each runs sweeps through the operator, most of them the same Jobs through the bare loop after it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS
from hyperdrive_operator.kube.transport import Transport

from .counting import Audit, etcd_bytes, writes
from .manifests import fresh_namespace, sweep
from .processes import Process, machine_seconds, operator, running
from .watching import JobTimes, percentile, watch_jobs

#: One figure by name: what is kept of a run.
Figures = dict[str, float]
POLL_SECONDS = 0.2
#: The API server writes its audit log in batches.
AUDIT_LAG_SECONDS = 2.0
#: Until all pods of a burst of Jobs run and their starts are recorded.
SETTLE_SECONDS = 20.0


@dataclass(frozen=True)
class Ground:
    """Where it is measured."""

    kubeconfig: str
    transport: Transport
    audit_log: Path | None
    etcd_metrics: str
    operator_log: str

    @property
    def client(self) -> KubeClient:
        """A client of ours."""
        return KubeClient(self.transport)


@dataclass
class Window:
    """What was used between two numbers of trials that had finished."""

    trials: int
    cpu_seconds: float
    etcd_bytes: float


@asynccontextmanager
async def watched(ground: Ground, namespace: str) -> AsyncIterator[JobTimes]:
    """See the Jobs of a namespace."""
    times = JobTimes()

    async def collect() -> None:
        async with aclosing(watch_jobs(ground.transport, namespace)) as events:
            async for job, now in events:
                times.see(job, now)

    task = asyncio.create_task(collect())
    try:
        yield times
    finally:
        task.cancel()


async def finished(times: JobTimes, count: int) -> None:
    """Wait until so many Jobs have finished."""
    while len(times.finished) < count:  # noqa: ASYNC110  the watcher only notes
        await asyncio.sleep(POLL_SECONDS)


async def ended(client: KubeClient, namespace: str, *names: str) -> None:
    """Wait until these sweeps have ended as Complete."""
    for name in names:
        while True:
            status = (await client.get(HYPERDRIVES, namespace, name)).get("status", {})
            if status.get("state") == "Failed":
                raise RuntimeError(f"{name} has failed: {status}")
            if status.get("state") == "Complete":
                break
            await asyncio.sleep(POLL_SECONDS)


def timing(times: JobTimes, parallel: int, process: Process) -> Figures:
    """Return what was seen of a run and what the process has used."""
    refills = times.refills(parallel)
    return {
        "makespan": times.makespan(),
        "in_flight": times.in_flight(),
        "most_in_flight": times.most_in_flight(),
        "refill_median": percentile(refills, 0.5),
        "refill_p99": percentile(refills, 0.99),
        "cpu": process.cpu_seconds(),
        "memory": process.peak_mebibytes(),
    }


async def makespan(ground: Ground, trials: int, parallel: int, run_for: str) -> dict[str, Figures]:
    """Run one sweep, and then the same Jobs through the bare loop."""
    client, found = ground.client, dict[str, Figures]()
    namespace = await fresh_namespace(client, "bench-operator")
    audit, before = Audit(ground.audit_log), await etcd_bytes(ground.etcd_metrics)
    async with (
        watched(ground, namespace) as times,
        operator(ground.kubeconfig, namespace, ground.operator_log) as process,
    ):
        busy = machine_seconds()
        await client.create(HYPERDRIVES, namespace, sweep("bench", run_for, trials, parallel))
        await finished(times, trials)
        busy = machine_seconds() - busy
        await ended(client, namespace, "bench")
        found["operator"] = timing(times, parallel, process) | {"machine_cpu": busy}
        after = await etcd_bytes(ground.etcd_metrics)
    found["operator"]["etcd_bytes"] = after - before
    await asyncio.sleep(AUDIT_LAG_SECONDS)
    counts = audit.requests()
    found["operator"]["writes"] = writes(counts)
    found["requests"] = {what: float(count) for what, count in counts.most_common()}

    namespace, before = await fresh_namespace(client, "bench-bare"), after
    flags = {"kubeconfig": ground.kubeconfig, "namespace": namespace, "run-for": run_for}
    flags |= {"trials": str(trials), "parallel": str(parallel)}
    async with (
        watched(ground, namespace) as times,
        running("bench.performance.bare_loop", *(f"--{name}={value}" for name, value in flags.items())) as process,
    ):
        busy = machine_seconds()
        await finished(times, trials)
        found["bare"] = timing(times, parallel, process) | {"machine_cpu": machine_seconds() - busy}
    found["bare"]["etcd_bytes"] = await etcd_bytes(ground.etcd_metrics) - before
    return found


async def size(ground: Ground, trials: int, parallel: int) -> tuple[dict[str, Figures], str]:
    """Run one large sweep; return what its trials cost from one number to the next, and the namespace it is in."""
    client = ground.client
    namespace = await fresh_namespace(client, "bench-size")
    marks = sorted({count for count in (10, 100, 500, 1_000, trials - 500, trials) if 0 < count <= trials})
    found: dict[str, Figures] = {}
    async with (
        watched(ground, namespace) as times,
        operator(ground.kubeconfig, namespace, ground.operator_log) as process,
    ):
        audit = Audit(ground.audit_log)
        await client.create(HYPERDRIVES, namespace, sweep("large", "1s", trials, parallel))
        last = await _window(ground, process, 0)
        for mark in marks:
            await finished(times, mark)
            now = await _window(ground, process, mark)
            count = mark - last.trials
            found[f"{last.trials}-{mark}"] = {
                "cpu": (now.cpu_seconds - last.cpu_seconds) / count,
                "etcd_bytes": (now.etcd_bytes - last.etcd_bytes) / count,
                "memory": process.peak_mebibytes(),
            }
            last = now
        await ended(client, namespace, "large")
        found["all"] = {"makespan": times.makespan(), "cpu": process.cpu_seconds(), "memory": process.peak_mebibytes()}
    await asyncio.sleep(AUDIT_LAG_SECONDS)
    found["all"]["writes"] = writes(audit.requests())
    return found, namespace


async def _window(ground: Ground, process: Process, trials: int) -> Window:
    return Window(trials, process.cpu_seconds(), await etcd_bytes(ground.etcd_metrics))


async def many_sweeps(ground: Ground, sweeps: int, trials: int, run_for: str) -> Figures:
    """Run many sweeps, one trial of each at a time."""
    client = ground.client
    namespace = await fresh_namespace(client, "bench-many")
    names = [f"sweep-{number}" for number in range(sweeps)]
    async with (
        watched(ground, namespace) as times,
        operator(ground.kubeconfig, namespace, ground.operator_log) as process,
    ):
        audit = Audit(ground.audit_log)
        for name in names:
            await client.create(HYPERDRIVES, namespace, sweep(name, run_for, trials, 1))
        await finished(times, sweeps * trials)
        await ended(client, namespace, *names)
        found = {"makespan": times.makespan(), "cpu": process.cpu_seconds(), "memory": process.peak_mebibytes()}
    await asyncio.sleep(AUDIT_LAG_SECONDS)
    return found | {"writes": writes(audit.requests())}


async def start(ground: Ground, namespace: str, busy: int) -> Figures:
    """Start an operator beside all that a namespace holds and so many running Jobs, until it creates a Job."""
    client = ground.client
    async with watched(ground, namespace) as times:
        async with operator(ground.kubeconfig, namespace, ground.operator_log):
            await client.create(HYPERDRIVES, namespace, sweep("busy", "3600s", busy, busy))
            while sum(name.startswith("busy-") for name in times.created) < busy:  # noqa: ASYNC110  it only notes
                await asyncio.sleep(POLL_SECONDS)
            await asyncio.sleep(SETTLE_SECONDS)
        await client.create(HYPERDRIVES, namespace, sweep("waiting", "1s", 1, 1))
        began = time.monotonic()
        async with operator(ground.kubeconfig, namespace, ground.operator_log) as process:
            while "waiting-1" not in times.created:  # noqa: ASYNC110  the watcher only notes
                await asyncio.sleep(0.02)
            acted = times.created["waiting-1"] - began
            found = {"objects": 3.0 * len(times.created), "acts_after": acted, "cpu": process.cpu_seconds()}
            return found | {"memory": process.peak_mebibytes()}


async def reports(ground: Ground, namespace: str, trials: int, seconds: float) -> Figures:
    """Let the running trials of the sweep `busy` report each second, as far as the API server bears it."""
    client = ground.client
    sent = 0

    async def report(number: int, until: float) -> None:
        nonlocal sent
        value = 0
        while (now := time.monotonic()) < until:
            value += 1
            note = {"metadata": {"annotations": {"hyperdrive.dev/metrics": f'{{"score": {value}, "step": {value}}}'}}}
            await client.patch(JOBS, namespace, f"busy-{number}", note)
            sent += 1
            await asyncio.sleep(now + 1 - time.monotonic())

    async with operator(ground.kubeconfig, namespace, ground.operator_log) as process:
        while process.cpu_seconds() < 1 or not await _is_at_rest(process):
            pass
        cpu, audit, began = process.cpu_seconds(), Audit(ground.audit_log), time.monotonic()
        await asyncio.gather(*(report(number, began + seconds) for number in range(1, trials + 1)))
        took = time.monotonic() - began
        cpu = process.cpu_seconds() - cpu
        await asyncio.sleep(AUDIT_LAG_SECONDS)
        counts = audit.requests()
        memory = process.peak_mebibytes()
    return {"reports": sent, "per_second": sent / took, "cpu": cpu, "writes": writes(counts), "memory": memory}


async def shards(ground: Ground, trials: int, parallel: int) -> dict[str, Figures]:
    """Run a sweep in each of two namespaces: by one operator, and by two of which each has one."""
    found = {}
    for count in (1, 2):
        client = ground.client
        namespaces = [await fresh_namespace(client, "bench-shard") for _ in range(2)]
        shares = [",".join(namespaces)] if count == 1 else namespaces
        async with AsyncExitStack() as stack:
            times = [await stack.enter_async_context(watched(ground, namespace)) for namespace in namespaces]
            processes = [
                await stack.enter_async_context(operator(ground.kubeconfig, share, ground.operator_log))
                for share in shares
            ]
            for namespace in namespaces:
                await client.create(HYPERDRIVES, namespace, sweep("bench", "1s", trials, parallel))
            for one in times:
                await finished(one, trials)
            refills = [refill for one in times for refill in one.refills(parallel)]
            found["one operator" if count == 1 else "two operators"] = {
                "makespan": max(one.makespan() for one in times),
                "refill_median": percentile(refills, 0.5),
                "refill_p99": percentile(refills, 0.99),
                "cpu": sum(process.cpu_seconds() for process in processes),
            }
    return found


async def _is_at_rest(process: Process) -> bool:
    before = process.cpu_seconds()
    await asyncio.sleep(1)
    return process.cpu_seconds() - before < 0.1
