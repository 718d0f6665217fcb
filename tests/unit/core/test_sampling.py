"""Which combination a number runs: the same one always, and none twice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import choice, expression

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.sampling import combination, combination_key, planned_trials

from .spaces import spec


def run(of: HyperDriveSpec, numbers: int) -> list[dict[str, Any]]:
    """Return the combinations of the first numbers, as one operator after another would choose them."""
    taken: set[str] = set()
    chosen = []
    for number in range(1, numbers + 1):
        parameters = combination(of, number, taken)
        if parameters is None:
            break
        chosen.append(parameters)
        taken.add(combination_key(parameters))
    return chosen


SMALL = (choice("a", 1, 2, 3), choice("b", "x", "y"), expression("c", "qUniform", min=0, max=1, q=0.5))
CONTINUOUS = (expression("lr", "logUniform", min=1e-4, max=1), choice("b", "x", "y"))


def test_grid_runs_every_combination_in_order_and_ends() -> None:
    grid = spec(*SMALL, algorithm="Grid")
    chosen = run(grid, 100)
    assert [tuple(parameters.values()) for parameters in chosen[:4]] == [
        (1, "x", 0.0),
        (1, "x", 0.5),
        (1, "x", 1.0),
        (1, "y", 0.0),
    ]
    assert len({combination_key(parameters) for parameters in chosen}) == len(chosen) == 18
    assert planned_trials(grid) == 18


def test_random_runs_a_small_space_to_its_last_combination() -> None:
    chosen = run(spec(*SMALL), 100)
    assert len({combination_key(parameters) for parameters in chosen}) == len(chosen) == 18
    assert planned_trials(spec(*SMALL)) == 18


@given(seed=st.integers(0, 2**31 - 1))
def test_random_never_repeats_a_combination(seed: int) -> None:
    chosen = run(spec(choice("a", 1, 2, 3), expression("b", "randint", upper=4), seed=seed), 12)
    assert len({combination_key(parameters) for parameters in chosen}) == 12


def test_a_seed_gives_the_same_trials_and_another_seed_gives_others() -> None:
    assert run(spec(*CONTINUOUS, seed=7), 10) == run(spec(*CONTINUOUS, seed=7), 10)
    assert run(spec(*CONTINUOUS, seed=7), 10) != run(spec(*CONTINUOUS, seed=8), 10)


def test_the_first_trials_of_seed_42_are_these_for_ever() -> None:
    assert run(spec(choice("a", 1, 2, 3), expression("b", "randint", upper=10), seed=42), 4) == [
        {"a": 1, "b": 6},
        {"a": 2, "b": 9},
        {"a": 3, "b": 4},
        {"a": 1, "b": 4},
    ]


@pytest.mark.parametrize("algorithm", ["Grid", "Random"])
def test_raising_the_limit_keeps_the_trials_that_ran(algorithm: str) -> None:
    few, many = (run(spec(*SMALL, total=total, algorithm=algorithm), total) for total in (5, 12))
    assert many[:5] == few


@pytest.mark.parametrize("space", [SMALL, CONTINUOUS], ids=["countable", "continuous"])
def test_a_number_in_the_middle_gets_the_same_combination_again(space: tuple[Any, ...]) -> None:
    chosen = run(spec(*space), 10)
    taken = {combination_key(parameters) for parameters in chosen[:4]}
    assert combination(spec(*space), 5, taken) == chosen[4]


def test_a_whole_float_is_the_same_combination_as_its_integer() -> None:
    # the API server stores 1.0 as 1, so that is what a record gives back
    assert combination_key({"x": 1.0, "y": [2.0, {"z": -0.0}]}) == combination_key({"y": [2, {"z": 0}], "x": 1})
    assert combination_key({"x": 1}) != combination_key({"x": True})
    assert combination_key({"x": 1}) != combination_key({"x": "1"})


def test_a_space_larger_than_any_double_can_be_walked() -> None:
    huge = spec(*(expression(f"p{n}", "randint", upper=2**53) for n in range(100)))

    class Everything(set[str]):
        """Holds all that is drawn, so that the space is walked; the walk's first step is free."""

        asked = 0

        def __contains__(self, key: object) -> bool:
            self.asked += 1
            return self.asked <= 100

    assert combination(huge, 1, Everything()) is not None
    assert planned_trials(huge) == 100


def test_a_continuous_space_never_repeats_even_when_it_is_one_value() -> None:
    stuck = spec(expression("x", "qNormal", mu=0, sigma=1e-9, q=1))
    assert run(stuck, 5) == [{"x": 0}]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_a_key_is_made_of_any_value(value: Any) -> None:
    assert combination_key({"x": value}) == combination_key({"x": value})
