"""Sweeps that begin with what earlier ones found: they wait for them, learn from them, and skip what they ran."""

from collections.abc import Iterable
from typing import Any

import pytest
from tests.support.builders import expression, limits, sweep_manifest
from tests.support.laboratory import InlineOptimizer, Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.controller import priors
from hyperdrive_operator.core.prior import Fit, judge
from hyperdrive_operator.core.records import Record
from hyperdrive_operator.core.sampling import combination_key
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, Object

SPACE = [expression("x", "randint", upper=6), expression("y", "randint", upper=4)]
ALGORITHMS = ("Grid", "Random", "Sobol", "Bayesian", "CmaEs")


def score(parameters: dict[str, Any]) -> str:
    return f"accuracy={1 - abs(parameters['x'] - 3) / 10 - parameters['y'] / 10}"


def manifest(name: str, algorithm: str, total: int, at_once: int = 2, **spec: Any) -> Object:
    given = {"searchSpace": SPACE, "samplingAlgorithm": {"type": algorithm, "seed": 3}, **spec}
    return sweep_manifest(name, limits=limits(total, at_once), **given)


def combinations(lab: Laboratory, name: str) -> list[Object]:
    records = [
        body for body in lab.cluster.all(HYPERDRIVE_TRIALS) if body["metadata"]["name"].rpartition("-")[0] == name
    ]
    return [body["spec"]["parameters"] for body in sorted(records, key=lambda body: int(body["spec"]["number"]))]


def keys(of: Iterable[Object]) -> set[str]:
    return {combination_key(one) for one in of}


async def after_an_earlier_one(total: int = 10, **spec: Any) -> Laboratory:
    """Return a laboratory in which a sweep named old has run, and one named new shall."""
    lab = Laboratory(name="old")
    lab.cluster.put(HYPERDRIVES, manifest("old", "Random", total, **spec))
    await lab.run_to_the_end(score)
    lab.name = "new"
    return lab


def begin(lab: Laboratory, algorithm: str, total: int = 100, **given: Any) -> None:
    warm = {"from": given.pop("sources", ["old"]), "skipKnown": given.pop("skip", True)}
    lab.cluster.put(HYPERDRIVES, manifest("new", algorithm, total, warmStart=warm, **given))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_what_an_earlier_sweep_has_run_is_not_run_again(algorithm: str) -> None:
    lab = await after_an_earlier_one()
    begin(lab, algorithm)
    await lab.settle()
    assert lab.status["trials"]["planned"] == 24 - 10
    await lab.run_to_the_end(score)
    old, new = combinations(lab, "old"), combinations(lab, "new")
    assert len(new) == 14
    assert keys(old) & keys(new) == set()
    assert lab.status["progress"] == "14/14"
    assert lab.condition("Complete")["reason"] == names.REASON_SPACE_EXHAUSTED
    assert lab.status["bestTrial"]["name"].startswith("new-"), "theirs are no candidates"
    assert (lab.status["warmStart"]["taken"], lab.status["warmStart"]["leftOut"]) == (10, 0)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_restart_or_a_deleted_record_changes_nothing(algorithm: str) -> None:
    found: list[list[Object]] = []
    for disturbed in (False, True):
        lab = await after_an_earlier_one()
        begin(lab, algorithm, total=8, at_once=1, firstCombinations=[{"x": 5, "y": 3}, {"x": 4}])
        for _ in range(40):
            await lab.settle()
            if disturbed:
                lab.restart()
                if lab.is_over and algorithm in {"Grid", "Random", "Sobol"} and len(found) == 1:
                    found.append(combinations(lab, "new"))
                    for number in (2, 5):
                        lab.cluster.remove(HYPERDRIVE_TRIALS, f"new-{number}")
                    await lab.settle()
            lab.clock.advance(1)
            lab.start_jobs()
            await lab.settle()
            lab.clock.advance(1)
            lab.finish_jobs(score)
        assert lab.is_over
        found.append(combinations(lab, "new"))
    assert all(one == found[0] for one in found)
    assert len(found[0]) == 8


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_sweep_with_nothing_left_to_run_completes_at_once_and_says_why(algorithm: str) -> None:
    lab = await after_an_earlier_one(total=24)
    begin(lab, algorithm)
    await lab.settle()
    assert combinations(lab, "new") == []
    assert lab.status["state"] == "Complete"
    for kind, status in (("Complete", "True"), ("Progressing", "False")):
        condition = lab.condition(kind)
        assert (condition["status"], condition["reason"]) == (status, names.REASON_ALL_KNOWN)
    assert lab.condition("Failed")["status"] == lab.condition("Stalled")["status"] == "False"
    assert "have run every combination" in lab.condition("Complete")["message"]
    lab.cluster.remove(HYPERDRIVES, "old")
    lab.restart()
    await lab.settle()
    assert lab.status["state"] == "Complete", "what has ended stays so when its source goes"


async def test_without_skip_known_nothing_is_skipped_and_a_grid_learns_nothing() -> None:
    lab = await after_an_earlier_one()
    begin(lab, "Grid", skip=False)
    await lab.run_to_the_end(score)
    assert len(combinations(lab, "new")) == 24
    assert lab.status["warmStart"]["message"] == (
        "old: 10 taken; Grid does not learn from results: set skipKnown, or remove"
    )


async def test_a_known_combination_to_try_first_is_passed_over() -> None:
    lab = await after_an_earlier_one()
    known, *_ = combinations(lab, "old")
    new = next({"x": x, "y": 0} for x in range(6) if combination_key({"x": x, "y": 0}) not in keys([known]))
    for algorithm in ALGORITHMS:
        lab.name = "new"
        begin(lab, algorithm, total=3, firstCombinations=[known, new])
        await lab.run_to_the_end(score)
        assert known not in combinations(lab, "new")
        lab.cluster.remove(HYPERDRIVES, "new")
        lab.deliver()


async def test_bayesian_learns_from_the_first_trial_on() -> None:
    lab = await after_an_earlier_one(total=12)
    begin(lab, "Bayesian", total=2, skip=False)
    await lab.run_to_the_end(score)
    assert isinstance(lab.optimizer, InlineOptimizer)
    first, *_ = lab.optimizer.requests
    assert [dict(one.parameters) for one in first.prior] == combinations(lab, "old")
    assert first.finished == ()
    assert first.known == frozenset()
    assert combinations(lab, "new")[0]["y"] <= 1, "drawn from the model: y is best at 0"


async def test_results_that_an_earlier_sweep_finds_meanwhile_count_for_the_next_proposal() -> None:
    lab = Laboratory(name="old")
    lab.cluster.put(HYPERDRIVES, manifest("old", "Random", 10, at_once=1))
    await lab.settle()
    lab.name = "new"
    begin(lab, "Bayesian", total=10)
    await lab.settle()
    assert lab.status["warmStart"] == {"taken": 0, "leftOut": 0, "message": "old: 0 taken"}
    for running in range(1, 4):
        lab.start_jobs()
        lab.finish_jobs(score)
        for name in ("old", "new"):
            lab.name = name
            await lab.settle()
            lab.clock.advance(1)
            await lab.settle()
        assert lab.status["warmStart"]["message"] == f"old: {running} taken"
        assert isinstance(lab.optimizer, InlineOptimizer)
        assert len(lab.optimizer.requests[-1].prior) == running


async def test_a_sweep_waits_for_a_source_that_is_not_there_and_goes_on_by_itself() -> None:
    lab = Laboratory(name="new")
    begin(lab, "Random", total=2, sources=["old", "older"])
    for _ in range(3):
        assert await lab.settle() == 10
        lab.clock.advance(10)
    stalled = lab.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", names.REASON_WARM_START_NOT_FOUND)
    assert "no HyperDrive 'old', 'older' in namespace 'lab'" in stalled["message"]
    assert (lab.status["state"], combinations(lab, "new")) == ("Pending", [])
    assert len(lab.warnings()) == 1, "told once"
    lab.cluster.put(HYPERDRIVES, manifest("old", "Random", 3))
    await lab.settle()
    assert "no HyperDrive 'older' in" in lab.condition("Stalled")["message"]
    lab.cluster.put(HYPERDRIVES, manifest("older", "Random", 3))
    lab.clock.advance(10)
    await lab.settle()
    assert lab.condition("Stalled")["status"] == "False"
    assert len(combinations(lab, "new")) == 2


async def test_a_source_deleted_after_the_first_trial_stops_nothing_and_shows() -> None:
    lab = await after_an_earlier_one(total=20)
    begin(lab, "Random", total=30)
    await lab.settle()
    assert lab.status["trials"]["planned"] == 4
    lab.cluster.remove(HYPERDRIVES, "old")
    await lab.run_to_the_end(score)
    assert len(combinations(lab, "new")) == 4, "no more are run for it"
    assert lab.status["warmStart"] == {
        "taken": 0,
        "leftOut": 0,
        "message": "old: not found: what it had found is not known; Random does not learn from results",
    }
    lab.restart()
    await lab.settle()
    assert lab.is_over


async def test_what_was_known_at_its_end_stays_in_the_status_of_a_sweep() -> None:
    lab = await after_an_earlier_one()
    begin(lab, "Bayesian", total=2)
    await lab.run_to_the_end(score)
    known = lab.status["warmStart"]
    assert known["taken"] == 10
    lab.cluster.remove(HYPERDRIVES, "old")
    lab.restart()
    await lab.settle()
    assert lab.status["warmStart"] == known
    lab.cluster.change(HYPERDRIVES, "new", {"spec": {"limits": limits(3, 2)}})
    await lab.run_to_the_end(score)
    assert lab.status["warmStart"]["taken"] == 0, "unless it goes on"


async def test_another_of_the_same_name_counts_anew() -> None:
    lab = await after_an_earlier_one()
    begin(lab, "Bayesian", total=50, at_once=1)
    await lab.settle()
    assert lab.status["warmStart"]["taken"] == 10
    lab.cluster.remove(HYPERDRIVES, "old")
    lab.cluster.put(HYPERDRIVES, manifest("old", "Random", 3))
    lab.clock.advance(1)
    await lab.settle()
    assert lab.status["warmStart"]["message"] == "old: 0 taken"


async def test_a_sweep_without_a_warm_start_says_nothing_of_one() -> None:
    lab = Laboratory(name="old")
    lab.cluster.put(HYPERDRIVES, manifest("old", "Random", 2))
    await lab.run_to_the_end(score)
    assert "warmStart" not in lab.status


async def test_what_earlier_sweeps_are_worth_is_found_out_once_per_change(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []

    def counted(spec: HyperDriveSpec, record: Record) -> Fit:
        judged.append(record.name)
        return judge(spec, record)

    monkeypatch.setattr(priors, "judge", counted)
    lab = await after_an_earlier_one()
    begin(lab, "Random", total=4)
    await lab.run_to_the_end(score)
    assert sorted(judged) == sorted(f"old-{number}" for number in range(1, 11))
    assert lab.cache.prior(lab.cache.sweeps()[0]) is lab.cache.prior(lab.cache.sweeps()[0])


@pytest.mark.parametrize("algorithm", ["Grid", "Random", "Bayesian"])
async def test_a_paused_sweep_shows_what_is_left_to_run(algorithm: str) -> None:
    lab = await after_an_earlier_one(total=20)
    begin(lab, algorithm, at_once=4, state="Paused")
    await lab.settle()
    preview = lab.status["preview"]
    assert preview["planned"] == 4
    assert "24 combinations, 20 of which earlier sweeps have run; 4 trials would run" in preview["message"]
    assert keys(preview["first"]) & keys(combinations(lab, "old")) == set()
    assert lab.status["state"] == "Paused"
