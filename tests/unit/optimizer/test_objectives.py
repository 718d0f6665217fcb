"""Several objectives: what NsgaII and Bayesian propose is better than chance, of the space, new, and Optuna's own."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import optuna
import pytest
from optuna.samplers import NSGAIISampler
from optuna.trial import TrialState
from tests.support.builders import expression, limits, sweep_manifest

from hyperdrive_operator.api.v1alpha1 import Constraint, HyperDriveSpec
from hyperdrive_operator.core.pareto import nondominated
from hyperdrive_operator.core.proposing import MAX_BEST, MAX_HISTORY, Finished
from hyperdrive_operator.core.sampling import combination, combination_key, is_proposed, random_combination
from hyperdrive_operator.optimizer.choosing import MAX_ATTEMPTS, derived_seed
from hyperdrive_operator.optimizer.coding import decode, distribution, suggested
from hyperdrive_operator.optimizer.goals import bounded_history, directions
from hyperdrive_operator.optimizer.propose import propose

from .questions import request
from .test_proposing import CONDITIONAL, EVERYTHING, SMALL, in_bounds

SEEDS = range(5)
ALL = ("NsgaII", "Bayesian")
PLANE = (expression("x", "uniform", min=0, max=1), expression("y", "uniform", min=0, max=1))
Scores = Callable[[Mapping[str, Any]], tuple[float, ...]]


def spec(
    algorithm: str, *space: Any, seed: int = 0, goals: Sequence[str] = ("Minimize", "Minimize"), **options: Any
) -> HyperDriveSpec:
    """Parse a spec with that algorithm and search space; small populations, so that tests are short."""
    if algorithm == "NsgaII":
        options = {"nsgaII": {"populationSize": 10}} | options
    primary, *others = goals
    objective = {
        "primaryMetric": "m0",
        "goal": primary,
        "additionalObjectives": [{"metric": f"m{n}", "goal": goal} for n, goal in enumerate(others, 1)],
    }
    return HyperDriveSpec.model_validate(
        sweep_manifest(
            objective=objective,
            searchSpace=list(space or PLANE),
            samplingAlgorithm={"type": algorithm, "seed": seed, **options},
            limits=limits(10_000, 1),
        )["spec"]
    )


def bowls(parameters: Mapping[str, Any]) -> tuple[float, float]:
    """Return the squared distances from (0, 0.5) and from (1, 0.5): the front lies on the line between."""
    x, y = parameters["x"], parameters["y"]
    return (x**2 + (y - 0.5) ** 2, (x - 1) ** 2 + (y - 0.5) ** 2)


def search(of: HyperDriveSpec, scores: Scores, trials: int) -> list[Finished]:
    """Run trials one after the other; ends early when the space has no more."""
    finished: list[Finished] = []
    for number in range(1, trials + 1):
        if is_proposed(of):
            (parameters,) = propose(request(of, [number], finished))
        else:
            parameters = combination(of, number, {combination_key(dict(one.parameters)) for one in finished})
        if parameters is None:
            break
        value, *others = scores(parameters)
        finished.append(Finished(parameters, value, tuple(others)))
    return finished


def area(finished: Sequence[Finished], reference: float = 1.3) -> float:
    """Return the area that two minimised objectives dominate below a reference point."""
    losses = [(one.value, *one.others) for one in finished if one.value is not None]
    total, height = 0.0, reference
    for first, second in sorted(losses[position] for position in nondominated(losses)):
        if first < reference and second < height:
            total, height = total + (reference - first) * (height - second), second
    return total


@pytest.mark.parametrize("algorithm", ALL)
def test_a_model_beats_chance(algorithm: str) -> None:
    found = [area(search(spec(algorithm, seed=seed), bowls, 60)) for seed in SEEDS]
    by_chance = [area(search(spec("Random", seed=seed), bowls, 60)) for seed in SEEDS]
    assert statistics.median(found) > statistics.median(by_chance)
    assert min(found) > statistics.median(by_chance)


@pytest.mark.parametrize("algorithm", ALL)
def test_each_objective_is_led_to_its_own_goal(algorithm: str) -> None:
    def mirrored(parameters: Mapping[str, Any]) -> tuple[float, float]:
        first, second = bowls(parameters)
        return first, -second

    plain = search(spec(algorithm), bowls, 25)
    turned = search(spec(algorithm, goals=("Minimize", "Maximize")), mirrored, 25)
    assert [one.parameters for one in plain] == [one.parameters for one in turned]


@pytest.mark.parametrize("algorithm", ALL)
def test_four_objectives_are_searched(algorithm: str) -> None:
    found = search(spec(algorithm, goals=("Minimize",) * 4), lambda of: (*bowls(of), of["x"], -of["y"]), 25)
    assert len(found) == 25


@pytest.mark.parametrize("algorithm", ALL)
def test_every_expression_stays_within_its_bounds_and_keeps_its_type(algorithm: str) -> None:
    found = search(spec(algorithm, *EVERYTHING), lambda of: (abs(of["uniform"]), float(of["randint"])), 40)
    chosen = [dict(one.parameters) for one in found]
    assert [parameters for parameters in chosen if not in_bounds(parameters)] == []
    for name in ("randint", "qLogUniform", "qNormal", "qLogNormal"):
        assert {type(parameters[name]) for parameters in chosen} == {int}


@pytest.mark.parametrize("algorithm", ALL)
def test_just_the_active_parameters_have_a_value(algorithm: str) -> None:
    found = search(spec(algorithm, *CONDITIONAL), lambda of: (of["x"], of["y"]), 50)
    for one in found:
        parameters = one.parameters
        assert ("momentum" in parameters) == (parameters["optimizer"] == "sgd")
        assert ("amsgrad" in parameters) == (parameters["optimizer"] == "adam")
        assert ("decay" in parameters) == (parameters.get("amsgrad") is True)
    assert {one.parameters["optimizer"] for one in found} == {"sgd", "adam"}


def test_a_conditional_parameter_is_inherited_from_a_parent_that_has_it() -> None:
    """Only momenta near 0.9 survive: children have them far more often than by chance."""

    def scores(of: Mapping[str, Any]) -> tuple[float, float]:
        miss = abs(of["momentum"] - 0.9) if "momentum" in of else 0.05
        return of["x"] + 20 * miss, -of["x"] + 20 * miss

    found = search(spec("NsgaII", *CONDITIONAL, seed=3), scores, 120)
    late = [one.parameters["momentum"] for one in found[60:] if "momentum" in one.parameters]
    assert len(late) > 15
    assert sum(momentum > 0.8 for momentum in late) > 0.6 * len(late), "by chance a fifth"


@pytest.mark.parametrize("algorithm", ALL)
def test_what_breaks_a_constraint_is_not_proposed(algorithm: str) -> None:
    bounded = spec(algorithm).model_copy(update={"constraints": [Constraint(rule="params.x + params.y < 1.0")]})
    finished = search(bounded, bowls, 30)
    assert len(finished) == 30
    assert all(one.parameters["x"] + one.parameters["y"] < 1 for one in finished)


@pytest.mark.parametrize("algorithm", ALL)
def test_a_small_space_is_run_to_its_end_without_a_repetition(algorithm: str) -> None:
    found = search(spec(algorithm, *SMALL), lambda of: (of["a"], -of["b"]), 100)
    assert len({combination_key(dict(one.parameters)) for one in found}) == len(found) == 18


@pytest.mark.parametrize("algorithm", ALL)
@pytest.mark.parametrize("space", [PLANE, CONDITIONAL, EVERYTHING[:6]], ids=["plane", "conditional", "mixed"])
def test_asked_together_or_one_by_one_it_proposes_the_same(algorithm: str, space: tuple[Any, ...]) -> None:
    of = spec(algorithm, *space, seed=5)
    finished = [
        Finished(one, float(n), (-float(n),)) for n in range(1, 25) if (one := random_combination(of, n, set()))
    ]
    finished[3] = Finished(finished[3].parameters, None)
    together = propose(request(of, [25, 26, 27], finished))
    running: list[Any] = []
    for number in (25, 26, 27):
        running += propose(request(of, [number], finished, running))
    assert together == running
    assert together != propose(request(spec(algorithm, *space, seed=6), [25, 26, 27], finished))


@pytest.mark.parametrize("algorithm", ALL)
def test_a_failed_trial_is_no_result(algorithm: str) -> None:
    of = spec(algorithm, seed=2)
    finished = search(of, bowls, 20)
    for lost in (Finished({"x": 0.9, "y": 0.9}, None), Finished({"x": 0.9, "y": 0.9}, 0.0)):
        assert propose(request(of, [99], finished)) == propose(request(of, [99], [lost, *finished]))


@pytest.mark.parametrize("algorithm", ALL)
def test_what_somebody_wrote_into_a_record_by_hand_does_no_harm(algorithm: str) -> None:
    weighted = {"name": "w", "choice": {"values": ["never", "often"], "probabilities": [0, 1]}}
    of = spec(algorithm, *CONDITIONAL, weighted)
    strange = [
        Finished({"x": "much", "y": 1, "optimizer": "sgd"}, -0.5, (-1.0,)),
        Finished({"x": 10**400, "y": 1, "optimizer": "sgd"}, -0.5, (-1.0,)),
        Finished({"x": True, "y": 1e300, "optimizer": "lion"}, -1e308, (1e308,)),
        Finished({"x": 1.0, "y": 1.0, "optimizer": "adam", "w": "never"}, -9.0, (-9.0,)),
        Finished({}, -1e308, (-1e308,)),
    ]
    ordinary = search(of, lambda one: (one["x"], one["y"]), 12)
    assert all(propose(request(of, [20, 21], [*strange, *ordinary], [{"z": 1}])))
    assert all(propose(request(of, [20, 21], strange * 4)))


# --- NsgaII -----------------------------------------------------------------------------------------------------------


def test_the_first_generation_is_drawn_as_random_draws() -> None:
    random = search(spec("Random", seed=3), bowls, 11)
    nsga = search(spec("NsgaII", seed=3), bowls, 11)
    assert nsga[:10] == random[:10]
    assert nsga[10] != random[10]


def test_its_options_reach_the_sampler() -> None:
    finished = search(spec("Random"), bowls, 40)
    plain = propose(request(spec("NsgaII"), [41], finished))
    options: tuple[dict[str, Any], ...] = (
        {"populationSize": 20},
        {"populationSize": 10, "mutationProbability": 1},
        {"populationSize": 10, "crossoverProbability": 0},
    )
    for given in options:
        assert propose(request(spec("NsgaII", nsgaII=given), [41], finished)) != plain


@pytest.mark.parametrize("space", [PLANE, EVERYTHING], ids=["plane", "everything"])
@pytest.mark.parametrize("seed", [0, 1])
def test_one_at_a_time_it_is_optunas_own_study(space: tuple[Any, ...], seed: int) -> None:
    """From the second generation on, each of six: the same combinations, exactly.

    Optuna's study keeps generations and parents in its attributes and goes on by itself; its sampler is seeded anew
    for each trial, as ours is.
    """
    size = 8
    goals = ("Minimize", "Maximize")
    of = spec("NsgaII", *space, seed=seed, goals=goals, nsgaII={"populationSize": size})
    study = optuna.create_study(directions=directions(of.objective))
    finished: list[Finished] = []
    for number in range(1, 6 * size + 1):
        asked = request(of, [number], finished)
        if number > size:
            # the first to be asked for in a generation finds its parents in another order than all others do
            study.sampler = NSGAIISampler(population_size=size, seed=0)
            study.tell(*_asked(study, of)[:1], state=TrialState.FAIL)
        parameters: dict[str, Any] = {}
        for attempt in range(MAX_ATTEMPTS):
            study.sampler = NSGAIISampler(population_size=size, seed=derived_seed(asked, number, attempt))
            trial, parameters = _asked(study, of)
            if combination_key(parameters) not in asked.taken.values():
                break
            study.tell(trial, state=TrialState.FAIL)
        if number > size:
            assert propose(asked) == [parameters], f"trial {number}"
        first = float(parameters["x" if "x" in parameters else "uniform"])
        second = float(parameters["y" if "y" in parameters else "randint"])
        scores = (first**2 + second, (first - 1) ** 2 - second)
        finished.append(Finished(parameters, scores[0], scores[1:]))
        study.tell(trial, scores)


def _asked(study: optuna.Study, of: HyperDriveSpec) -> tuple[optuna.Trial, dict[str, Any]]:
    trial = study.ask()
    codes = {one.name: suggested(trial, one.name, distribution(one)) for one in of.search_space}
    return trial, {one.name: decode(one, codes[one.name]) for one in of.search_space}


# --- Bayesian ---------------------------------------------------------------------------------------------------------


def test_of_a_long_history_bayesian_gets_the_best_fronts_and_the_newest() -> None:
    of = spec("Bayesian", goals=("Maximize", "Minimize"))
    front = [Finished({"x": 0.5}, float(n), (float(n),)) for n in range(60)]
    second = [Finished({"x": 0.4}, float(n), (n + 0.5,)) for n in range(0, 60, 2)]
    worse = [Finished({"x": 0.3}, float(n % 50), (n % 50 + 100.0,)) for n in range(MAX_HISTORY)]
    failed = [Finished({"x": 0.2}, None)] * 5
    told = bounded_history(of.objective, [*failed, *second, *front, *worse])
    assert len(told) == MAX_HISTORY
    assert [one.parameters["x"] for one in told[:90]] == [0.4] * 30 + [0.5] * 60
    assert list(told[MAX_BEST:]) == worse[-(MAX_HISTORY - MAX_BEST) :]


@pytest.mark.parametrize("others", [1, 2, 3])
def test_of_a_front_that_is_too_long_it_gets_an_even_share(others: int) -> None:
    of = spec("Bayesian", goals=("Minimize",) * (1 + others))
    front = [Finished({"x": n}, float(n), (-float(n),) * others) for n in range(500)]
    worse = [Finished({"x": -1}, 1000.0, (1000.0,) * others)] * MAX_HISTORY
    told = [one.parameters["x"] for one in bounded_history(of.objective, [*front, *worse]) if one.parameters["x"] >= 0]
    assert len(told) == MAX_BEST
    assert (told[0], told[-1]) == (0, 499)
    assert max(b - a for a, b in pairwise(told)) <= 6


def test_a_short_history_and_one_objective_are_left_as_they_are() -> None:
    of = spec("Bayesian", goals=("Minimize",))
    finished = [Finished({"x": 1}, 1.0)] * (MAX_HISTORY + 1)
    assert bounded_history(of.objective, finished) is finished
