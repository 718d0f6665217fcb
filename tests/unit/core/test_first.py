"""Combinations to try first: trial n runs entry n, whatever else is said of them."""

from typing import Any

import pytest
from tests.support.builders import choice, expression, limits, sweep_body

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.first import first_combinations, missing_first, next_first
from hyperdrive_operator.core.sampling import combination, combination_key, planned_trials
from hyperdrive_operator.core.sweep import read_sweep

SPACE = (
    expression("x", "uniform", min=0, max=10),
    choice("solver", "sgd", "adam"),
    {**expression("momentum", "uniform", min=0, max=1), "when": {"parameter": "solver", "values": ["sgd"]}},
)
GRID = (choice("a", 1, 2, 3), choice("b", "x", "y"))


def body(*first: Any, space: tuple[Any, ...] = SPACE, algorithm: str = "Random", seed: int = 0, **spec: Any) -> Any:
    given: dict[str, Any] = {
        "searchSpace": list(space),
        "samplingAlgorithm": {"type": algorithm, "seed": seed},
        "limits": limits(100, 3),
        "trialTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}},
    }
    return sweep_body(firstCombinations=list(first), **given, **spec)


def parsed(*first: Any, **given: Any) -> HyperDriveSpec:
    found = read_sweep(body(*first, **given))
    assert found.spec is not None
    assert [str(problem) for problem in found.problems if "firstCombinations" in problem.field] == []
    return found.spec


def problems(*first: Any, **given: Any) -> list[str]:
    return [str(problem) for problem in read_sweep(body(*first, **given)).problems if "first" in problem.field]


def run(of: HyperDriveSpec, numbers: int) -> list[dict[str, Any]]:
    """Return the combinations of the first numbers, as one operator after another would choose them."""
    taken: set[str] = set()
    chosen = []
    for number in range(1, numbers + 1):
        if (parameters := combination(of, number, taken)) is None:
            break
        chosen.append(parameters)
        taken.add(combination_key(parameters))
    return chosen


def test_trial_n_runs_entry_n_with_the_types_of_the_space() -> None:
    steps = expression("n", "qUniform", min=1, max=9, q=1)
    given = parsed({"x": 3, "n": 2.0}, {"n": 1, "x": 0.5}, space=(SPACE[0], steps))
    first = run(given, 3)
    assert first[:2] == [{"x": 3.0, "n": 2}, {"x": 0.5, "n": 1}]
    assert [list(one) for one in first[:2]] == [["x", "n"]] * 2, "in the order of the space"
    assert isinstance(first[0]["n"], int)
    assert first[2] not in first[:2]


def test_what_an_entry_leaves_out_is_drawn_from_the_seed_and_its_number() -> None:
    entries: tuple[dict[str, Any], ...] = ({"x": 1}, {"solver": "adam"}, {"solver": "sgd"}, {})
    first = first_combinations(parsed(*entries, seed=3))
    assert [set(entry.items()) <= set(one.items()) for entry, one in zip(entries, first, strict=True)] == [True] * 4
    assert first == first_combinations(parsed(*entries, seed=3))
    assert first != first_combinations(parsed(*entries, seed=4))
    assert set(first[1]) == {"x", "solver"}
    assert set(first[2]) == {"x", "solver", "momentum"}, "and what the given values make active"
    assert first_combinations(parsed(*entries[:2], seed=3)) == first[:2], "later entries change nothing"


@pytest.mark.parametrize("algorithm", ["Grid", "Random"])
def test_the_rest_follows_and_nothing_is_repeated(algorithm: str) -> None:
    given = parsed({"a": 3, "b": "y"}, {"a": 1}, space=GRID, algorithm=algorithm)
    chosen = run(given, 100)
    assert chosen[0] == {"a": 3, "b": "y"}
    assert chosen[1]["a"] == 1
    assert len({combination_key(one) for one in chosen}) == len(chosen) == 6
    assert planned_trials(given) == 6


def test_the_rest_of_a_grid_keeps_its_order() -> None:
    chosen = run(parsed({"a": 2, "b": "x"}, space=GRID, algorithm="Grid"), 6)
    assert [(one["a"], one["b"]) for one in chosen] == [(2, "x"), (1, "x"), (1, "y"), (2, "y"), (3, "x"), (3, "y")]


def test_a_number_in_the_middle_gets_the_same_combination_again() -> None:
    for algorithm in ("Grid", "Random"):
        given = parsed({"b": "y"}, {"a": 3, "b": "x"}, space=GRID, algorithm=algorithm)
        chosen = run(given, 6)
        for number in range(1, 7):
            taken = {combination_key(one) for one in chosen[: number - 1]}
            assert combination(given, number, taken) == chosen[number - 1]


def test_what_is_drawn_stands_nowhere_else_in_the_list() -> None:
    first = first_combinations(parsed({"a": 1}, {"a": 1, "b": "x"}, space=GRID))
    assert first == ({"a": 1, "b": "y"}, {"a": 1, "b": "x"})


def test_what_is_drawn_satisfies_the_constraints() -> None:
    rule = "params.x < 1.0"
    for seed in range(20):
        (one,) = first_combinations(parsed({"solver": "adam"}, constraints=[{"rule": rule}], seed=seed))
        assert one["x"] < 1


def test_an_entry_for_which_nothing_is_left_is_told() -> None:
    (problem,) = problems({"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 1}, space=GRID)
    assert problem.startswith("spec.firstCombinations[2]: no combination with these values was found")


def test_every_entry_that_is_wrong_is_told_by_its_field() -> None:
    found = problems({"x": 11, "y": 0}, {"solver": "lbfgs"}, {"momentum": 0.5})
    assert found == [
        "spec.firstCombinations[0].y: is no parameter of searchSpace: use x, solver or momentum",
        "spec.firstCombinations[0].x: 11 is not from 0 to 10: use a value between them",
        'spec.firstCombinations[1].solver: "lbfgs" is none of its values: use "sgd" or "adam"',
        (
            'spec.firstCombinations[2].momentum: is active only when solver is "sgd": '
            "give solver such a value too, or leave this one out"
        ),
    ]


def test_an_entry_that_breaks_a_constraint_names_it() -> None:
    rule = "params.x < 1.0 || params.solver == 'sgd'"
    (problem,) = problems({"x": 2, "solver": "adam"}, constraints=[{"rule": rule}])
    assert problem == f"spec.firstCombinations[0]: breaks the constraint {rule!r}: change a value"


def test_the_same_entry_twice_is_told() -> None:
    assert problems({"x": 1}, {"x": 2}, {"x": 1.0}) == ["spec.firstCombinations[2]: is the same as entry 0: remove one"]


def test_an_entry_beyond_the_limit_waits_until_it_is_raised() -> None:
    given = parsed({"x": 1, "solver": "adam"}, {"x": 2, "solver": "adam"})
    assert missing_first(given, [1], frozenset()) == {1: {"x": 1.0, "solver": "adam"}}


def test_only_what_no_trial_has_is_missing() -> None:
    given = parsed({"x": 1, "solver": "adam"}, {"x": 2, "solver": "adam"}, {"x": 3, "solver": "adam"})
    keys = [combination_key(one) for one in first_combinations(given)]
    assert next_first(given, {keys[0]}) == {"x": 2.0, "solver": "adam"}
    assert next_first(given, set(keys)) is None
    assert missing_first(given, [2, 7, 8], {keys[0], keys[2]}) == {2: {"x": 2.0, "solver": "adam"}}
