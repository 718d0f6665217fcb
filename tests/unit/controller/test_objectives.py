"""A sweep with two objectives through the whole operator: the front in the status, whatever happens on the way."""

from typing import Any

import pytest
from tests.support.builders import choice, limits, sweep_manifest
from tests.support.laboratory import Laboratory

from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, Object

SIZE = {"metric": "size", "goal": "Minimize"}


def laboratory(**spec: Any) -> Laboratory:
    """Return a sweep over twelve values, two at once."""
    lab = Laboratory()
    objective = {"primaryMetric": "accuracy", "goal": "Maximize", "additionalObjectives": [SIZE]}
    given = {"objective": objective, "searchSpace": [choice("x", *range(12))], "limits": limits(12, 2), **spec}
    lab.cluster.put(HYPERDRIVES, sweep_manifest(**given))
    return lab


def score(parameters: Object) -> str:
    """Return a log whose accuracy and size grow with x, but for odd ones, which are as large and worse."""
    x = parameters["x"]
    return f"accuracy=0.99 size=1000\naccuracy={(x - x % 2 * 3) / 100} size={x + 1}"


def front(lab: Laboratory) -> list[int]:
    return [one["parameters"]["x"] for one in lab.status.get("paretoFront", ())]


@pytest.mark.parametrize("algorithm", ["Random", "Grid", "Sobol", "Bayesian", "NsgaII"])
async def test_every_algorithm_ends_with_the_same_front_over_the_whole_space(algorithm: str) -> None:
    options = {"NsgaII": {"nsgaII": {"populationSize": 4}}, "Bayesian": {"bayesian": {"startupTrials": 4}}}
    lab = laboratory(samplingAlgorithm={"type": algorithm, **options.get(algorithm, {})})
    await lab.run_to_the_end(score)
    assert lab.status["state"] == "Complete"
    assert front(lab) == [10, 8, 6, 4, 2, 0]
    assert lab.status["paretoFrontSize"] == 6
    assert lab.status["paretoFront"][0]["values"] == {"accuracy": 0.1, "size": 11}
    assert lab.status["bestTrial"]["parameters"] == {"x": 10}
    assert lab.status["bestTrial"]["value"] == 0.1, "the last report, as all values are"


async def test_a_restart_keeps_the_front_and_writes_nothing() -> None:
    lab = laboratory()
    await lab.run_to_the_end(score)
    before, writes = lab.status, len(lab.cluster.writes)
    lab.restart()
    lab.clock.advance(3600)
    await lab.settle()
    assert len(lab.cluster.writes) == writes
    assert lab.status == before


async def test_a_restart_in_the_middle_makes_no_difference() -> None:
    calm, restless = laboratory(), laboratory()
    await calm.run_to_the_end(score)
    while not (restless.passes and restless.is_over):
        await restless.settle()
        restless.clock.advance(1)
        restless.start_jobs()
        await restless.settle()
        restless.clock.advance(1)
        restless.finish_jobs(score, at_most=1)
        restless.restart()
    assert restless.status["paretoFront"] == calm.status["paretoFront"]


async def test_a_trial_without_the_second_metric_fails_and_is_not_on_the_front() -> None:
    lab = laboratory()
    await lab.run_to_the_end(lambda of: "accuracy=0.9" if of["x"] == 0 else score(of))
    record = lab.record("digits-1")
    assert (record["status"]["state"], record["status"]["reason"]) == ("Failed", "MetricNotReported")
    assert "reported no 'size'; metrics seen: accuracy" in record["status"]["message"]
    assert 0 not in front(lab)
    assert lab.status["state"] == "Complete"


async def test_a_sweep_none_of_whose_trials_reports_the_second_metric_says_so() -> None:
    lab = laboratory()
    await lab.run_to_the_end(lambda _: "accuracy=0.9")
    assert lab.status["state"] == "Failed"
    assert "paretoFront" not in lab.status
    assert lab.condition("Failed")["reason"] == "MetricNotReported"
    assert "no 'size'" in lab.condition("Stalled")["message"]


async def test_a_record_that_is_deleted_leaves_the_front_and_what_it_dominated_is_back() -> None:
    lab = laboratory(limits=limits(2, 2), searchSpace=[choice("x", 4, 6)])
    await lab.run_to_the_end(lambda of: f"accuracy={of['x']} size=1")
    assert front(lab) == [6]
    lab.cluster.remove(HYPERDRIVE_TRIALS, "digits-2")
    lab.clock.advance(60)
    await lab.settle()
    assert front(lab) == [4]


async def test_a_front_that_grows_with_every_trial_is_written_once_a_second_at_most() -> None:
    """A worse and worse primary metric, an ever better second one: no new best trial, but each is on the front."""
    lab = laboratory(limits=limits(12, 12))
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.clock.advance(2)
    before = lab.writes()["patch hyperdrives/status"]
    for _ in range(11):
        lab.finish_jobs(lambda of: f"accuracy={-of['x']} size={-of['x']}", at_most=1)
        await lab.settle()
    written = lab.writes()["patch hyperdrives/status"] - before
    assert written <= 2, "the first best trial at once, with the front so far"
    assert len(front(lab)) == 1
    lab.clock.advance(1)
    await lab.settle()
    assert len(front(lab)) == 11
