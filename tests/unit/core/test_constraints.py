"""Constraints between parameters: which combinations run, and what is wrong with a rule."""

from typing import Any

import pytest
from tests.support.builders import (
    NOW,
    choice,
    expression,
    job_template,
    limits,
    sweep,
    sweep_body,
    sweep_manifest,
)
from tests.support.laboratory import Laboratory

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core import constraints, sampling
from hyperdrive_operator.core.planning import make_plan
from hyperdrive_operator.core.sampling import combination, combination_key
from hyperdrive_operator.core.sweep import read_sweep
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES

SPACE = [choice("batch-size", 16, 64, 256), choice("layers", 1, 2, 8)]
FITS = 'params["batch-size"] * params.layers <= 512'
#: All but 256 x 8 = 2048.
ALLOWED = 8


def spec(*rules: str, space: list[Any] = SPACE, algorithm: str = "Random") -> HyperDriveSpec:
    body = sweep_body(
        searchSpace=space,
        samplingAlgorithm={"type": algorithm},
        constraints=[{"rule": rule} for rule in rules],
        limits=limits(1000, 3),
    )
    return HyperDriveSpec.model_validate(body["spec"])


def run_through(of: HyperDriveSpec) -> list[dict[str, Any]]:
    """Return all combinations that a sweep runs, in order."""
    taken: set[str] = set()
    chosen: list[dict[str, Any]] = []
    while (one := combination(of, len(chosen) + 1, taken)) is not None:
        chosen.append(one)
        taken.add(combination_key(one))
    return chosen


@pytest.mark.parametrize("algorithm", ["Grid", "Random"])
def test_every_combination_that_satisfies_the_constraints_runs_once_and_no_other(algorithm: str) -> None:
    chosen = run_through(spec(FITS, algorithm=algorithm))
    assert len(chosen) == len({combination_key(one) for one in chosen}) == ALLOWED
    assert all(one["batch-size"] * one["layers"] <= 512 for one in chosen)


def test_a_grid_keeps_its_order() -> None:
    grid = run_through(spec("params.layers != 2", algorithm="Grid"))
    assert [(one["batch-size"], one["layers"]) for one in grid] == [
        (16, 1),
        (16, 8),
        (64, 1),
        (64, 8),
        (256, 1),
        (256, 8),
    ]


def test_continuous_parameters_are_drawn_until_they_satisfy_the_constraints() -> None:
    space = [expression("low", "uniform", min=0, max=1), expression("high", "uniform", min=0, max=1)]
    of = spec("params.low < params.high", space=space)
    assert all(one["low"] < one["high"] for one in (combination(of, number, set()) for number in range(1, 50)) if one)


def test_a_rule_about_an_inactive_parameter_does_not_apply() -> None:
    space = [
        choice("optimizer", "sgd", "adam"),
        {**choice("momentum", 1, 2), "when": {"parameter": "optimizer", "values": ["sgd"]}},
    ]
    assert len(run_through(spec("params.momentum < 2", space=space))) == 2


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        pytest.param("params.layers <", "is no CEL expression", id="syntax"),
        pytest.param("params.layer < 3", "names no parameter of searchSpace: 'layer'", id="unknown"),
        pytest.param('params["batchsize"] < 3', "use one of batch-size, layers", id="unknown, in brackets"),
        pytest.param("!has(params.layer)", "names no parameter", id="unknown, asked for"),
        pytest.param("params.layers * 0.5 < 3.0", "Convert explicitly", id="mixed numbers"),
        pytest.param("params.layers + 1", "must be true or false, but is", id="no yes or no"),
        pytest.param("layers < 3", "Undefined variable", id="without params"),
        pytest.param("[1].all(a, [1].all(b, a == b))", "one list at most", id="costly"),
    ],
)
def test_a_wrong_rule_is_told_before_the_first_trial(rule: str, problem: str) -> None:
    body = sweep_body(searchSpace=SPACE, constraints=[{"rule": "true"}, {"rule": rule}])
    (found,) = [one for one in read_sweep(body).problems if "constraints" in one.field]
    assert found.field == "spec.constraints[1].rule"
    assert problem in found.message


async def test_constraints_that_leave_nothing_end_the_sweep_and_say_so() -> None:
    lab = Laboratory()
    lab.cluster.put(HYPERDRIVES, sweep_body(searchSpace=[choice("x", 1, 2)], constraints=[{"rule": "params.x > 2"}]))
    await lab.settle()
    failed = lab.condition("Failed")
    assert (failed["status"], failed["reason"]) == ("True", "NoCombinationAllowed")
    assert "spec.constraints" in failed["message"]
    assert not lab.cluster.all(HYPERDRIVE_TRIALS)


async def test_a_sweep_ends_with_the_last_combination_that_its_constraints_leave() -> None:
    lab = Laboratory()
    space = [choice("x", 1, 2, 3, 4)]
    lab.cluster.put(
        HYPERDRIVES, sweep_body(searchSpace=space, constraints=[{"rule": "params.x < 4"}], limits=limits(10, 2))
    )
    await lab.run_to_the_end()
    assert lab.condition("Complete")["reason"] == "SearchSpaceExhausted"
    assert lab.status["progress"] == "3/3"


RARE = (expression("x", "uniform", min=0, max=1), expression("y", "uniform", min=0, max=1))
HUGE = (expression("x", "randint", upper=100_000), expression("y", "randint", upper=100_000))


@pytest.mark.parametrize(
    ("algorithm", "space", "rule"),
    [
        pytest.param("Random", RARE, "params.x < 0.05 && params.y < 0.1", id="one draw in two hundred"),
        pytest.param("Random", HUGE, "params.x < 0", id="no draw"),
        pytest.param("Grid", HUGE, "params.y == 99000", id="one combination of a grid in a hundred thousand"),
        pytest.param("Grid", HUGE, "params.x < 0", id="none of a grid"),
    ],
)
def test_a_pass_that_looks_for_what_constraints_leave_of_a_space_lets_the_others_have_their_turn(
    algorithm: str, space: Any, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def allows(of: HyperDriveSpec, parameters: dict[str, Any]) -> bool:
        nonlocal looks
        looks += 1
        return constraints.allows(of, parameters)

    monkeypatch.setattr(sampling, "allows", allows)
    body: dict[str, Any] = {
        "searchSpace": list(space),
        "samplingAlgorithm": {"type": algorithm},
        "constraints": [{"rule": rule}],
    }
    of = sweep(limits=limits(100, 100), **body)
    for _ in range(3):
        before = looks
        plan = make_plan(of, [], hold=None, is_template_checked=True, now=NOW)
        assert looks - before <= sampling.A_PASS + 100, "at most one for each trial that is found, and these"
        assert len(plan.actions) < 100
        assert plan.next_check == NOW, "it goes on at once, after the others"
        assert not plan.is_exhausted


async def test_a_sweep_of_which_constraints_leave_little_runs_all_its_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "A_PASS", 5)
    lab = Laboratory()
    given: dict[str, Any] = {
        "searchSpace": list(RARE),
        "samplingAlgorithm": {"type": "Random"},
        "trialTemplate": job_template(),
    }
    rules = [{"rule": "params.x < 0.3 && params.y < 0.3"}]
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(6, 3), constraints=rules, **given))
    await lab.run_to_the_end(lambda x: f"accuracy={x['x']}")
    assert lab.status["trials"]["succeeded"] == 6
    chosen = [body["spec"]["parameters"] for body in lab.cluster.all(HYPERDRIVE_TRIALS)]
    whole = spec("params.x < 0.3 && params.y < 0.3", space=list(RARE))
    assert chosen == [combination(whole, number, set()) for number in range(1, 7)]


async def test_a_sweep_of_which_constraints_leave_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MAX_WALK", 200)
    monkeypatch.setattr(sampling, "A_PASS", 20)
    lab = Laboratory()
    rules = [{"rule": "params.x < 0"}]
    lab.cluster.put(HYPERDRIVES, sweep_manifest(constraints=rules, searchSpace=list(HUGE)))
    await lab.settle()
    assert (lab.status["state"], lab.condition("Failed")["reason"]) == ("Failed", "NoCombinationAllowed")
    assert not lab.cluster.all(HYPERDRIVE_TRIALS)
