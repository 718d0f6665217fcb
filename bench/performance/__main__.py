"""Measure the operator on a control plane with simulated pods, and write tables and figure of docs/performance.md."""

import argparse
import asyncio
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hyperdrive_operator.kube.transport import Transport, unobserved

from . import loads, report
from .isolation import isolation
from .loads import Ground

RESULTS = Path(".local/bench-performance/results.json")
PARTS = ("makespan", "shards", "isolation", "size", "start", "reports", "sweeps")
ISOLATION_ROUNDS = 3
MAKESPAN_ROUNDS = 3
#: Trials, at once, and how long each runs: the first two are those that docs/performance.md promises something for, the
#: others those that Katib was measured with.
MAKESPANS = ((1_000, 50, "1s"), (1_000, 200, "5s"), (500, 50, "1s"), (100, 20, "2s"))


def known() -> dict[str, Any]:
    """Return what was measured before."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return found


async def measure(arguments: argparse.Namespace) -> None:
    """Run the parts that were asked for, one after the other."""
    results = known()
    transport = await Transport.open(arguments.kubeconfig, None, "bench", unobserved)
    log = Path(arguments.audit_log) if arguments.audit_log else None
    ground = Ground(arguments.kubeconfig, transport, log, arguments.etcd_metrics, arguments.operator_log)

    def keep(part: str, found: object) -> None:
        results[part] = found
        results["machine"] = machine()
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=1))
        print(part, json.dumps(found), flush=True)

    try:
        if "makespan" in arguments.parts:
            await makespans(ground, arguments.divide, keep)
        if "shards" in arguments.parts:
            keep("shards", await loads.shards(ground, 500 // arguments.divide, max(2, 25 // arguments.divide)))
        if "isolation" in arguments.parts:
            keep("isolation", await isolation(ground, 200 // arguments.divide, 10, ISOLATION_ROUNDS))
        if "size" in arguments.parts:
            figures, results["namespace"] = await loads.size(ground, 10_000 // arguments.divide, 50)
            keep("size", figures)
        if "start" in arguments.parts:
            keep("start", await loads.start(ground, results["namespace"], 500 // arguments.divide))
        if "reports" in arguments.parts:
            keep("reports", await loads.reports(ground, results["namespace"], 500 // arguments.divide, 30.0))
        if "sweeps" in arguments.parts:
            keep("sweeps", await loads.many_sweeps(ground, 200 // arguments.divide, 50, "10s"))
    finally:
        await transport.close()


async def makespans(ground: Ground, divide: int, keep: Callable[[str, object], None]) -> None:
    """Run the loads beside the bare loop, one after the other, and all of them again."""
    rounds: dict[str, list[object]] = {}
    for _ in range(MAKESPAN_ROUNDS):
        for trials, parallel, run_for in MAKESPANS:
            name = f"makespan {trials} {parallel} {run_for}"
            found = await loads.makespan(ground, trials // divide, max(2, parallel // divide), run_for)
            rounds.setdefault(name, []).append(found)
            keep(name, rounds[name])


def machine() -> dict[str, str]:
    """Return the facts of this machine that a figure depends on."""
    cpus, memories = (Path(name).read_text().splitlines() for name in ("/proc/cpuinfo", "/proc/meminfo"))
    names = [line.partition(":")[2].strip() for line in cpus if line.startswith("model name")]
    memory = next(line.split()[1] for line in memories if line.startswith("MemTotal"))
    return {
        "cpu": names[0] if names else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory) / 2**20:.0f} GiB",
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[2]:.1f}",
    }


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench.performance", description=__doc__)
    parser.add_argument("--kubeconfig", help="an API server with simulated pods; without, only the report is made")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="default: all")
    parser.add_argument("--divide", type=int, default=1, help="make each load so many times smaller, to try it out")
    parser.add_argument("--audit-log", help="the API server's audit log, to count the operator's requests")
    parser.add_argument("--etcd-metrics", default="", help="URL of etcd's metrics, to count the bytes written")
    parser.add_argument("--operator-log", default=os.devnull, help="where the operator's log goes")
    arguments = parser.parse_args()
    if arguments.kubeconfig:
        asyncio.run(measure(arguments))
    report.write(known())


if __name__ == "__main__":
    main()
