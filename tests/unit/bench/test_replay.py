"""The replay of recorded sweeps, on curves whose outcome can be worked out by hand."""

import math
import random
from collections.abc import MutableSequence, Sequence
from pathlib import Path
from typing import Any

import pytest
from bench.early_termination.choose import chosen, loses_nothing, loses_nothing_measurable
from bench.early_termination.crossing import moment_of
from bench.early_termination.measure import Kept, Measured, best_of, compare
from bench.early_termination.oracle import Oracle
from bench.early_termination.policies import LATE as JUDGE_LATE
from bench.early_termination.policies import ORACLES, POLICIES, Share, policy_for
from bench.early_termination.replay import Outcome, replay
from bench.early_termination.report import NETWORKS as COLUMNS
from bench.early_termination.report import interval, table
from bench.early_termination.sweeps import NETWORKS, Run, Task, networks

from hyperdrive_operator.api.v1alpha1 import EarlyTermination

SETTINGS = {**POLICIES, **ORACLES, **JUDGE_LATE}

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
    assert outcome == Outcome(reports=12, seconds=24.0, best=1.0, stopped=frozenset(), winner=(2, 3))


def test_a_hasty_policy_stops_the_late_bloomer_at_its_first_report() -> None:
    # bad: 0.1 is worse than good's 0.5. late: 0.2 is worse than 0.3, the median of 0.5 and 0.1
    outcome = played([GOOD, BAD, LATE], median(delay=1))
    assert outcome == Outcome(reports=6, seconds=4 + 2 + 3, best=0.8, stopped=frozenset({1, 2}), winner=(0, 3))


def test_a_patient_policy_stops_the_bad_one_alone() -> None:
    # bad at 3: 0.1 is worse than good's average of 0.6. late at 3: 0.9 is better than the median of 0.6 and 0.1
    outcome = played([GOOD, BAD, LATE], median(delay=3))
    assert outcome == Outcome(reports=11, seconds=4 + 6 + 12, best=1.0, stopped=frozenset({1}), winner=(2, 3))


def test_a_trial_can_be_stopped_by_what_another_reports_and_its_time_until_then_counts() -> None:
    slow, fast = Run("slow", (0.1, 0.1), (10.0, 10.0)), Run("fast", (1.0, 1.0), (12.0, 1.0))
    outcome = played([slow, fast], policy("Bandit", bandit={"slackAmount": 0.3}, delayEvaluation=0), at_once=2)
    assert outcome == Outcome(reports=3, seconds=12 + 13, best=1.0, stopped=frozenset({0}), winner=(1, 0))


def test_the_place_of_a_stopped_trial_is_taken_at_once() -> None:
    outcome = played([GOOD, BAD, LATE], median(delay=1), at_once=2)
    assert outcome.stopped == {1, 2}


def test_what_a_failed_trial_reported_is_no_result() -> None:
    failed = Run("failed", (2.0, 3.0), (1.0, 1.0), is_failed=True)
    assert played([failed, GOOD], None).best == 0.8
    assert played([failed], None).best is None
    assert compared([failed], median(1), at_once=1) is None


def test_a_trial_that_reports_nothing_ends_and_makes_room() -> None:
    assert played([Run("silent", (), ()), GOOD], None).reports == 4


def task(runs: list[Run]) -> Task:
    return Task("task", "Maximize", lambda _: runs)


def compared(runs: list[Run], policy: EarlyTermination | Oracle, *, at_once: int) -> Measured | None:
    return compare(task(runs), runs, played(runs, None), policy, seed=0, at_once=at_once)


def test_a_sweep_is_compared_with_itself_without_a_policy() -> None:
    runs = [GOOD, BAD, LATE]
    hasty = compared(runs, policy("Bandit", bandit={"slackAmount": 0.01}, delayEvaluation=0), at_once=3)
    assert hasty is not None  # all begin together, and only good passes its first comparison
    assert hasty.is_best_stopped
    assert hasty.loss == pytest.approx(0.2)
    assert hasty.relative_loss == pytest.approx(1.0)  # the best trial is 1.0, the median one is good
    assert hasty.steps_saved == pytest.approx(1 - 6 / 12)
    patient = compared(runs, median(delay=4), at_once=3)
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


@pytest.mark.parametrize("name", SETTINGS)
def test_every_policy_of_the_table_is_valid_and_loses_no_more_than_it_stops(name: str) -> None:
    (wine,) = (one for one in networks() if one.name == "wine, logloss")
    runs = wine.runs(0)[:12]
    small = Task(wine.name, wine.goal, lambda _: runs)
    without = replay(runs, None, goal=wine.goal, at_once=4, order=InOrder())
    measured = compare(small, runs, without, policy_for(SETTINGS[name], small), seed=1, at_once=4)
    assert measured is not None
    assert 0 <= measured.steps_saved < 1
    assert -1e-9 < measured.time_saved < 1
    assert measured.is_best_stopped or measured.loss == 0
    best = best_of((value for run in runs if not run.is_failed for value in run.values), wine.goal)
    assert without.best == best
    assert without.reports == sum(len(run.values) for run in runs)
    assert without.seconds == pytest.approx(math.fsum(math.fsum(run.seconds) for run in runs))


def test_an_oracle_runs_nothing_but_the_best_trial_and_that_only_to_its_best_report() -> None:
    early = Run("early", (0.5, 1.0, 0.9, 0.9), (1.0,) * 4)
    assert outcome_of(Oracle(by_comparison=False), [GOOD, BAD, early]) == Outcome(
        reports=1 + 1 + 2, seconds=1 + 2 + 2, best=1.0, stopped=frozenset({0, 1}), winner=(2, 1)
    )


def test_an_oracle_that_only_compares_cannot_end_who_leads() -> None:
    # late is the best in the end: it passes good at the third report, bad is never before it
    assert outcome_of(Oracle(by_comparison=True), [GOOD, BAD, LATE]).reports == 3 + 1 + 4
    assert outcome_of(Oracle(by_comparison=True, delay=2), [GOOD, BAD, LATE]).reports == 3 + 2 + 4


def test_an_oracle_takes_the_cheapest_of_equal_trials() -> None:
    cheap = Run("cheap", (1.0,), (0.5,))
    assert outcome_of(Oracle(by_comparison=False), [LATE, cheap]).winner == (1, 0)


def test_a_moment_of_a_sweep_tells_what_is_to_come_and_who_is_ahead() -> None:
    early, late = (moment_of([GOOD, BAD, LATE], after, "Maximize") for after in (1, 3))
    assert (early.is_overtaken, early.is_in_worse_half) == (True, False)  # late: behind good, and second of three
    assert early.time_left == pytest.approx(1 - 6 / 24)
    assert not late.is_overtaken
    assert moment_of([GOOD, Run("equal", (0.0, 0.8), (1.0,) * 2)], 1, "Maximize").is_overtaken is False
    assert moment_of([GOOD, BAD, LATE], 1, "Minimize").is_overtaken is False  # bad is the best then, and in the end


def outcome_of(oracle: Oracle, runs: list[Run]) -> Outcome:
    return oracle.outcome(runs, played(runs, None), "Maximize")


def test_a_test_score_is_that_of_the_report_that_had_the_best_value() -> None:
    luck = Run("luck", (0.95, 0.2), (1.0,) * 2, tests=(0.5, 0.3))
    solid = Run("solid", (0.9, 0.9), (1.0,) * 2, tests=(0.8, 0.9))
    found = compared([luck, solid], policy("Threshold", threshold={"upper": 0.92}), at_once=1)
    assert found is not None
    assert (found.test, found.test_loss, found.loss) == (0.5, 0.0, 0.0)  # luck was stopped, but it had its best by then


@pytest.mark.parametrize(("share", "expected"), [(1, 4), (0.5, 2), (0.01, 1)])
def test_a_share_of_a_trials_reports_is_one_report_at_least(share: float, expected: int) -> None:
    fields = {"type": "MedianStopping", "delayEvaluation": Share(share)}
    filled = policy_for(fields, task([GOOD, BAD]))
    assert isinstance(filled, EarlyTermination)
    assert filled.delay_evaluation == expected


def test_of_each_policy_the_settings_that_save_most_are_chosen_among_those_that_lose_nothing() -> None:
    seen = {
        "Bandit, hasty": [measured(saved=0.9, loss=0.1)],
        "Bandit, mild": [measured(saved=0.3)],
        "Bandit, milder": [measured(saved=0.2)],
        "MedianStopping": [measured(saved=0.4)],
        "Patience": [measured(saved=0.5, loss=0.1)],
    }
    assert chosen(seen, loses_nothing) == ["MedianStopping", "Bandit, mild"]


def test_a_loss_below_the_margin_is_not_measurable_unless_the_test_scores_tell_it() -> None:
    assert loses_nothing_measurable([measured(loss=0.0009)])
    assert not loses_nothing_measurable([measured(loss=0.0011)])
    assert not loses_nothing_measurable([measured(test_loss=0.01)])
    assert loses_nothing_measurable([measured(test_loss=-0.01)])


def test_an_interrupted_measurement_goes_on_after_the_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    Kept(path).add("first", [measured()])
    Kept(path).add("second", [measured(saved=0.5)])
    path.write_text(path.read_text(encoding="utf-8")[:-5], encoding="utf-8")
    kept = Kept(path)
    assert kept.by_task == {"first": [measured()]}
    kept.add("second", [measured(saved=0.5)])
    assert Kept(path).by_task == {"first": [measured()], "second": [measured(saved=0.5)]}


def measured(
    *, saved: float = 0.25, loss: float = 0.0, test_loss: float | None = None, data_set: str = "a"
) -> Measured:
    return Measured(data_set, 0, saved, saved, 1.0, loss, 0.1, is_best_stopped=False, test_loss=test_loss)


def test_an_interval_holds_the_mean_and_grows_with_the_spread_between_data_sets() -> None:
    def saved(one: Measured) -> float:
        return one.steps_saved

    alike = [measured(data_set=name) for name in "abcd"]
    assert interval(alike, saved) == pytest.approx((0.25, 0.25))
    low, high = interval([measured(data_set=name, saved=number / 4) for number, name in enumerate("abcd")], saved)
    assert 0 <= low < 0.375 < high <= 0.75
    assert "| a | 25.0 (25.0 to 25.0) | 25.0 (25.0 to 25.0) | 0.0 (0.0 to 0.0) | 100.0" in table({"a": alike}, COLUMNS)
