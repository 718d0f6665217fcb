"""One sweep through the operator, then the same Jobs through a bare loop, on an API server with simulated pods."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import HYPERDRIVES, Kind
from hyperdrive_operator.kube.transport import Transport, unobserved

from . import bare_loop
from .watching import JobTimes, collect, percentile

NAMESPACES = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
POLL_SECONDS = 0.2


def job_spec(run_for: str) -> dict[str, Any]:
    """Return a Job whose simulated pod runs for so long."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "train", "image": "none", "command": ["none"]}]}
    template = {"metadata": {"annotations": {"simulated/run-for": run_for}}, "spec": pod}
    return {"backoffLimit": 0, "template": template}


def sweep(run_for: str, trials: int, parallel: int) -> dict[str, Any]:
    """Return a HyperDrive that costs its trials nothing: each Job comes with its metric in the annotation."""
    return {
        "apiVersion": HYPERDRIVES.api_version,
        "kind": HYPERDRIVES.kind,
        "metadata": {"name": "bench"},
        "spec": {
            "objective": {"primaryMetric": "score", "goal": "Maximize"},
            "searchSpace": [{"name": "x", "uniform": {"min": 0, "max": 1}}],
            "samplingAlgorithm": {"type": "Random", "seed": 1},
            "limits": {"maxTotalTrials": trials, "maxConcurrentTrials": parallel},
            "metrics": {"source": "Annotation"},
            "trialTemplate": {
                "metadata": {"annotations": {"hyperdrive.dev/metrics": '{"score": $(params.x)}'}},
                "spec": job_spec(run_for),
            },
        },
    }


async def measure_operator(arguments: argparse.Namespace, transport: Transport) -> JobTimes:
    """Run the sweep, the operator being a process of its own; print what it used."""
    client = KubeClient(transport)
    namespace = await fresh_namespace(client, "bench-operator")
    log = Path(arguments.operator_log).open("wb")  # noqa: ASYNC230, SIM115  the process keeps it
    command = [sys.executable, "-m", "hyperdrive_operator", "--kubeconfig", arguments.kubeconfig, "--listen", "off"]
    process = subprocess.Popen([*command, "--namespaces", namespace], stderr=log)  # noqa: ASYNC220, S603
    try:
        begun = asyncio.Event()
        watcher = asyncio.create_task(collect(transport, namespace, arguments.trials, begun))
        await begun.wait()
        started = time.monotonic()
        await client.create(HYPERDRIVES, namespace, sweep(arguments.run_for, arguments.trials, arguments.parallel))
        times = await watcher
        while True:
            status = (await client.get(HYPERDRIVES, namespace, "bench")).get("status", {})
            if status.get("state") in {"Complete", "Failed"}:
                break
            await asyncio.sleep(POLL_SECONDS)
        print(f"sweep: {status['state']} {status['progress']} in {time.monotonic() - started:.1f} s from its creation")
    finally:
        process.terminate()
        _, _, usage = await asyncio.to_thread(os.wait4, process.pid, 0)
    print(f"operator: {usage.ru_utime + usage.ru_stime:.1f} CPU s, {usage.ru_maxrss / 1024:.0f} MiB at most")
    return times


async def measure_bare_loop(arguments: argparse.Namespace, transport: Transport) -> JobTimes:
    """Run the same Jobs through the bare loop."""
    namespace = await fresh_namespace(KubeClient(transport), "bench-bare")
    begun = asyncio.Event()
    watcher = asyncio.create_task(collect(transport, namespace, arguments.trials, begun))
    await begun.wait()
    await bare_loop.run(
        transport, namespace, job_spec(arguments.run_for), trials=arguments.trials, parallel=arguments.parallel
    )
    return await watcher


async def fresh_namespace(client: KubeClient, name: str) -> str:
    """Create a namespace of its own for this run."""
    name = f"{name}-{int(time.time())}"
    await client.create(NAMESPACES, "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def report(name: str, times: JobTimes, parallel: int) -> None:
    """Print what the watcher saw."""
    refills = times.refills(parallel)
    line = f"{name}: makespan {times.makespan():.1f} s, "
    line += f"{times.in_flight():.1f} in flight (at most {times.most_in_flight()})"
    if len(refills) > 1:
        line += (
            f", refill median {percentile(refills, 0.5) * 1000:.0f} ms, p99 {percentile(refills, 0.99) * 1000:.0f} ms"
        )
    print(line)


def report_audit(path: Path, offset: int, trials: int) -> None:
    """Print the operator's requests per trial, as the API server logged them since the offset."""
    counts: Counter[tuple[str, str]] = Counter()
    with path.open("rb") as log:
        log.seek(offset)
        for line in log:
            event = json.loads(line)
            if (
                event.get("userAgent", "").startswith("hyperdrive-operator")
                and event.get("stage") == "ResponseComplete"
            ):
                reference = event.get("objectRef", {})
                resource = "/".join(filter(None, (reference.get("resource"), reference.get("subresource"))))
                counts[event["verb"], resource] += 1
    writes = sum(count for (verb, _), count in counts.items() if verb in {"create", "patch", "update", "delete"})
    print(f"operator's writes per trial: {writes / trials:.3f}")
    for (verb, resource), count in counts.most_common():
        print(f"  {verb} {resource}: {count} ({count / trials:.3f} a trial)")


async def run(arguments: argparse.Namespace) -> None:
    """Run both, one after the other."""
    transport = await Transport.open(arguments.kubeconfig, None, "bench", unobserved)
    audit = Path(arguments.audit_log) if arguments.audit_log else None
    offset = audit.stat().st_size if audit else 0
    try:
        ours = await measure_operator(arguments, transport)
        report("operator", ours, arguments.parallel)
        bare = await measure_bare_loop(arguments, transport)
        report("bare loop", bare, arguments.parallel)
        print(f"ratio of makespans: {ours.makespan() / bare.makespan():.2f}")
    finally:
        await transport.close()
    if audit:
        report_audit(audit, offset, arguments.trials)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench.sweep", description=__doc__)
    parser.add_argument("--kubeconfig", required=True, help="an API server with simulated pods")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=50)
    parser.add_argument("--run-for", default="1s", help="how long each simulated pod runs (default: 1s)")
    parser.add_argument("--audit-log", help="the API server's audit log, to count the operator's requests")
    parser.add_argument("--operator-log", default=os.devnull, help="where the operator's log goes")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
