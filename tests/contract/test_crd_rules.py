"""The rules of our own CRDs: each server says exactly what our schemas say, and what the table asks."""

import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml
from tests.contract.client import Api, Reply
from tests.contract.crds import CRDS, GENERATED, Served, causes, served
from tests.support.manifests import ROWS, Row

from hyperdrive_operator.api.v1alpha1.status import UNSEEN

MISSING: Any = object()

Sweep = dict[str, Any]


@pytest.fixture
async def sweeps(api: Api, namespace: str) -> AsyncIterator[Served]:
    """Our CRD, installed."""
    async with served(api, namespace, "hyperdrives", good()) as installed:
        yield installed


def good() -> Sweep:
    return copy.deepcopy(ROWS[0].manifest)


async def test_the_definitions_are_accepted(sweeps: Served) -> None:
    for file in GENERATED.glob("*.yaml"):
        definition = yaml.safe_load(file.read_text())
        group = sweeps.version.partition("/")[0]
        definition["metadata"]["name"] = f"{definition['spec']['names']['plural']}.{group}"
        definition["spec"]["group"] = group
        reply = await sweeps.api.post(CRDS, definition, dryRun="All")
        assert reply.code in {201, 409}, reply.body  # 409: it is there


async def test_a_sweep_that_no_operator_has_seen_says_so(sweeps: Served) -> None:
    path = f"{sweeps.path}/{good()['metadata']['name']}"
    made = await sweeps.create(good() | {"status": {"observedGeneration": 1, "state": "Complete"}})
    assert made.body["status"] == UNSEEN
    assert (await sweeps.api.get(path)).body["status"] == UNSEEN
    # the first status of the operator takes its place, field by field
    patched = await sweeps.api.patch(f"{path}/status", {"status": {"observedGeneration": 1, "progress": "0/1"}})
    assert patched.body["status"] == {"observedGeneration": 1, "state": "Pending", "progress": "0/1"}


async def test_every_manifest_of_the_table_is_judged_alike(sweeps: Served) -> None:
    for row in ROWS:
        reply = await sweeps.create(row.manifest, dryRun="All")
        assert reply.code in {201, 422}, (row.id, reply.body)
        assert causes(reply) == sweeps.errors(row.manifest), row.id
        check_row(row, reply)


def check_row(row: Row, reply: Reply) -> None:
    refused = row.error is not None and not row.only_here
    assert (reply.code == 422) == refused, (row.id, reply.body)
    if refused and row.error:
        assert row.error in reply.message, row.id


def changed(spec: Sweep, path: str, value: Any) -> Sweep:
    """Return a spec with one field set, or removed."""
    spec = copy.deepcopy(spec)
    *parents, last = path.split(".")
    at: Any = spec
    for parent in parents:
        at = at[int(parent)] if parent.isdigit() else at.setdefault(parent, {})
    if value is MISSING:
        at.pop(last)
    elif last == "+":
        at.append(value)
    else:
        at[int(last) if last.isdigit() else last] = value
    return spec


X: Sweep = {"name": "x", "randint": {"lower": 0, "upper": 100}}
Y: Sweep = {"name": "y", "choice": {"values": [1, 2]}}


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        pytest.param("objective.goal", "Minimize", "objective is immutable", id="another goal"),
        pytest.param("objective.primaryMetric", "f1", "objective is immutable", id="another metric"),
        pytest.param(
            "searchSpace.+", {"name": "z", "normal": {"mu": 0, "sigma": 1}}, "searchSpace is immutable", id="more"
        ),
        pytest.param("searchSpace", [X], "searchSpace is immutable", id="one parameter fewer"),
        pytest.param("searchSpace.0.randint.upper", 50, "searchSpace is immutable", id="other bounds"),
        pytest.param("searchSpace.1.choice.values", [2, 1], "searchSpace is immutable", id="choices in another order"),
        pytest.param("searchSpace", [Y, X], "", id="parameters in another order are the same parameters"),
        pytest.param("samplingAlgorithm.seed", 7, "samplingAlgorithm is immutable", id="another seed"),
        pytest.param("samplingAlgorithm", MISSING, "", id="the algorithm left out is the default one"),
        pytest.param("limits.maxTotalTrials", 9, "", id="more trials"),
        pytest.param("limits.maxTotalTrials", 0, "greater than or equal to 1", id="no trials"),
        pytest.param("limits", MISSING, "spec.limits: Required value", id="no limits"),
        pytest.param("trialTemplate.spec.backoffLimit", 2, "", id="another template"),
        pytest.param("firstCombinations.0.x", 2, "firstCombinations is immutable", id="another first value"),
        pytest.param("firstCombinations.0", {"y": 1}, "", id="one name for another, which no rule can see"),
        pytest.param("firstCombinations.+", {"y": 1}, "firstCombinations is immutable", id="one more to try first"),
        pytest.param("firstCombinations", MISSING, "firstCombinations is immutable", id="none to try first any more"),
        pytest.param("warmStart.from", ["a"], "warmStart is immutable", id="from fewer sweeps"),
        pytest.param("warmStart.skipKnown", True, "warmStart is immutable", id="known ones are skipped now"),
        pytest.param("repeats", 3, "repeats is immutable", id="repeated from now on"),
        pytest.param("warmStart", MISSING, "warmStart is immutable", id="no warm start any more"),
    ],
)
async def test_a_change_is_judged_alike(sweeps: Served, path: str, value: Any, error: str) -> None:
    manifest = good()
    manifest["spec"] |= {"searchSpace": [X, Y], "samplingAlgorithm": {"type": "Random"}}
    manifest["spec"] |= {"firstCombinations": [{"x": 1}], "warmStart": {"from": ["a", "b"]}}
    stored = await sweeps.api.made(sweeps.path, sweeps.as_ours(manifest))
    update = {**stored, "spec": changed(stored["spec"], path, value)}
    reply = await sweeps.api.put(f"{sweeps.path}/{stored['metadata']['name']}", update, dryRun="All")
    assert causes(reply) == sweeps.errors(update, stored)
    assert reply.code == (422 if error else 200), reply.body
    if error:
        assert error in reply.message


async def test_unknown_fields_are_dropped_or_refused(sweeps: Served) -> None:
    manifest = good()
    manifest["spec"]["limits"]["maxTrials"] = 3
    lenient = await sweeps.create(manifest, dryRun="All", fieldValidation="Ignore")
    assert "maxTrials" not in lenient.body["spec"]["limits"]
    strict = await sweeps.create(manifest, dryRun="All", fieldValidation="Strict")
    assert (strict.code, 'unknown field "spec.limits.maxTrials"' in strict.message) == (400, True)


async def test_defaults_are_filled_in(sweeps: Served) -> None:
    reply = await sweeps.create(good(), dryRun="All")
    mine = sweeps.as_ours(good())
    sweeps.schema.default(mine)
    assert reply.body["spec"] == mine["spec"]
