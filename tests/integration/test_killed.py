"""The operator, a process of its own, is killed at each kind of write and started again: nothing is lost or doubled."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration.assassin import WRITES, Assassin, Moment

from hyperdrive_local.embedded import EmbeddedCluster
from hyperdrive_local.registry import Registry
from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.sampling import combination, combination_key

ROOT = Path(__file__).parents[2]
NAME = "survivor"
TRIALS, PARALLEL = 6, 2
DEADLINE_SECONDS = 60

SWEEP: dict[str, Any] = {
    "apiVersion": names.API_VERSION,
    "kind": "HyperDrive",
    "metadata": {"name": NAME, "namespace": "default"},
    "spec": {
        "objective": {"primaryMetric": "score", "goal": "Maximize"},
        "searchSpace": [{"name": "x", "uniform": {"min": 0, "max": 1}}, {"name": "k", "choice": {"values": [1, "b"]}}],
        "samplingAlgorithm": {"type": "Random", "seed": 7},
        # starts are recorded at once where a limit counts from them
        "limits": {"maxTotalTrials": TRIALS, "maxConcurrentTrials": PARALLEL, "trialTimeout": "1h"},
        "trialTemplate": {
            "spec": {
                "backoffLimit": 0,
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "containers": [
                            {
                                "name": "train",
                                "image": "python:3.12-slim",
                                # it must run long enough to be seen running, whatever the machine does beside it
                                "command": ["python", "-S", "-c"],
                                "args": ["import time; time.sleep(0.3); print('score=$(params.x)')"],
                            }
                        ],
                    }
                },
            }
        },
    },
}


class Ledger:
    """What the API server has seen of the operator's doing."""

    def __init__(self) -> None:
        self.jobs: Counter[str] = Counter()
        self.most_unfinished = 0
        self.is_complete = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.registry: Registry | None = None

    def applied(self, kind: str, body: dict[str, Any]) -> None:
        """Take in a write, in the cluster's thread, just after it was applied."""
        if kind == "job" and self.registry is not None:
            jobs, _ = self.registry.list(self.registry.resource("batch", "jobs"), "default")
            self.most_unfinished = max(self.most_unfinished, sum(not _is_finished(job) for job in jobs))
        conditions = body.get("status", {}).get("conditions", ()) if kind == "status" else ()
        if any(condition["type"] == "Complete" and condition["status"] == "True" for condition in conditions):
            self._loop.call_soon_threadsafe(self.is_complete.set)


def _is_finished(job: dict[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions", ())
    return any(c["type"] in {"Complete", "Failed"} and c["status"] == "True" for c in conditions)


def _points() -> Iterator[Any]:
    for kind in WRITES:
        for moment in ("before", "after"):
            # the second wave too: there the operator comes back to trials that are half done
            occurrences = {1} if kind == "check" else {1, 2 if kind in {"status", "event"} else 4}
            yield pytest.param(kind, moment, frozenset(occurrences), id=f"{moment} {kind}")


@pytest.mark.parametrize(("kind", "moment", "occurrences"), list(_points()))
async def test_a_killed_operator_goes_on_where_it_was(
    kind: str, moment: Moment, occurrences: frozenset[int], tmp_path: Path
) -> None:
    ledger = Ledger()
    assassin = Assassin(kind, moment, occurrences, ledger.applied)
    with EmbeddedCluster(tmp_path / "cluster", middlewares=[assassin.middleware()]) as cluster:
        ledger.registry = cluster.call(lambda registry: registry)
        cluster.call(_install)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await _run_until_complete(cluster.kubeconfig, assassin, ledger, tmp_path / "operator.log")
        records, jobs, pods, sweep = cluster.call(_observe)

    assert assassin.kills == len(occurrences), f"killed {assassin.kills} times; writes seen: {assassin.seen}"
    expected = _expected_combinations()
    assert {record["metadata"]["name"]: record["spec"]["parameters"] for record in records} == expected
    assert sorted(job["metadata"]["name"] for job in jobs) == sorted(expected)
    assert len(pods) == TRIALS, "a combination was run twice, or not at all"
    assert ledger.most_unfinished <= PARALLEL
    values = {record["metadata"]["name"]: record["status"]["value"] for record in records}
    assert values == {name: parameters["x"] for name, parameters in expected.items()}
    best = max(values, key=lambda name: values[name])
    assert (sweep["status"]["bestTrial"]["name"], sweep["status"]["bestTrial"]["value"]) == (best, values[best])


async def _run_until_complete(kubeconfig: Path, assassin: Assassin, ledger: Ledger, log: Path) -> None:
    """Start the operator, again after each kill, until the sweep is complete; then stop it well."""
    command = ["-m", "hyperdrive_operator", "--kubeconfig", str(kubeconfig), "--listen", "off"]
    complete = asyncio.create_task(ledger.is_complete.wait())
    while not ledger.is_complete.is_set():
        with log.open("ab") as output:
            operator = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=output)
        assassin.pid = operator.pid
        ended = asyncio.create_task(operator.wait())
        try:
            await asyncio.wait({ended, complete}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                assert ended.result() == -signal.SIGKILL, f"it ended by itself: see {log}"
        finally:
            if operator.returncode is None:
                operator.terminate()
            await ended


def _install(registry: Registry) -> None:
    crds = registry.resource("apiextensions.k8s.io", "customresourcedefinitions")
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        registry.create(crds, "", yaml.safe_load(path.read_text()))
    registry.create(registry.resource(names.GROUP, "hyperdrives"), "default", SWEEP)


def _observe(registry: Registry) -> tuple[list[Any], list[Any], list[Any], Any]:
    resources = [(names.GROUP, "hyperdrivetrials"), ("batch", "jobs"), ("", "pods")]
    lists = [registry.list(registry.resource(*resource), "default")[0] for resource in resources]
    return lists[0], lists[1], lists[2], registry.get(registry.resource(names.GROUP, "hyperdrives"), "default", NAME)


def _expected_combinations() -> dict[str, dict[str, Any]]:
    spec = HyperDriveSpec.model_validate(SWEEP["spec"])
    taken: set[str] = set()
    expected = {}
    for number in range(1, TRIALS + 1):
        parameters = combination(spec, number, taken)
        assert parameters is not None
        expected[f"{NAME}-{number}"] = parameters
        taken.add(combination_key(parameters))
    return expected
