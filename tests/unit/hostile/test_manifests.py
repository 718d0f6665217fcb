"""HyperDrives that make no sense: what is wrong is said, and the pass goes on."""

import copy
import json

import pytest
from tests.support.builders import NOW, facts
from tests.support.hostile import Hostile
from tests.support.manifests import GOOD, ROWS
from tests.unit.hostile.schemas import HYPERDRIVE, admits

from hyperdrive_operator.core.actions import CheckTemplate
from hyperdrive_operator.core.planning import make_plan
from hyperdrive_operator.core.status import summarise
from hyperdrive_operator.core.sweep import Sweep, read_sweep
from hyperdrive_operator.kube.kinds import Object

CASES = 1_500
STORED = {"name": "digits", "namespace": "lab", "uid": "u", "generation": 1, "resourceVersion": "1"}


def of_the_user(path: tuple[object, ...]) -> bool:
    return path[0] != "spec"


def judged(sweep: Sweep) -> bool:
    """Plan the sweep and sum it up; tell whether it would run."""
    status = summarise(facts(sweep, []), NOW)
    json.dumps(status)
    plan = make_plan(sweep, [], hold=None, is_template_checked=False, now=NOW)
    make_plan(sweep, [], hold=None, is_template_checked=True, now=NOW)
    for action in plan.actions:
        if isinstance(action, CheckTemplate):
            json.dumps(action.job)
    return bool(plan.actions)


def manifest(chance: Hostile, rows: tuple[Object, ...], times: int) -> Object:
    body: Object = chance.broken(chance.choice(rows), times, of_the_user)
    return body | {"metadata": dict(STORED)}


@pytest.mark.parametrize("seed", range(2))
def test_whatever_the_api_server_admits_is_planned_or_told_what_is_wrong(seed: int) -> None:
    chance, rows = Hostile(seed), tuple(row.manifest for row in GOOD)
    admitted = 0
    for _ in range(CASES // 2):
        body = manifest(chance, rows, 1)
        if admits(HYPERDRIVE, body):
            admitted += 1
            sweep = read_sweep(body)
            assert sweep.spec is not None or sweep.problems
            judged(sweep)
    assert admitted > CASES / 40


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_manifest_is_there_is_an_answer(seed: int) -> None:
    """Also for what the API server refuses: an older CRD, with less of a schema, may be installed."""
    chance, rows = Hostile(seed), tuple(row.manifest for row in ROWS)
    for _ in range(CASES):
        body = manifest(chance, rows, chance.randint(1, 3))
        before = copy.deepcopy(body["spec"]) if "spec" in body else None
        sweep = read_sweep(body)
        assert sweep.spec is not None or sweep.problems
        judged(sweep)
        assert body.get("spec") == before, "what was read is not changed"
