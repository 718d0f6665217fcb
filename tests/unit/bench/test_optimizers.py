"""The races of bench/optimizers: every sampler searches, by the operator's code, what the models accept.

The tables and the figures need the extra `bench` and are not looked at here.
"""

from pathlib import Path

import pytest
from bench.optimizers import race
from bench.optimizers.bound import Bound, compare
from bench.optimizers.problems import Problem, functions
from bench.optimizers.report import write
from bench.optimizers.results import Results
from bench.optimizers.verdicts import best_so_far, better, different, equivalence, holm, ranks, share_won

from hyperdrive_operator.core import proposing

FUNCTIONS = functions()


@pytest.fixture(params=FUNCTIONS)
def problem(request: pytest.FixtureRequest) -> Problem:
    return FUNCTIONS[request.param]()


@pytest.mark.parametrize("sampler", race.SAMPLERS)
def test_every_sampler_runs_five_trials(sampler: str) -> None:
    branin = FUNCTIONS["branin"]()
    values = race.run(branin, sampler, seed=3, trials=5)
    assert len(set(values)) == 5
    assert all(branin.regret(value) > 0 for value in values)


def test_the_models_accept_each_space_for_each_sampler_that_can_run_it(problem: Problem) -> None:
    for sampler in race.SAMPLERS:
        if race.can_run(problem, sampler) and sampler != race.OPTUNA:
            spec = problem.spec(sampler, seed=0, trials=10)
            assert [parameter.name for parameter in spec.search_space] == [one["name"] for one in problem.space]


def test_no_combination_is_better_than_the_optimum(problem: Problem) -> None:
    values = race.run(problem, "Random", seed=0, trials=200)
    assert all(value > problem.optimum for value in values)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        pytest.param("branin", {"x": 3.141592653589793, "y": 2.275}, id="branin"),
        pytest.param(
            "hartmann6",
            dict(
                zip([f"x{i}" for i in range(6)], [0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573], strict=True)
            ),
            id="hartmann6",
        ),
        pytest.param("rosenbrock4", dict.fromkeys(["x0", "x1", "x2", "x3"], 1.0), id="rosenbrock4"),
        pytest.param("log-bowl", {"rate": 0.01, "decay": 1e-5, "dropout": 0.15}, id="log-bowl"),
        pytest.param("func2c", {"first": "camel", "second": "camel", "x": 0.0898, "y": -0.7126}, id="func2c"),
        pytest.param("tree", {"root": "left", "left": "left", "left-shared": 0.0, "a": 0.4}, id="tree"),
        pytest.param(
            "two-branches",
            {"decay": 1e-4, "dropout": 0.1, "optimizer": "sgd", "sgd-rate": 0.1 * 10**-0.5, "momentum": 0.9},
            id="two-branches",
        ),
    ],
)
def test_the_optimum_is_where_it_is_known_to_be(name: str, at: dict[str, object]) -> None:
    known = FUNCTIONS[name]()
    assert known.value(at) == pytest.approx(known.optimum, abs=1e-5)


def test_bayesian_draws_its_first_trials_as_random_does(problem: Problem) -> None:
    runs = [race.run(problem, sampler, seed=1, trials=12) for sampler in ("Random", "Bayesian")]
    assert runs[0][:10] == runs[1][:10]
    assert runs[0] != runs[1]


def test_a_bound_changes_nothing_before_it_bites_and_is_taken_back() -> None:
    before = (proposing.MAX_HISTORY, proposing.MAX_BEST)
    runs = compare(FUNCTIONS["branin"](), seed=0, trials=40, bound=Bound(history=20, best=5))
    assert runs["bounded"][:20] == runs["unbounded"][:20]
    assert runs["bounded"][20:30] == runs["unbounded"][20:30]  # asked for together, with 20 trials finished
    assert runs["bounded"][30:] != runs["unbounded"][30:]
    assert before == (proposing.MAX_HISTORY, proposing.MAX_BEST)


def test_an_interrupted_run_goes_on_with_what_it_has(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    Results(file).add(("race", "a", 1), [0.5])
    file.write_text(file.read_text() + '\n[["race","b",1],[0.')
    again = Results(file)
    assert ("race", "a", 1) in again
    assert ("race", "b", 1) not in again
    computed: list[object] = []

    def compute(key: object) -> list[float]:
        computed.append(key)
        return [1.0]

    again.complete([("race", "a", 1), ("race", "b", 1)], compute, 1, "race")
    assert computed == [("race", "b", 1)]
    assert Results(file)["race", "b", 1] == [1.0]


def test_holm_multiplies_the_smallest_most_and_never_reverses_an_order() -> None:
    assert holm({"a": 0.01, "b": 0.02, "c": 0.015}) == pytest.approx({"a": 0.03, "c": 0.03, "b": 0.03})
    assert holm({"a": 0.6, "b": 0.001}) == pytest.approx({"b": 0.002, "a": 0.6})


def test_equals_are_told_from_different() -> None:
    lower, higher = [0.1 * one for one in range(1, 21)], [0.1 * one + 1 for one in range(1, 21)]
    assert better(lower, higher) < 1e-4
    assert better(higher, lower) > 0.99
    assert different(lower, higher) < 1e-4
    assert different(lower, lower) == 1.0
    assert share_won([1, 2, 3, 4], [2, 2, 2, 2]) == 0.375
    assert equivalence([0.5, 0.48, 0.53, 0.49, 0.51]).p < 0.05
    assert equivalence([0.1, 0.9, 0.2, 0.8, 0.5]).p > 0.05
    assert equivalence([0.9, 0.88, 0.93, 0.9]).p > 0.95
    assert equivalence([0.9, 0.88, 0.93, 0.9]).p_not_less < 0.05 < equivalence([0.3, 0.28, 0.33, 0.3]).p_not_less
    assert best_so_far([3, 4, 1, 2]) == [3, 3, 1, 1]
    assert ranks({"a": 2, "b": 1, "c": 2}) == {"a": 2.5, "b": 1, "c": 2.5}


def test_a_table_replaces_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, {"race": "| old |", "timing": "| 5 ms |"})
    page = tmp_path / "sampling-quality.md"
    page.write_text(page.read_text() + "\nWritten by hand.\n")
    write(tmp_path, {"race": r"| new \1 |"})
    text = page.read_text()
    assert r"| new \1 |" in text
    assert "old" not in text
    assert "| 5 ms |" in text
    assert text.endswith("Written by hand.\n")
