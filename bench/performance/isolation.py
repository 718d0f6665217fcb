"""A good sweep alone, then beside fifty broken ones, several times: what they cost it."""

import asyncio
import time
from typing import Any, Final

from hyperdrive_operator.kube.kinds import HYPERDRIVES, Kind, Object

from .loads import Figures, Ground, ended, finished, timing, watched
from .manifests import fresh_namespace, job_spec, sweep
from .processes import Process, operator

QUOTAS: Final = Kind("", "v1", "resourcequotas", "ResourceQuota")
BROKEN_SWEEPS: Final = 50
#: The broken ones have come to rest when the operator takes less than this share of a CPU for so long: a good sweep
#: then meets what they cost for good. What fifty sweeps cost that arrive at once is another question.
IDLE_SHARE: Final = 0.05
IDLE_SECONDS: Final = 3.0
#: They must, by then.
REST_SECONDS: Final = 180.0


def _job(annotations: dict[str, str] | None = None, **pod: Any) -> Object:
    """Return a trial template; what is given goes into the pod's spec, or its annotations."""
    spec = job_spec("1s")
    spec["template"]["spec"] |= pod
    spec["template"]["metadata"]["annotations"] |= annotations or {}
    return {"spec": spec}


def _container(**fields: Any) -> list[Object]:
    return [{"name": "train", "image": "none", "command": ["none"], **fields}]


def _reporting(metrics: str) -> Object:
    return {"trialTemplate": _job() | {"metadata": {"annotations": {"hyperdrive.dev/metrics": metrics}}}}


#: What replaces a part of a good sweep's spec. The pods of the quota's have no room in their namespace.
BROKEN: Final[dict[str, dict[str, Any]]] = {
    "placeholder": {"trialTemplate": _job(containers=_container(args=["$(params.rate)"]))},
    "template": {"trialTemplate": _job(restartPolicy="Sometimes")},
    "image": {"trialTemplate": _job(containers=_container(image="UPPER CASE IS NO IMAGE"))},
    "unschedulable": {"trialTemplate": _job(nodeSelector={"there-is": "no-such-node"})},
    "quota": {"trialTemplate": _job()},
    "crash": {"trialTemplate": _job({"simulated/exit-code": "1"})},
    "silent": {"trialTemplate": _job()},
    "nan": _reporting('{"score": NaN}'),
    "huge": _reporting("x" * 4_000),
    "constraint": {"constraints": [{"rule": "params.x < 0.0"}]},
    "rare": {"constraints": [{"rule": "params.x < 0.0000001"}]},
    "source": {"warmStart": {"from": ["nobody"]}},
}


async def isolation(ground: Ground, trials: int, parallel: int, rounds: int) -> dict[str, list[Figures]]:
    """Run the good sweep alone, then beside the broken ones, with the same operator; in each round anew."""
    client = ground.client
    found: dict[str, list[Figures]] = {"alone": [], "beside": [], "broken": []}
    for _ in range(rounds):
        spaces = {
            what: await fresh_namespace(client, f"bench-{what}") for what in ("alone", "beside", "broken", "full")
        }
        quota = {"metadata": {"name": "full"}, "spec": {"hard": {"count/jobs.batch": "0"}}}
        await client.create(QUOTAS, spaces["full"], {"apiVersion": "v1", "kind": "ResourceQuota", **quota})
        async with operator(ground.kubeconfig, ",".join(spaces.values()), ground.operator_log) as process:
            for what in ("alone", "beside"):
                async with watched(ground, spaces[what]) as times:
                    before = process.cpu_seconds()
                    await client.create(HYPERDRIVES, spaces[what], sweep("good", "1s", trials, parallel))
                    await finished(times, trials)
                    await ended(client, spaces[what], "good")
                    found[what].append(timing(times, parallel, process) | {"cpu": process.cpu_seconds() - before})
                if what == "alone":
                    await _break(ground, spaces["broken"], spaces["full"])
                    await _rest(process)
        states = [one.get("status", {}).get("state") for one in await client.list(HYPERDRIVES, spaces["broken"])]
        found["broken"].append({str(state): float(states.count(state)) for state in sorted(set(states), key=str)})
    return found


async def _break(ground: Ground, namespace: str, full: str) -> None:
    for number in range(BROKEN_SWEEPS):
        kind = list(BROKEN)[number % len(BROKEN)]
        body = sweep(f"{kind}-{number}", "1s", 1_000, 5)
        body["spec"] |= BROKEN[kind]
        await ground.client.create(HYPERDRIVES, full if kind == "quota" else namespace, body)


async def _rest(process: Process) -> None:
    until = time.monotonic() + REST_SECONDS
    while time.monotonic() < until:
        before = process.cpu_seconds()
        await asyncio.sleep(IDLE_SECONDS)
        if process.cpu_seconds() - before < IDLE_SHARE * IDLE_SECONDS:
            return
    raise RuntimeError(f"the operator is not at rest {REST_SECONDS:g} s after the last broken sweep has come")
