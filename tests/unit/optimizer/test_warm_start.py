"""Optimisers that begin with what earlier sweeps found."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest
from tests.support.builders import choice, expression, sweep_manifest

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.proposing import Finished
from hyperdrive_operator.core.sampling import combination_key, random_combination
from hyperdrive_operator.optimizer.cmaes import _warm
from hyperdrive_operator.optimizer.propose import propose

from .questions import PLANE, Score, best, quadratic, request, spec

ALGORITHMS = ("Bayesian", "CmaEs")


def earlier(trials: int, score: Score = quadratic, seed: int = 99) -> tuple[Finished, ...]:
    """Return what a random search of the plane found."""
    of = spec("Random", seed=seed)
    drawn = (random_combination(of, number, frozenset()) for number in range(1, trials + 1))
    return tuple(Finished(one, score(one)) for one in drawn if one is not None)


def search(of: HyperDriveSpec, prior: Sequence[Finished], trials: int) -> list[Finished]:
    finished: list[Finished] = []
    for number in range(1, trials + 1):
        (one,) = propose(replace(request(of, [number], finished), prior=tuple(prior)))
        assert one is not None
        finished.append(Finished(one, quadratic(one)))
    return finished


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_known_leads_to_good_values_at_once(algorithm: str) -> None:
    prior = earlier(60)
    warm, cold = (
        fmean(best(search(spec(algorithm, seed=seed), known, 8)) for seed in range(5)) for known in (prior, ())
    )
    assert warm < cold / 2


@pytest.mark.parametrize("goal", ["Minimize", "Maximize"])
def test_the_goal_counts(goal: str) -> None:
    sign = 1 if goal == "Minimize" else -1
    prior = [Finished(one.parameters, sign * (one.value or 0)) for one in earlier(60)]
    for algorithm in ALGORITHMS:
        asked = replace(request(spec(algorithm, goal=goal), [1, 2, 3]), prior=tuple(prior))
        assert fmean(quadratic(one) for one in propose(asked) if one) < 12, algorithm


def test_the_same_knowledge_gives_the_same_proposals() -> None:
    for algorithm in ALGORITHMS:
        asked = replace(request(spec(algorithm), [1, 2]), prior=earlier(30))
        assert propose(asked) == propose(asked)


@pytest.mark.parametrize("count", [1, 2, 9, 10, 49, 300])
def test_cma_es_begins_with_the_best_tenth_however_few_there_are(count: int) -> None:
    prior = earlier(count)
    of = spec("CmaEs")
    strategy = _warm(replace(request(of, [1]), prior=prior), list(of.search_space))
    assert strategy is not None
    tenth = sorted(prior, key=lambda one: one.value or 0)[: max(1, count // 10)]
    mean = [fmean((one.parameters[name] + 5) / 10 for one in tenth) for name in ("x", "y")]
    assert strategy.mean == pytest.approx(mean)


def test_cma_es_without_a_usable_result_begins_in_the_middle() -> None:
    of = spec("CmaEs")
    strange: Mapping[str, Any] = {"x": "left", "y": 1}
    for prior in ((), (Finished(strange, 1.0),), (Finished({"x": 1.0, "y": 1.0}, None),)):
        assert _warm(replace(request(of, [1]), prior=prior), list(of.search_space)) is None


@pytest.mark.parametrize("algorithm", ["Sobol", *ALGORITHMS])
def test_what_is_known_is_not_proposed(algorithm: str) -> None:
    space = (expression("x", "randint", upper=4), expression("y", "randint", upper=3))
    of = spec(algorithm, *space)
    every = [{"x": x, "y": y} for x in range(4) for y in range(3)]
    known = frozenset(combination_key(one) for one in every[:9])
    found = propose(replace(request(of, [1, 2, 3, 4]), known=known))
    assert found[3] is None
    assert {combination_key(one) for one in found if one} == {combination_key(one) for one in every[9:]}


def test_bayesian_models_conditional_knowledge() -> None:
    space = (choice("k", "a", "b"), {**PLANE[0], "when": {"parameter": "k", "values": ["a"]}})
    prior = (*tuple(Finished({"k": "a", "x": n / 10}, n) for n in range(20)), Finished({"k": "b"}, 30.0))
    asked = replace(request(spec("Bayesian", *space), [1, 2, 3]), prior=prior)
    assert [one["k"] for one in propose(asked) if one].count("a") >= 2


def test_nsga_breeds_from_what_earlier_sweeps_found() -> None:
    manifest = sweep_manifest(
        objective={
            "primaryMetric": "loss",
            "goal": "Minimize",
            "additionalObjectives": [{"metric": "cost", "goal": "Minimize"}],
        },
        searchSpace=list(PLANE),
        samplingAlgorithm={"type": "NsgaII", "nsgaII": {"populationSize": 10}},
    )
    of = HyperDriveSpec.model_validate(manifest["spec"])
    prior = tuple(Finished(one.parameters, one.value, (0.0,)) for one in earlier(40))
    bred = propose(replace(request(of, list(range(1, 11))), prior=prior))
    drawn = propose(request(of, list(range(1, 11))))
    assert fmean(quadratic(one) for one in bred if one) < fmean(quadratic(one) for one in drawn if one) * 2 / 3
