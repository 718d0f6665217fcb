"""Combinations to try first, in whole sweeps: in every sampler, whatever is restarted or deleted."""

from typing import Any

import pytest
from tests.support.builders import choice, expression, limits, sweep_manifest
from tests.support.laboratory import InlineOptimizer, Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.core.sampling import combination_key
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES

SPACE = [
    expression("x", "qUniform", min=0, max=10, q=1),
    expression("y", "qUniform", min=0, max=1, q=0.25),
    choice("k", "a", "b"),
]
FIRST: list[dict[str, Any]] = [{"x": 7, "y": 0.5, "k": "b"}, {"x": 2, "k": "a"}, {"x": 9}]
ALGORITHMS = ("Grid", "Random", "Sobol", "Bayesian", "CmaEs")


def score(parameters: dict[str, Any]) -> str:
    return f"accuracy={1 - abs(parameters['x'] - 3) / 10 - parameters['y'] / 10}"


def laboratory(algorithm: str, *, total: int = 9, at_once: int = 2, **spec: Any) -> Laboratory:
    lab = Laboratory()
    sampling: dict[str, Any] = {"type": algorithm, "seed": 3}
    if algorithm == "Bayesian":
        sampling["bayesian"] = {"startupTrials": 5}
    given = {"searchSpace": SPACE, "samplingAlgorithm": sampling, "firstCombinations": FIRST, **spec}
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(total, at_once), **given))
    return lab


def combinations(lab: Laboratory) -> list[dict[str, Any]]:
    records = sorted(lab.cluster.all(HYPERDRIVE_TRIALS), key=lambda body: int(body["spec"]["number"]))
    return [body["spec"]["parameters"] for body in records]


async def run(lab: Laboratory, *, restarts: bool = False) -> list[dict[str, Any]]:
    for _ in range(60):
        await lab.settle()
        if restarts:
            lab.restart()
        lab.clock.advance(1)
        lab.start_jobs()
        await lab.settle()
        lab.clock.advance(1)
        lab.finish_jobs(score, at_most=1)
        if lab.is_over:
            break
    assert lab.is_over, lab.status
    return combinations(lab)


def assert_first(ran: list[dict[str, Any]]) -> None:
    for entry, one in zip(FIRST, ran, strict=False):
        assert entry.items() <= one.items()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_they_run_first_and_none_runs_twice(algorithm: str) -> None:
    lab = laboratory(algorithm, total=20)
    ran = await run(lab)
    assert_first(ran)
    assert len({combination_key(one) for one in ran}) == len(ran) == 20
    assert lab.status["bestTrial"]["value"] == max(float(score(one).removeprefix("accuracy=")) for one in ran)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_restart_at_any_moment_changes_nothing(algorithm: str) -> None:
    undisturbed = await run(laboratory(algorithm))
    restarted = await run(laboratory(algorithm), restarts=True)
    assert undisturbed == restarted
    assert_first(restarted)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_deleted_record_of_theirs_runs_its_entry_again(algorithm: str) -> None:
    lab = laboratory(algorithm)
    ran = await run(lab)
    lab.cluster.remove(HYPERDRIVE_TRIALS, "digits-2")
    lab.cluster.remove(HYPERDRIVE_TRIALS, "digits-3")
    again = await run(lab)
    assert again == ran


async def test_a_grid_is_run_to_its_last_combination_and_no_further() -> None:
    lab = laboratory("Grid", total=1000, at_once=50)
    await lab.run_to_the_end(score)
    ran = combinations(lab)
    assert_first(ran)
    assert len({combination_key(one) for one in ran}) == len(ran) == 11 * 5 * 2
    assert lab.status["progress"] == "110/110"
    assert lab.condition("Complete")["reason"] == names.REASON_SPACE_EXHAUSTED


async def test_an_optimiser_is_asked_only_for_numbers_past_them_and_knows_of_them() -> None:
    lab = laboratory("Bayesian", at_once=5)
    await lab.settle()
    optimizer = lab.optimizer
    assert isinstance(optimizer, InlineOptimizer)
    (asked,) = optimizer.requests
    ran = combinations(lab)
    assert asked.numbers == (4, 5)
    assert [dict(one) for one in asked.running] == ran[:3]
    assert {number: asked.taken[number] for number in (1, 2, 3)} == {
        number: combination_key(ran[number - 1]) for number in (1, 2, 3)
    }


async def test_more_of_them_than_trials_may_run_wait_for_a_higher_limit() -> None:
    lab = laboratory("Bayesian", total=2)
    assert len(await run(lab)) == 2
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": limits(4, 2)}})
    ran = await run(lab)
    assert len(ran) == 4
    assert_first(ran)


async def test_the_points_of_sobol_begin_after_them() -> None:
    plain = await run(laboratory("Sobol", firstCombinations=[]))
    ran = await run(laboratory("Sobol"))
    assert ran[3:] == plain[:6]


async def test_an_entry_that_is_wrong_starts_nothing_and_says_why() -> None:
    lab = laboratory("Random", firstCombinations=[{"x": 7}, {"x": 7.5}])
    await lab.settle()
    assert combinations(lab) == []
    assert lab.status["state"] == "Invalid"
    for kind, status in (("Accepted", "False"), ("Stalled", "True")):
        condition = lab.condition(kind)
        assert (condition["status"], condition["reason"]) == (status, names.REASON_INVALID_SPEC)
        assert condition["message"] == (
            "spec.firstCombinations[1].x: 7.5 is none of its values, which go in steps of 1: use 7 or 8"
        )


@pytest.mark.parametrize("algorithm", ["Random", "Bayesian"])
async def test_a_paused_sweep_shows_them_and_then_runs_just_these(algorithm: str) -> None:
    lab = laboratory(algorithm, at_once=4, state="Paused")
    await lab.settle()
    shown = lab.status["preview"]["first"]
    assert len(shown) >= 4
    assert_first(shown)
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Running"}})
    await lab.settle()
    assert combinations(lab) == shown[:4]
