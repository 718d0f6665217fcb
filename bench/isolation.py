"""A good sweep alone, then beside fifty broken ones: what they cost it, on an API server with simulated pods."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import HYPERDRIVES, Kind, Object
from hyperdrive_operator.kube.transport import Transport, unobserved

from .sweep import fresh_namespace, job_spec, sweep
from .watching import JobTimes, collect, percentile

QUOTAS: Final = Kind("", "v1", "resourcequotas", "ResourceQuota")
#: How long the broken ones are at it before the good one comes.
HEAD_START_SECONDS: Final = 5.0
#: How long the operator has to watch the namespaces before the first sweep.
WARM_UP_SECONDS: Final = 5.0


def _job(annotations: dict[str, str] | None = None, **pod: Any) -> Object:
    """Return a trial template; what is given goes into the pod's spec, or its annotations."""
    spec = job_spec("1s")
    spec["template"]["spec"] |= pod
    spec["template"]["metadata"]["annotations"] |= annotations or {}
    return {"spec": spec}


def _container(**fields: Any) -> list[Object]:
    return [{"name": "train", "image": "none", "command": ["none"], **fields}]


#: What replaces a part of a good sweep's spec. The pods of the quota's have no room in their namespace.
BROKEN: Final[dict[str, dict[str, Any]]] = {
    "placeholder": {"trialTemplate": _job(containers=_container(args=["$(params.rate)"]))},
    "template": {"trialTemplate": _job(restartPolicy="Sometimes")},
    "image": {"trialTemplate": _job(containers=_container(image="UPPER CASE IS NO IMAGE"))},
    "unschedulable": {"trialTemplate": _job(nodeSelector={"there-is": "no-such-node"})},
    "quota": {"trialTemplate": _job()},
    "crash": {"trialTemplate": _job({"simulated/exit-code": "1"})},
    "silent": {"trialTemplate": _job()},
    "nan": {"trialTemplate": _job() | {"metadata": {"annotations": {"hyperdrive.dev/metrics": '{"score": NaN}'}}}},
    "huge": {"trialTemplate": _job() | {"metadata": {"annotations": {"hyperdrive.dev/metrics": "x" * 100_000}}}},
    "constraint": {"constraints": [{"rule": "params.x < 0.0"}]},
    "rare": {"constraints": [{"rule": "params.x < 0.002"}]},
    "source": {"warmStart": {"from": ["nobody"]}},
}


def broken(kind: str, number: int) -> Object:
    """Return a sweep that is broken in this way."""
    body = sweep("1s", 1_000, 5)
    body["metadata"]["name"] = f"{kind}-{number}"
    body["spec"] |= BROKEN[kind]
    return body


async def round_of(client: KubeClient, transport: Transport, namespace: str, arguments: argparse.Namespace) -> JobTimes:
    """Run the good sweep and return when its Jobs came and ended."""
    begun = asyncio.Event()
    watcher = asyncio.create_task(collect(transport, namespace, arguments.trials, begun))
    await begun.wait()
    await client.create(HYPERDRIVES, namespace, sweep("1s", arguments.trials, arguments.parallel))
    return await watcher


async def run(arguments: argparse.Namespace) -> None:
    """Run the good sweep alone, then beside the broken ones."""
    transport = await Transport.open(arguments.kubeconfig, None, "bench", unobserved)
    client = KubeClient(transport)
    names = [await fresh_namespace(client, f"bench-{what}") for what in ("alone", "beside", "broken", "full")]
    quota = {"metadata": {"name": "full"}, "spec": {"hard": {"count/jobs.batch": "0"}}}
    await client.create(QUOTAS, names[3], {"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    log = Path(arguments.operator_log).open("wb")  # noqa: ASYNC230, SIM115  the process keeps it
    command = [sys.executable, "-m", "hyperdrive_operator", "--kubeconfig", arguments.kubeconfig, "--listen", "off"]
    process = subprocess.Popen([*command, "--namespaces", ",".join(names)], stderr=log)  # noqa: ASYNC220, S603
    try:
        await asyncio.sleep(WARM_UP_SECONDS)
        alone = await round_of(client, transport, names[0], arguments)
        for number in range(arguments.broken):
            kind = list(BROKEN)[number % len(BROKEN)]
            await client.create(HYPERDRIVES, names[3 if kind == "quota" else 2], broken(kind, number))
        await asyncio.sleep(HEAD_START_SECONDS)
        beside = await round_of(client, transport, names[1], arguments)
    finally:
        process.terminate()
        _, _, usage = await asyncio.to_thread(os.wait4, process.pid, 0)
        states = [one.get("status", {}).get("state") for one in await client.list(HYPERDRIVES, names[2])]
        await transport.close()
    for what, times in (("alone", alone), ("beside", beside)):
        refills = times.refills(arguments.parallel)
        middle, tail = (percentile(refills, share) * 1000 for share in (0.5, 0.99))
        print(f"{what}: makespan {times.makespan():.1f} s, next start after {middle:.0f} ms (p99 {tail:.0f} ms)")
    print(f"ratio of makespans: {beside.makespan() / alone.makespan():.3f}")
    print(f"operator: {usage.ru_utime + usage.ru_stime:.1f} CPU s, {usage.ru_maxrss / 1024:.0f} MiB at most")
    print(f"the broken ones: {json.dumps({str(state): states.count(state) for state in set(states)})}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench.isolation", description=__doc__)
    parser.add_argument("--kubeconfig", required=True, help="an API server with simulated pods")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--parallel", type=int, default=10)
    parser.add_argument("--broken", type=int, default=50)
    parser.add_argument("--operator-log", default=os.devnull, help="where the operator's log goes")
    began = time.monotonic()
    asyncio.run(run(parser.parse_args()))
    print(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
