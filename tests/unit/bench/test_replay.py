"""The replay of recorded sweeps, on curves whose outcome can be worked out by hand."""

import math
import random
from collections.abc import MutableSequence, Sequence
from typing import Any

import pytest
from bench.early_termination.measure import Measured, best_of, compare
from bench.early_termination.policies import POLICIES, policy_for
from bench.early_termination.replay import Outcome, replay
from bench.early_termination.report import interval, table
from bench.early_termination.sweeps import NETWORKS, Run, Task, networks

from hyperdrive_operator.api.v1alpha1 import EarlyTermination

GOOD = Run("good", (0.5, 0.6, 0.7, 0.8), (1.0,) * 4)
BAD = Run("bad", (0.1, 0.1, 0.1, 0.1), (2.0,) * 4)
LATE = Run("late", (0.2, 0.3, 0.9, 1.0), (3.0,) * 4)


class InOrder(random.Random):
    """Gives the trials in the order in which they stand: the replay takes from the end."""

    def shuffle(self, x: MutableSequence[Any]) -> None:
        x.reverse()


def played(runs: Sequence[Run], policy: EarlyTermination | None, *, at_once: int = 1) -> Outcome:
    return replay(runs, policy, goal="Maximize", at_once=at_once, order=InOrder())


def policy(kind: str, **fields: Any) -> EarlyTermination:
    return EarlyTermination.model_validate({"type": kind, **fields})


def median(delay: int) -> EarlyTermination:
    return policy("MedianStopping", medianStopping={"minTrials": 1}, delayEvaluation=delay)


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_without_a_policy_every_trial_runs_to_its_end(at_once: int) -> None:
    outcome = played([GOOD, BAD, LATE], None, at_once=at_once)
    assert outcome == Outcome(reports=12, seconds=24.0, best=1.0, stopped=frozenset())


def test_a_hasty_policy_stops_the_late_bloomer_at_its_first_report() -> None:
    # bad: 0.1 is worse than good's 0.5. late: 0.2 is worse than 0.3, the median of 0.5 and 0.1
    outcome = played([GOOD, BAD, LATE], median(delay=1))
    assert outcome == Outcome(reports=6, seconds=4 + 2 + 3, best=0.8, stopped=frozenset({1, 2}))


def test_a_patient_policy_stops_the_bad_one_alone() -> None:
    # bad at 3: 0.1 is worse than good's average of 0.6. late at 3: 0.9 is better than the median of 0.6 and 0.1
    outcome = played([GOOD, BAD, LATE], median(delay=3))
    assert outcome == Outcome(reports=11, seconds=4 + 6 + 12, best=1.0, stopped=frozenset({1}))


def test_a_trial_can_be_stopped_by_what_another_reports_and_its_time_until_then_counts() -> None:
    slow, fast = Run("slow", (0.1, 0.1), (10.0, 10.0)), Run("fast", (1.0, 1.0), (12.0, 1.0))
    outcome = played([slow, fast], policy("Bandit", bandit={"slackAmount": 0.3}, delayEvaluation=0), at_once=2)
    assert outcome == Outcome(reports=3, seconds=12 + 13, best=1.0, stopped=frozenset({0}))


def test_the_place_of_a_stopped_trial_is_taken_at_once() -> None:
    outcome = played([GOOD, BAD, LATE], median(delay=1), at_once=2)
    assert outcome.stopped == {1, 2}


def test_what_a_failed_trial_reported_is_no_result() -> None:
    failed = Run("failed", (2.0, 3.0), (1.0, 1.0), is_failed=True)
    assert played([failed, GOOD], None).best == 0.8
    assert played([failed], None).best is None
    assert compare(task([failed]), [failed], median(1), seed=0, at_once=1) is None


def test_a_trial_that_reports_nothing_ends_and_makes_room() -> None:
    assert played([Run("silent", (), ()), GOOD], None).reports == 4


def task(runs: list[Run]) -> Task:
    return Task("task", "Maximize", lambda _: runs)


def test_a_sweep_is_compared_with_itself_without_a_policy() -> None:
    runs = [GOOD, BAD, LATE]
    hasty = compare(
        task(runs), runs, policy("Bandit", bandit={"slackAmount": 0.01}, delayEvaluation=0), seed=0, at_once=3
    )
    assert hasty is not None  # all begin together, and only good passes its first comparison
    assert hasty.is_best_stopped
    assert hasty.loss == pytest.approx(0.2)
    assert hasty.relative_loss == pytest.approx(1.0)  # the best trial is 1.0, the median one is good
    assert hasty.steps_saved == pytest.approx(1 - 6 / 12)
    patient = compare(task(runs), runs, median(delay=4), seed=0, at_once=3)
    assert patient is not None
    assert (patient.loss, patient.is_best_stopped) == (0.0, False)


def test_the_recorded_networks_are_small_whole_and_finite() -> None:
    assert NETWORKS.stat().st_size < 1_000_000
    tasks = list(networks())
    assert len(tasks) == 7
    assert {task.goal for task in tasks} == {"Maximize", "Minimize"}
    for one in tasks:
        runs = one.runs(0)
        assert len(runs) == 60
        assert one.reports == 40
        assert all(len(run.values) == len(run.seconds) for run in runs)
        assert all(map(math.isfinite, (value for run in runs for value in run.values)))
        assert all(run.is_failed or len(run.values) == 40 for run in runs)


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_of_the_table_is_valid_and_loses_no_more_than_it_stops(name: str) -> None:
    (wine,) = (one for one in networks() if one.name == "wine, logloss")
    runs = wine.runs(0)[:12]
    small = Task(wine.name, wine.goal, lambda _: runs)
    measured = compare(small, runs, policy_for(POLICIES[name], small), seed=1, at_once=4)
    assert measured is not None
    assert 0 <= measured.steps_saved < 1
    assert 0 <= measured.time_saved < 1
    assert measured.is_best_stopped or measured.loss == 0
    best = best_of((value for run in runs if not run.is_failed for value in run.values), wine.goal)
    without = replay(runs, None, goal=wine.goal, at_once=4, order=InOrder())
    assert without.best == best
    assert without.reports == sum(len(run.values) for run in runs)
    assert without.seconds == pytest.approx(math.fsum(math.fsum(run.seconds) for run in runs))


def test_an_interval_holds_the_mean_and_grows_with_the_spread_between_data_sets() -> None:
    def measured(data_set: str, saved: float) -> Measured:
        return Measured(data_set, 0, saved, saved, 0.0, 0.0, is_best_stopped=False)

    def saved(one: Measured) -> float:
        return one.steps_saved

    alike = [measured(name, 0.25) for name in "abcd"]
    assert interval(alike, saved) == pytest.approx((0.25, 0.25))
    low, high = interval([measured(name, number / 4) for number, name in enumerate("abcd")], saved)
    assert 0 <= low < 0.375 < high <= 0.75
    assert "| a | 25.0 (25.0 to 25.0) | 25.0 (25.0 to 25.0) | 0.0 (0.0 to 0.0) | 100.0" in table({"a": alike})
