"""A sweep that learns, through the operator as a process of its own, killed once in the middle."""

import asyncio
import copy
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration.assassin import Assassin
from tests.integration.test_killed import NAME, SWEEP, Ledger

from hyperdrive_local.embedded import EmbeddedCluster
from hyperdrive_local.registry import Registry
from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.proposing import Finished, Request
from hyperdrive_operator.core.sampling import combination_key
from hyperdrive_operator.optimizer.propose import propose

ROOT = Path(__file__).parents[2]
TRIALS = 12


def learning_sweep(at_once: int) -> dict[str, Any]:
    """Return a sweep of 12 trials, the first four of which are drawn at random."""
    manifest: dict[str, Any] = copy.deepcopy(SWEEP)
    manifest["spec"] |= {
        "samplingAlgorithm": {"type": "Bayesian", "seed": 7, "bayesian": {"startupTrials": 4}},
        "limits": {"maxTotalTrials": TRIALS, "maxConcurrentTrials": at_once},
    }
    return manifest


@pytest.mark.parametrize("kills", [frozenset[int](), frozenset({7})], ids=["undisturbed", "killed once"])
@pytest.mark.parametrize("at_once", [1, 3])
async def test_a_bayesian_sweep_completes(kills: frozenset[int], at_once: int, tmp_path: Path) -> None:
    manifest = learning_sweep(at_once)
    ledger = Ledger()
    assassin = Assassin("record", "after", kills, ledger.applied)
    with EmbeddedCluster(tmp_path / "cluster", middlewares=[assassin.middleware()]) as cluster:
        cluster.call(lambda registry: install(registry, manifest))
        async with asyncio.timeout(100):
            await run_until_complete(cluster.kubeconfig, assassin, ledger, tmp_path / "operator.log")
        records, sweep = cluster.call(observe)

    assert assassin.kills == len(kills)
    ran = [record["spec"]["parameters"] for record in sorted(records, key=lambda record: record["spec"]["number"])]
    assert len({combination_key(parameters) for parameters in ran}) == len(ran) == TRIALS
    assert sweep["status"]["bestTrial"]["value"] == max(parameters["x"] for parameters in ran)
    if at_once == 1:  # else the order of results is the machine's
        assert ran == expected(manifest)


def expected(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the optimiser proposes when it knows each result before the next trial."""
    spec = HyperDriveSpec.model_validate(manifest["spec"])
    ran: list[dict[str, Any]] = []
    for number in range(1, TRIALS + 1):
        finished = tuple(Finished(parameters, parameters["x"]) for parameters in ran)
        taken = {n: combination_key(parameters) for n, parameters in enumerate(ran, 1)}
        (parameters,) = propose(Request(spec, (number,), finished, (), taken))
        assert parameters is not None
        ran.append(parameters)
    return ran


def install(registry: Registry, manifest: dict[str, Any]) -> None:
    crds = registry.resource("apiextensions.k8s.io", "customresourcedefinitions")
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        registry.create(crds, "", yaml.safe_load(path.read_text()))
    registry.create(registry.resource(names.GROUP, "hyperdrives"), "default", manifest)


def observe(registry: Registry) -> tuple[list[Any], Any]:
    records, _ = registry.list(registry.resource(names.GROUP, "hyperdrivetrials"), "default")
    return records, registry.get(registry.resource(names.GROUP, "hyperdrives"), "default", NAME)


async def run_until_complete(kubeconfig: Path, assassin: Assassin, ledger: Ledger, log: Path) -> None:
    """Run the operator, again if it was killed, until the sweep is complete; then stop it well."""
    command = ["-m", "hyperdrive_operator", "--kubeconfig", str(kubeconfig), "--listen", "off"]
    complete = asyncio.create_task(ledger.is_complete.wait())
    while not complete.done():
        with log.open("ab") as output:
            operator = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=output)
        assassin.pid = operator.pid
        ended = asyncio.create_task(operator.wait())
        await asyncio.wait({ended, complete}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            assert ended.result() == -signal.SIGKILL, f"it ended by itself: see {log}"
        else:
            operator.terminate()
            assert await ended == 0
