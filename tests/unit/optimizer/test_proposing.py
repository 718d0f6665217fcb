"""The optimisers: what they propose is better than chance, of the space, new, and the same every time."""

import statistics
from collections.abc import Mapping
from typing import Any

import pytest
from optuna.samplers import TPESampler
from tests.support.builders import choice, expression

from hyperdrive_operator.api.v1alpha1 import Constraint
from hyperdrive_operator.core.proposing import Finished, Request
from hyperdrive_operator.core.sampling import combination_key, random_combination
from hyperdrive_operator.optimizer.propose import propose
from hyperdrive_operator.optimizer.tpe import SeededTPESampler

from .questions import PLANE, best, quadratic, request, search, spec

SEEDS = range(7)
MODELS = ("Bayesian", "CmaEs")
ALL = ("Sobol", *MODELS)
EVERYTHING = (
    choice("choice", "a", 1, True, [1, 2], {"k": 1.5}),
    {"name": "weighted", "choice": {"values": ["never", "often", "rarely"], "probabilities": [0, 5, 1]}},
    expression("randint", "randint", lower=-3, upper=4),
    expression("uniform", "uniform", min=-1, max=2.5),
    expression("qUniform", "qUniform", min=0, max=1, q=0.1),
    expression("logUniform", "logUniform", min=1e-5, max=1),
    expression("qLogUniform", "qLogUniform", min=1, max=1000, q=5),
    expression("normal", "normal", mu=3, sigma=2),
    expression("qNormal", "qNormal", mu=0, sigma=10, q=2),
    expression("logNormal", "logNormal", mu=0, sigma=1),
    expression("qLogNormal", "qLogNormal", mu=2, sigma=1, q=1),
)
CONDITIONAL = (
    *PLANE,
    choice("optimizer", "sgd", "adam"),
    {**expression("momentum", "uniform", min=0, max=1), "when": {"parameter": "optimizer", "values": ["sgd"]}},
    {**choice("amsgrad", True, False), "when": {"parameter": "optimizer", "values": ["adam"]}},
    {**expression("decay", "logUniform", min=0.1, max=1), "when": {"parameter": "amsgrad", "values": [True]}},
)
SMALL = (expression("a", "randint", upper=3), expression("b", "qUniform", min=0, max=1, q=0.5), choice("c", "x", "y"))


def in_bounds(parameters: Mapping[str, Any]) -> bool:
    return bool(
        parameters["choice"] in ["a", 1, True, [1, 2], {"k": 1.5}]
        and parameters["weighted"] in {"often", "rarely"}
        and parameters["randint"] in range(-3, 4)
        and -1 <= parameters["uniform"] <= 2.5
        and parameters["qUniform"] in [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
        and 1e-5 <= parameters["logUniform"] <= 1
        and parameters["qLogUniform"] in range(5, 1001, 5)
        and parameters["qNormal"] % 2 == 0
        and parameters["logNormal"] > 0
        and parameters["qLogNormal"] >= 0
    )


def mixed(parameters: Mapping[str, Any]) -> float:
    return abs(float(parameters["uniform"])) + float(parameters["choice"] != "a")


@pytest.mark.parametrize("algorithm", MODELS)
def test_a_model_beats_chance(algorithm: str) -> None:
    found = [best(search(spec(algorithm, seed=seed), quadratic, 50)) for seed in SEEDS]
    by_chance = [best(search(spec("Random", seed=seed), quadratic, 50)) for seed in SEEDS]
    assert statistics.median(found) < statistics.median(by_chance) / 4


@pytest.mark.parametrize("algorithm", MODELS)
def test_a_model_maximises_where_that_is_the_goal(algorithm: str) -> None:
    found = search(spec(algorithm, goal="Maximize"), lambda parameters: -quadratic(parameters), 50)
    assert max(one.value for one in found if one.value is not None) > -0.2


def test_bayesian_learns_choices_and_conditional_parameters() -> None:
    def loss(parameters: Mapping[str, Any]) -> float:
        return float(abs(parameters["momentum"] - 0.9)) if parameters["optimizer"] == "sgd" else 1.0

    found = search(spec("Bayesian", *CONDITIONAL), loss, 40)
    assert sum(one.parameters["optimizer"] == "sgd" for one in found[20:]) >= 14
    assert best(found) < 0.05


@pytest.mark.parametrize("algorithm", ALL)
def test_every_expression_stays_within_its_bounds_and_keeps_its_type(algorithm: str) -> None:
    chosen = [dict(one.parameters) for one in search(spec(algorithm, *EVERYTHING), mixed, 30)]
    assert [parameters for parameters in chosen if not in_bounds(parameters)] == []
    for name in ("randint", "qLogUniform", "qNormal", "qLogNormal"):
        assert {type(parameters[name]) for parameters in chosen} == {int}
    for name in ("uniform", "qUniform", "logUniform", "normal", "logNormal"):
        assert {type(parameters[name]) for parameters in chosen} == {float}
    assert list(chosen[0]) == [parameter["name"] for parameter in EVERYTHING]


@pytest.mark.parametrize("algorithm", ALL)
def test_ranges_as_wild_as_doubles_get_are_searched(algorithm: str) -> None:
    wild = (
        expression("a", "uniform", min=-1.7e308, max=1.7e308),
        expression("b", "logUniform", min=5e-324, max=1.7e308),
        expression("c", "uniform", min=0, max=5e-324),
        expression("d", "normal", mu=1e308, sigma=1e308),
        expression("e", "qUniform", min=-(2**52), max=2**52, q=1),
        expression("f", "randint", lower=-(2**53), upper=2**53),
        expression("g", "logNormal", mu=700, sigma=300),
        expression("h", "qNormal", mu=0, sigma=1e-300, q=1e300),
    )
    found = search(spec(algorithm, *wild), lambda parameters: float(parameters["f"]), 25)
    assert len(found) == 25
    assert all(-1.7e308 <= one.parameters["a"] <= 1.7e308 for one in found)
    assert all(type(one.parameters["f"]) is int and -(2**53) <= one.parameters["f"] < 2**53 for one in found)


@pytest.mark.parametrize("algorithm", ALL)
def test_just_the_active_parameters_have_a_value(algorithm: str) -> None:
    found = search(spec(algorithm, *CONDITIONAL), quadratic, 40)
    for one in found:
        parameters = one.parameters
        assert ("momentum" in parameters) == (parameters["optimizer"] == "sgd")
        assert ("amsgrad" in parameters) == (parameters["optimizer"] == "adam")
        assert ("decay" in parameters) == (parameters.get("amsgrad") is True)
    assert {one.parameters["optimizer"] for one in found} == {"sgd", "adam"}


@pytest.mark.parametrize("algorithm", ALL)
def test_what_breaks_a_constraint_is_not_proposed(algorithm: str) -> None:
    bounded = spec(algorithm).model_copy(update={"constraints": [Constraint(rule="params.x + params.y < 0.0")]})
    finished = search(bounded, quadratic, 30)
    assert len(finished) == 30
    assert all(one.parameters["x"] + one.parameters["y"] < 0 for one in finished)


@pytest.mark.parametrize("algorithm", ALL)
def test_a_small_space_is_run_to_its_end_without_a_repetition(algorithm: str) -> None:
    found = search(spec(algorithm, *SMALL), lambda parameters: float(parameters["a"]), 100)
    assert len({combination_key(dict(one.parameters)) for one in found}) == len(found) == 18


@pytest.mark.parametrize("algorithm", ALL)
@pytest.mark.parametrize("space", [PLANE, CONDITIONAL, EVERYTHING[:6]], ids=["plane", "conditional", "mixed"])
def test_asked_together_or_one_by_one_it_proposes_the_same(algorithm: str, space: tuple[Any, ...]) -> None:
    of = spec(algorithm, *space, seed=5)
    finished = [Finished(one, float(n)) for n in range(1, 15) if (one := random_combination(of, n, set()))]
    finished[3] = Finished(finished[3].parameters, None)
    together = propose(request(of, [15, 16, 17], finished))
    running: list[Any] = []
    for number in (15, 16, 17):
        running += propose(request(of, [number], finished, running))
    assert together == running
    assert together != propose(request(spec(algorithm, *space, seed=6), [15, 16, 17], finished))


def test_bayesian_begins_as_random_does() -> None:
    random = search(spec("Random", seed=3), quadratic, 11)
    bayesian = search(spec("Bayesian", seed=3), quadratic, 11)
    assert bayesian[:10] == random[:10]
    assert bayesian[10] != random[10]
    early = search(spec("Bayesian", seed=3, bayesian={"startupTrials": 4}), quadratic, 5)
    assert (early[:4] == random[:4], early[4] == random[4]) == (True, False)


def test_bayesian_keeps_away_from_what_runs() -> None:
    of = spec("Bayesian", seed=1)
    finished = search(of, quadratic, 30)
    alone = propose(request(of, range(31, 41), finished))
    xs = [one["x"] for one in alone if one is not None]
    (first,) = propose(request(of, [31], finished))
    assert first is not None
    crowd = [{"x": first["x"] + n * 1e-3, "y": first["y"] + n * 1e-3} for n in range(20)]
    (away,) = propose(request(of, [31], finished, crowd))
    assert away is not None
    assert away != first
    assert statistics.pstdev(xs) > 0.05


@pytest.mark.parametrize("algorithm", MODELS)
def test_a_failed_trial_is_no_result(algorithm: str) -> None:
    of = spec(algorithm, seed=2)
    finished = search(of, quadratic, 20)
    lost = Finished({"x": 1.0, "y": -2.0}, None)
    assert propose(request(of, [99], finished)) == propose(request(of, [99], [*finished, lost]))


def test_options_reach_the_model() -> None:
    finished = search(spec("Random"), quadratic, 30)
    plain = propose(request(spec("Bayesian"), [31], finished))
    bayesian: tuple[dict[str, Any], ...] = ({"multivariate": False}, {"candidates": 3})
    for options in bayesian:
        assert propose(request(spec("Bayesian", bayesian=options), [31], finished)) != plain
    plain = propose(request(spec("CmaEs"), [31], finished))
    cma_es: tuple[dict[str, Any], ...] = ({"populationSize": 10}, {"initialStep": 0.3})
    for options in cma_es:
        assert propose(request(spec("CmaEs", cmaEs=options), [31], finished)) != plain


def test_cma_es_begins_anew_elsewhere_when_it_has_converged() -> None:
    def spread(results: int) -> float:
        known = [Finished({"x": 0.0, "y": 0.0}, 1.0)] * results
        asked = request(spec("CmaEs", seed=4), range(results + 1, results + 31), known)
        return statistics.pstdev(float(one["x"]) for one in propose(asked) if one is not None)

    assert spread(0) > 1
    assert spread(120) < 0.01
    assert spread(180) > 1


@pytest.mark.parametrize("algorithm", MODELS)
def test_what_somebody_wrote_into_a_record_by_hand_does_no_harm(algorithm: str) -> None:
    of = spec(algorithm, *CONDITIONAL)
    strange = [
        Finished({"x": "much", "y": 1, "optimizer": "sgd"}, 0.5),
        Finished({"x": 10**400, "y": 1, "optimizer": "sgd"}, 0.5),
        Finished({"x": True, "y": 1e300, "optimizer": "lion"}, 1e308),
        Finished({}, -1e308),
    ]
    ordinary = search(of, quadratic, 12)
    assert all(propose(request(of, [20, 21], [*strange, *ordinary], [{"z": 1}])))


# --- Sobol ------------------------------------------------------------------------------------------------------------


def empty_cells(found: list[Finished]) -> int:
    """Return how many of 64 equal cells of the plane no trial lies in."""
    places = [[int((one.parameters[name] + 5) / 1.25) for name in ("x", "y")] for one in found]
    return 64 - len({tuple(place) for place in places})


def test_sobol_covers_the_space_better_than_chance() -> None:
    for seed in SEEDS:
        sobol, random = (search(spec(algorithm, seed=seed), quadratic, 64) for algorithm in ("Sobol", "Random"))
        assert empty_cells(sobol) == 0
        assert empty_cells(random) > 10


def test_a_point_of_sobol_follows_from_seed_and_number_alone() -> None:
    of = spec("Sobol", seed=9)
    found = search(of, quadratic, 8)
    assert propose(request(of, [5])) == [found[4].parameters]
    assert propose(request(of, [5], [*found[:4], *found[5:]])) == [found[4].parameters]


def test_sobol_without_scrambling_is_the_same_for_every_seed() -> None:
    plain = [search(spec("Sobol", seed=seed, sobol={"scramble": False}), quadratic, 4) for seed in (1, 2)]
    assert plain[0] == plain[1]
    assert [one.parameters["x"] for one in plain[0]] == [-5.0, 0.0, 2.5, -2.5]


def test_sobol_gives_a_number_in_a_small_space_its_combination_again() -> None:
    of = spec("Sobol", *SMALL)
    found = search(of, lambda _: 1.0, 18)
    record = dict(request(of, [], found).taken)
    del record[7]
    again = propose(Request(of, (7,), (), (), record))
    assert again == [found[6].parameters]


def test_bayesian_proposes_what_models_made_anew_for_each_question_would(monkeypatch: pytest.MonkeyPatch) -> None:
    small = spec("Bayesian", *[expression(name, "randint", lower=0, upper=4) for name in "ab"])
    found = [Finished({"a": a, "b": b}, float((a - 1) ** 2 + (b - 2) ** 2)) for a in range(4) for b in range(3)]
    quick = propose(request(small, [13, 14, 15], found))
    drop = SeededTPESampler.seed

    def seed_and_forget(self: SeededTPESampler, number: int) -> None:
        drop(self, number)
        self.forget_models()

    monkeypatch.setattr(SeededTPESampler, "seed", seed_and_forget)
    assert propose(request(small, [13, 14, 15], found)) == quick


def test_bayesian_makes_its_models_once_for_all_attempts_at_one_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bool] = []
    make = TPESampler._build_parzen_estimator

    def counted(self: TPESampler, study: Any, space: Any, trials: Any, handle_below: bool) -> Any:
        made.append(handle_below)
        return make(self, study, space, trials, handle_below)

    monkeypatch.setattr(TPESampler, "_build_parzen_estimator", counted)
    small = spec("Bayesian", *[expression(name, "randint", lower=0, upper=4) for name in "ab"])
    found = [Finished({"a": a, "b": b}, float((a - 1) ** 2 + (b - 2) ** 2)) for a in range(4) for b in range(3)]
    propose(request(small, [13, 14], found))
    assert made == [True, False, True, False]
