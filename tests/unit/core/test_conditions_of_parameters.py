"""Conditional parameters, probabilities and grid points: what a search space with them holds."""

import math
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, Parameter, canonical
from hyperdrive_operator.core import space
from hyperdrive_operator.core.jobs import build_job
from hyperdrive_operator.core.sampling import combination, planned_trials
from hyperdrive_operator.core.template import render

OPTIMIZERS = [
    {"name": "optimizer", "choice": {"values": ["sgd", "adam", "none"]}},
    {"name": "momentum", "choice": {"values": [0.5, 0.9]}, "when": {"parameter": "optimizer", "values": ["sgd"]}},
    {"name": "nesterov", "choice": {"values": [True, False]}, "when": {"parameter": "momentum", "values": [0.9]}},
    {"name": "rate", "choice": {"values": [1, 2]}, "when": {"parameter": "optimizer", "values": ["sgd", "adam"]}},
    {"name": "layers", "randint": {"lower": 1, "upper": 3}},
]
#: (sgd: (momentum 0.5: 1, 0.9: 2) x 2 rates = 6) + (adam: 2) + (none: 1), times 2 layers.
COMBINATIONS = (3 * 2 + 2 + 1) * 2


def parameters(raw: list[dict[str, Any]]) -> list[Parameter]:
    return [Parameter.model_validate(one) for one in raw]


def spec(raw: list[dict[str, Any]], **sampling: Any) -> HyperDriveSpec:
    return HyperDriveSpec.model_validate(
        {
            "objective": {"primaryMetric": "accuracy", "goal": "Maximize"},
            "searchSpace": raw,
            "samplingAlgorithm": sampling,
            "limits": {"maxTotalTrials": 1000},
            "trialTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "train"}]}}}},
        }
    )


def is_sound(chosen: dict[str, Any]) -> bool:
    """Tell whether just the parameters whose conditions hold have a value."""
    return (
        ("momentum" in chosen) == (chosen["optimizer"] == "sgd")
        and ("nesterov" in chosen) == (chosen.get("momentum") == 0.9)
        and ("rate" in chosen) == (chosen["optimizer"] != "none")
        and "layers" in chosen
    )


def test_a_grid_holds_each_combination_of_active_parameters_once() -> None:
    grid = [space.combination_at(parameters(OPTIMIZERS), index) for index in range(COMBINATIONS)]
    assert space.size(parameters(OPTIMIZERS)) == COMBINATIONS
    assert len({canonical(chosen) for chosen in grid}) == COMBINATIONS
    assert all(is_sound(chosen) for chosen in grid)
    assert grid[0] == {"optimizer": "sgd", "momentum": 0.5, "rate": 1, "layers": 1}
    assert grid[-1] == {"optimizer": "none", "layers": 2}


@given(st.integers(0, 2**31))
def test_a_draw_has_values_of_active_parameters_only_in_the_order_of_the_spec(seed: int) -> None:
    chosen = space.draw(parameters(OPTIMIZERS), Random(seed))  # noqa: S311  not for secrets
    assert is_sound(chosen)
    assert list(chosen) == [one["name"] for one in OPTIMIZERS if one["name"] in chosen]


def test_random_runs_through_a_conditional_space_without_repeating_one() -> None:
    sweep = spec(OPTIMIZERS, type="Random", seed=5)
    taken: set[str] = set()
    for number in range(1, COMBINATIONS + 1):
        chosen = combination(sweep, number, taken)
        assert chosen is not None
        assert canonical(chosen) not in taken
        taken.add(canonical(chosen))
    assert planned_trials(sweep) == COMBINATIONS
    assert combination(sweep, COMBINATIONS + 1, taken) is None


def test_a_list_item_or_field_that_needs_an_inactive_parameter_is_left_out() -> None:
    template = {
        "args": ["--optimizer=$(params.optimizer)", "--momentum=$(params.momentum)"],
        "resources": {"cpu": "$(params.momentum)", "memory": "1Gi"},
    }
    assert render(template, {"optimizer": "adam"}) == {
        "args": ["--optimizer=adam"],
        "resources": {"memory": "1Gi"},
    }


def test_an_inactive_parameter_has_no_environment_variable() -> None:
    job = build_job(spec(OPTIMIZERS), sweep_name="s", trial="s-1", trial_uid="u", parameters={"optimizer": "none"})
    variables = [one["name"] for one in job["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert "HYPERDRIVE_PARAM_OPTIMIZER" in variables
    assert "HYPERDRIVE_PARAM_MOMENTUM" not in variables


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        pytest.param({"parameter": "gone", "values": [1]}, "must name another parameter", id="no such parameter"),
        pytest.param({"parameter": "momentum", "values": [1]}, "must name another parameter", id="itself"),
        pytest.param({"parameter": "layers", "values": [1]}, "one with a choice", id="not a choice"),
        pytest.param({"parameter": "optimizer", "values": ["sdg"]}, "no value of 'optimizer'", id="misspelt value"),
        pytest.param({"parameter": "nesterov", "values": [True]}, "go in a circle", id="circle"),
    ],
)
def test_a_condition_that_can_never_hold_is_refused(when: dict[str, Any], problem: str) -> None:
    raw = [{**one, "when": when} if one["name"] == "momentum" else one for one in OPTIMIZERS]
    with pytest.raises(ValueError, match=problem):
        spec(raw)


def test_probabilities_weigh_the_values_of_a_choice() -> None:
    choice = [{"name": "x", "choice": {"values": ["a", "b", "never"], "probabilities": [3, 1, 0]}}]
    seen = Counter(space.draw(parameters(choice), Random(seed))["x"] for seed in range(4000))  # noqa: S311
    assert seen["never"] == 0
    assert 0.7 < seen["a"] / 4000 < 0.8


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param({"uniform": {"min": 0, "max": 1}}, [0, 0.25, 0.5, 0.75, 1], id="evenly"),
        pytest.param({"logUniform": {"min": 0.01, "max": 100}}, [0.01, 0.1, 1, 10, 100], id="evenly in the logarithm"),
        pytest.param({"normal": {"mu": 1, "sigma": 2}}, [-1.563, -0.049, 1, 2.049, 3.563], id="at quantiles"),
        pytest.param({"logNormal": {"mu": 0, "sigma": 1}}, [0.2776, 0.5919, 1, 1.6895, 3.6022], id="exp of quantiles"),
    ],
)
def test_grid_points_of_a_continuous_expression(expression: dict[str, Any], expected: list[float]) -> None:
    sweep = spec([{"name": "x", "gridPoints": 5, **expression}], type="Grid")
    values = [combination(sweep, number, set()) for number in range(1, 6)]
    assert planned_trials(sweep) == 5
    assert [value["x"] for value in values if value] == pytest.approx(expected, abs=1e-3)


def test_grid_points_mean_nothing_to_random() -> None:
    sweep = spec([{"name": "x", "gridPoints": 5, "uniform": {"min": 0, "max": 1}}], type="Random")
    assert planned_trials(sweep) == 1000


def test_long_choices_on_top_of_each_other_take_no_time() -> None:
    values = list(range(1000))
    raw: list[dict[str, Any]] = [{"name": f"p{level}", "choice": {"values": values}} for level in range(6)]
    for level in range(1, 6):
        raw[level]["when"] = {"parameter": f"p{level - 1}", "values": values}
    tower = parameters(raw)
    # one step for each value of each level takes milliseconds; one for each combination of two levels would take hours
    assert space.size(tower) == 1000**6
    assert space.combination_at(tower, 1000**6 - 2) == {f"p{level}": 999 for level in range(5)} | {"p5": 998}
    assert set(space.draw(tower, Random(1))) == {f"p{level}" for level in range(6)}  # noqa: S311  not for secrets


def test_probabilities_may_be_as_large_as_a_number_gets() -> None:
    (parameter,) = parameters([{"name": "x", "choice": {"values": [1, 2], "probabilities": [1.7e308, 1.7e308]}}])
    drawn = {space.draw([parameter], Random(seed))["x"] for seed in range(50)}  # noqa: S311  not for secrets
    assert drawn == {1, 2}


def test_grid_points_are_finite_however_wild_the_distribution() -> None:
    (parameter,) = parameters([{"name": "x", "normal": {"mu": 1.7e308, "sigma": 1.7e308}, "gridPoints": 3}])
    assert all(math.isfinite(space.combination_at([parameter], index)["x"]) for index in range(3))
