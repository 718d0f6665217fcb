"""Sweeps whose combinations come from an optimiser: in the background, from the records alone, and whatever breaks."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal

import pytest
from tests.support.builders import NAMESPACE, choice, expression, limits, sweep_manifest
from tests.support.fake_cluster import Failure
from tests.support.laboratory import InlineOptimizer, Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.controller.queue import Key
from hyperdrive_operator.core.proposing import Request
from hyperdrive_operator.core.sampling import combination_key
from hyperdrive_operator.kube.errors import ForbiddenError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS
from hyperdrive_operator.optimizer.process import OptimizerError

SPACE = [expression("x", "uniform", min=0, max=10), choice("k", "a", "b")]
EARLY = {"type": "Bayesian", "seed": 3, "bayesian": {"startupTrials": 3}}


def score(parameters: dict[str, Any]) -> str:
    return f"accuracy={1 - abs(parameters['x'] - 2) / 10}"


def manifest(name: str = "digits", total: int = 8, at_once: int = 2, **spec: Any) -> Any:
    given = {"searchSpace": SPACE, "samplingAlgorithm": EARLY, "limits": limits(total, at_once), **spec}
    return sweep_manifest(name, **given)


class Moody(InlineOptimizer):
    """Does for each sweep, by its uid, what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: set[str] = set()
        self.stuck: set[str] = set()
        self.go_on = asyncio.Event()
        self.behave = self.obey

    async def obey(self, sweep: str, _: Request) -> None:
        if sweep in self.failing:
            raise OptimizerError("it fell over")
        if sweep in self.stuck:
            await self.go_on.wait()


@pytest.fixture
async def optimizer() -> Moody:
    return Moody()


@pytest.fixture
async def lab(optimizer: Moody) -> AsyncIterator[Laboratory]:
    laboratory = Laboratory(optimizer=optimizer)
    laboratory.cluster.put(HYPERDRIVES, manifest())
    yield laboratory
    await laboratory.logs.close()
    await laboratory.proposer.close()


def uid(lab: Laboratory, name: str = "digits") -> str:
    return str(lab.cluster.one(HYPERDRIVES, name)["metadata"]["uid"])


def combinations(lab: Laboratory) -> dict[str, Any]:
    return {body["metadata"]["name"]: body["spec"]["parameters"] for body in lab.cluster.all(HYPERDRIVE_TRIALS)}


async def test_a_sweep_runs_to_its_end(lab: Laboratory) -> None:
    await lab.run_to_the_end(score)
    assert lab.status["progress"] == "8/8"
    assert lab.condition("Complete")["status"] == "True"
    assert set(lab.counted.proposals) == {("Bayesian", "ok")}
    found = combinations(lab)
    assert len({combination_key(one) for one in found.values()}) == 8


async def test_just_the_free_places_are_asked_for_with_all_results_so_far(lab: Laboratory, optimizer: Moody) -> None:
    await lab.settle()
    assert [(asked.numbers, asked.finished, asked.running) for asked in optimizer.requests] == [((1, 2), (), ())]
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs(score, at_most=1)
    await lab.settle()
    asked = optimizer.requests[-1]
    assert asked.numbers == (3,)
    first, second = (dict(combinations(lab)[f"digits-{n}"]) for n in (1, 2))
    assert [(one.parameters, one.value) for one in asked.finished] == [(first, 1 - abs(first["x"] - 2) / 10)]
    assert list(asked.running) == [second]
    assert asked.taken == {1: combination_key(first), 2: combination_key(second)}


@pytest.mark.parametrize("algorithm", ["Bayesian", "CmaEs", "Sobol"])
async def test_a_restart_in_the_middle_changes_nothing(algorithm: str) -> None:
    found = []
    for restarts in (False, True):
        lab = Laboratory()
        space = [*SPACE, expression("y", "normal", mu=0, sigma=1)]
        sampling = {"type": algorithm, "seed": 3}
        lab.cluster.put(HYPERDRIVES, manifest(total=14, searchSpace=space, samplingAlgorithm=sampling))
        for _ in range(40):
            await lab.settle()
            if restarts:
                lab.restart()
            lab.clock.advance(1)
            lab.start_jobs()
            await lab.settle()
            lab.clock.advance(1)
            lab.finish_jobs(score, at_most=1)
        assert lab.is_over
        found.append(combinations(lab))
    assert found[0] == found[1]
    assert len(found[0]) == 14


class Killed(BaseException):
    """The operator was killed: nothing in it may catch this."""


def sweep_of_four(algorithm: str) -> Laboratory:
    lab = Laboratory()
    sampling: dict[str, Any] = {"type": algorithm, "seed": 3}
    if algorithm == "Bayesian":  # with one at a time, since else the order of the results differs
        sampling["bayesian"] = {"startupTrials": 2}
    at_once = 1 if algorithm == "Bayesian" else 2
    lab.cluster.put(HYPERDRIVES, manifest(total=4, at_once=at_once, samplingAlgorithm=sampling))
    return lab


@pytest.mark.parametrize("algorithm", ["Sobol", "Bayesian"])
async def test_a_kill_or_a_failure_at_any_write_makes_no_difference(algorithm: str) -> None:
    undisturbed = sweep_of_four(algorithm)
    await undisturbed.run_to_the_end(score)
    moments: tuple[Literal["before", "after"], ...] = ("before", "after")
    for at in range(len(undisturbed.cluster.writes)):
        for when, error in itertools.product(moments, (Killed(), None)):
            lab = sweep_of_four(algorithm)
            lab.cluster.failure = Failure(at, when, error) if error else Failure(at, when)
            try:
                await lab.run_to_the_end(score)
            except Killed:
                lab.cluster.failure = None
                await lab.proposer.close()
                lab.restart()
                await lab.run_to_the_end(score)
            assert combinations(lab) == combinations(undisturbed), (at, when, error)
            assert lab.status["bestTrial"] == undisturbed.status["bestTrial"]


async def test_an_operator_that_ends_while_an_optimiser_thinks_asks_again(lab: Laboratory, optimizer: Moody) -> None:
    optimizer.stuck.add(uid(lab))
    await lab.step()
    await lab.step()
    assert lab.proposer.is_busy
    await lab.proposer.close()
    optimizer.stuck.clear()
    lab.restart()
    await lab.run_to_the_end(score)
    assert lab.status["progress"] == "8/8"


async def test_a_pass_does_not_wait_and_asks_no_second_time(lab: Laboratory, optimizer: Moody) -> None:
    optimizer.stuck.add(uid(lab))
    for _ in range(5):
        assert await lab.step() in {None, 0.0} or not lab.is_over
        await asyncio.sleep(0)
    assert len(optimizer.requests) == 1
    assert combinations(lab) == {}
    assert lab.condition("Stalled")["status"] == "False"
    optimizer.go_on.set()
    await lab.run_to_the_end(score)
    assert lab.status["progress"] == "8/8"


async def test_a_slow_optimiser_delays_no_other_sweep(lab: Laboratory, optimizer: Moody) -> None:
    optimizer.stuck.add(uid(lab))
    lab.cluster.put(HYPERDRIVES, manifest("other", total=2))
    lab.deliver()
    await lab.reconciler.reconcile(Key(NAMESPACE, "digits"))
    lab.name = "other"
    for _ in range(10):
        await lab.step()
        await asyncio.sleep(0)
    assert sorted(combinations(lab)) == ["other-1", "other-2"]
    assert lab.proposer.is_busy, "the first still thinks"


async def test_a_failing_optimiser_shows_and_is_tried_again_ever_later(lab: Laboratory, optimizer: Moody) -> None:
    optimizer.failing.add(uid(lab))
    pauses = []
    for attempt in range(1, 13):
        delay = await lab.settle()
        assert len(optimizer.requests) == attempt
        assert delay is not None
        pauses.append(delay)
        stalled = lab.condition("Stalled")
        assert (stalled["status"], stalled["reason"]) == ("True", names.REASON_OPTIMIZER_FAILED)
        assert "the Bayesian optimiser proposes no trial: it fell over" in stalled["message"]
        assert lab.condition("Progressing")["status"] == "False"
        await lab.settle()
        assert len(optimizer.requests) == attempt, "not before its time"
        lab.clock.advance(delay)
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == 300
    assert len(lab.warnings()) == 1, "told once"
    assert lab.counted.proposals == {("Bayesian", "failed"): 12}
    optimizer.failing.clear()
    await lab.run_to_the_end(score)
    assert lab.condition("Stalled")["status"] == "False"
    assert lab.status["progress"] == "8/8"


async def test_while_an_optimiser_is_tried_again_the_trouble_still_shows(lab: Laboratory, optimizer: Moody) -> None:
    optimizer.failing.add(uid(lab))
    delay = await lab.settle()
    assert delay is not None
    lab.clock.advance(delay)
    optimizer.failing.clear()
    optimizer.stuck.add(uid(lab))
    await lab.step()
    await asyncio.sleep(0)
    await lab.step()
    assert lab.condition("Stalled")["status"] == "True"
    optimizer.go_on.set()
    await lab.settle()
    assert lab.condition("Stalled")["status"] == "False"


async def test_trials_that_run_are_recorded_while_the_optimiser_fails(lab: Laboratory, optimizer: Moody) -> None:
    await lab.settle()
    lab.start_jobs()
    optimizer.failing.add(uid(lab))
    lab.finish_jobs(score)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Succeeded", "digits-2": "Succeeded"}
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": limits(2, 2)}})
    await lab.settle()
    assert lab.is_over, "none is needed any more"
    assert lab.condition("Stalled")["status"] == "False"


async def test_a_bug_shows_on_the_sweep_too(lab: Laboratory, optimizer: Moody) -> None:
    async def misbehave(sweep: str, request: Request) -> None:
        raise ZeroDivisionError("division by zero")

    optimizer.behave = misbehave
    await lab.settle()
    assert "ZeroDivisionError: division by zero" in lab.condition("Stalled")["message"]


async def test_a_small_space_ends_cleanly(optimizer: Moody) -> None:
    lab = Laboratory(optimizer=optimizer)
    space = [expression("x", "randint", upper=5)]
    lab.cluster.put(HYPERDRIVES, manifest(total=50, searchSpace=space))
    await lab.run_to_the_end(score)
    assert sorted(one["x"] for one in combinations(lab).values()) == [0, 1, 2, 3, 4]
    assert lab.condition("Complete")["reason"] == names.REASON_SPACE_EXHAUSTED


async def test_a_space_without_an_end_that_has_no_more_ends_cleanly() -> None:
    lab = Laboratory()
    space = [expression("x", "qNormal", mu=0, sigma=1e-9, q=1)]
    lab.cluster.put(HYPERDRIVES, manifest(total=5, searchSpace=space))
    await lab.run_to_the_end(score)
    assert list(combinations(lab).values()) == [{"x": 0}]
    assert lab.condition("Complete")["reason"] == names.REASON_SPACE_EXHAUSTED


async def test_a_record_deleted_by_hand_gets_a_new_proposal(lab: Laboratory, optimizer: Moody) -> None:
    await lab.run_to_the_end(score)
    asked = len(optimizer.requests)
    lab.cluster.remove(HYPERDRIVE_TRIALS, "digits-4")
    await lab.run_to_the_end(score)
    assert [one.numbers for one in optimizer.requests[asked:]] == [(4,)]
    assert len(optimizer.requests[-1].finished) == 7
    assert len(combinations(lab)) == 8


async def test_after_a_pause_for_a_quota_the_newest_results_count(lab: Laboratory, optimizer: Moody) -> None:
    def refuse(write: Any) -> None:
        if write.kind is JOBS and not write.is_dry_run:
            raise ForbiddenError(403, "Forbidden", "exceeded quota: jobs")

    lab.cluster.rules.append(refuse)
    await lab.settle()
    assert lab.cache.proposals(lab.cache.sweeps()[0]).ready == {}
    lab.cluster.rules.clear()
    lab.clock.advance(timedelta(minutes=5).total_seconds())
    await lab.run_to_the_end(score)
    assert lab.status["progress"] == "8/8"


async def test_a_sweep_that_is_deleted_while_its_optimiser_thinks_is_forgotten(
    lab: Laboratory, optimizer: Moody
) -> None:
    gone = uid(lab)
    optimizer.stuck.add(gone)
    await lab.step()
    await asyncio.sleep(0)
    lab.cluster.remove(HYPERDRIVES, "digits")
    lab.deliver()
    optimizer.go_on.set()
    with suppress(TimeoutError):
        await asyncio.wait_for(lab.news.wait(), 30)
    await lab.settle()
    assert gone in optimizer.forgotten
    assert lab.cache._proposals == {}
    assert not lab.proposer.is_busy


async def test_random_and_grid_ask_no_optimiser(optimizer: Moody) -> None:
    lab = Laboratory(optimizer=optimizer)
    lab.cluster.put(HYPERDRIVES, manifest(samplingAlgorithm={"type": "Random"}))
    await lab.run_to_the_end(score)
    assert optimizer.requests == []
