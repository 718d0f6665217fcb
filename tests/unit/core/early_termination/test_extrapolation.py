"""Extrapolation: what a trial may still gain, in rows, and when it is looked at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.builders import reported, reporting

from hyperdrive_operator.core.curves import Curve
from hyperdrive_operator.core.early_termination import Verdict
from hyperdrive_operator.core.metrics import Goal
from hyperdrive_operator.core.trials import Trial

from .court import judged, stopped

#: What all flat trials have in common: half of a whole trial is 5 reports.
FLAT = [0.9] * 10
START = datetime(2026, 1, 1, tzinfo=UTC)


def policy(**options: Any) -> dict[str, Any]:
    return {"type": "Extrapolation", "extrapolation": {"minTimeLeft": 0, **options}}


@pytest.mark.parametrize(
    ("others", "values", "is_stopped"),
    [
        pytest.param([FLAT], [0.5] * 5, True, id="it stands still, and the finished one gained nothing either"),
        pytest.param([FLAT], [0.9] * 5, False, id="it is as good as the best"),
        pytest.param([FLAT], [0.5] * 4, False, id="it has made less than half of a whole trial's reports"),
        pytest.param([FLAT], [0.5] * 10, False, id="it is at its end"),
        pytest.param([], [0.5] * 5, False, id="nobody has run to the end"),
        # its pace is 0.02 a report, 5 are left, twice that is 0.2
        pytest.param([FLAT], [0.60, 0.62, 0.64, 0.66, 0.68], True, id="at twice its pace it comes to 0.88"),
        pytest.param([FLAT], [0.63, 0.65, 0.67, 0.69, 0.71], False, id="at twice its pace it comes to 0.91"),
        # the changes are 0.2 and -0.2 in turn: their deviation is 0.2, twice that 0.4
        pytest.param([FLAT], [0.4, 0.2, 0.4, 0.2, 0.4], True, id="its ups and downs may bring it to 0.8"),
        pytest.param([FLAT], [0.6, 0.4, 0.6, 0.4, 0.6], False, id="its ups and downs may bring it to 1.0"),
        pytest.param([FLAT, [0.1] * 5 + [0.5] * 5], [0.4] * 5, True, id="another gained 0.4 from there: 0.8"),
        pytest.param([FLAT, [0.1] * 5 + [0.7] * 5], [0.4] * 5, False, id="another gained 0.6 from there: 1.0"),
        pytest.param([FLAT, [0.1] * 4 + [0.7] * 6], [0.4] * 5, True, id="what another gained before does not count"),
    ],
)
@pytest.mark.parametrize("goal", ["Maximize", "Minimize"])
def test_what_it_may_gain(others: list[list[float]], values: list[float], goal: Goal, *, is_stopped: bool) -> None:
    sign = 1 if goal == "Maximize" else -1
    trials = [reported(number, *(sign * one for one in other), goal=goal) for number, other in enumerate(others, 1)]
    trials.append(reporting(9, *(sign * value for value in values), goal=goal))
    assert stopped(policy(), trials, goal) == ([9] if is_stopped else [])


def test_the_best_of_a_running_trial_counts_too() -> None:
    assert stopped(policy(), [reported(1, *[0.5] * 10), reporting(2, 0.9), reporting(3, *[0.5] * 5)]) == [3]


def test_a_failed_trial_says_nothing() -> None:
    finished = reported(1, *[0.5] * 10)
    assert stopped(policy(), [finished, reported(2, *FLAT, state="Failed"), reporting(3, *[0.5] * 5)]) == []
    assert stopped(policy(), [reported(2, *FLAT, state="Failed"), reporting(3, *[0.5] * 5)]) == []


def test_a_stopped_trial_says_what_the_best_is_and_not_what_is_gained() -> None:
    ended = [reported(1, *[0.5] * 10), reported(2, *[0.1] * 5, 0.9, state="EarlyStopped")]
    assert stopped(policy(), [*ended, reporting(3, *[0.5] * 5)]) == [3]


@pytest.mark.parametrize(("options", "is_stopped"), [({}, True), ({"minTrials": 2}, True), ({"minTrials": 3}, False)])
def test_so_many_must_have_run_to_their_end_beyond_it(options: dict[str, Any], *, is_stopped: bool) -> None:
    finished = [reported(1, *FLAT), reported(2, *FLAT), reported(3, *FLAT[:5])]
    assert stopped(policy(**options), [*finished, reporting(9, *[0.5] * 5)]) == ([9] if is_stopped else [])


def test_with_its_length_given_half_of_that_is_waited_for() -> None:
    trials = [reported(1, *FLAT), reporting(9, *[0.5] * 5)]
    assert stopped(policy(maxInterval=10), trials) == [9]
    assert stopped(policy(maxInterval=11), trials) == []


def test_a_delay_is_taken_at_its_word() -> None:
    trials = [reported(1, *FLAT), reporting(9, *[0.5] * 3)]
    assert stopped(policy() | {"delayEvaluation": 3}, trials) == [9]
    assert stopped(policy() | {"delayEvaluation": 4}, trials) == []


def test_of_two_reports_nothing_can_be_foreseen() -> None:
    trials = [reported(1, *FLAT), reporting(9, 0.5, 0.5)]
    assert stopped(policy() | {"delayEvaluation": 1}, trials) == []


def timed(trial: Trial, seconds: float) -> Trial:
    """Return a trial that took so long until its end or its newest report."""
    moment = START + timedelta(seconds=seconds)
    record = replace(trial.record, started=START)
    record = replace(record, ended=moment) if trial.is_ended else replace(record, reported=moment)
    return replace(trial, record=record)


@pytest.mark.parametrize(
    ("took", "seconds", "is_stopped"),
    [
        pytest.param(100, 10, True, id="10 seconds to go, a tenth of a run"),
        pytest.param(100, 9, False, id="9 seconds to go"),
        pytest.param(1, 9, True, id="the others were faster"),
    ],
)
def test_a_trial_that_is_nearly_done_is_not_worth_ending(took: float, seconds: float, *, is_stopped: bool) -> None:
    trials = [timed(reported(1, *FLAT), took), timed(reporting(9, *[0.5] * 5), seconds)]
    assert stopped({"type": "Extrapolation"}, trials) == ([9] if is_stopped else [])


def test_a_trial_whose_time_is_not_known_goes_on() -> None:
    assert stopped({"type": "Extrapolation"}, [reported(1, *FLAT), reporting(9, *[0.5] * 5)]) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.5] * 5, "at interval 5 its best value 0.5 is not expected to become better than 0.875, that of digits-1: "),
        ([0.5] * 5, "0.125 is the most that any finished trial gained from here on, in 5 reports"),
        ([0.375, 0.40625, 0.4375, 0.46875, 0.5], "0.3125 is the most that it may gain by its own pace, in 5 reports"),
    ],
)
def test_the_stop_is_explained(values: list[float], said: str) -> None:
    trials = [reported(1, *[0.75] * 5, *[0.875] * 5), reporting(9, *values)]
    (verdict,) = judged(policy(), trials).values()
    gain = 0.125 if values[0] == 0.5 else 0.3125
    assert verdict == Verdict("Extrapolation", 5, 0.5, 0.875 - gain, ("digits-1",), verdict.message)
    assert said in verdict.message


@pytest.mark.parametrize("goal", ["Maximize", "Minimize"])
def test_values_at_the_end_of_all_numbers_stop_nobody_by_mistake(goal: Goal) -> None:
    huge = 1.7e308
    trials = [reported(1, *[huge, -huge] * 5, goal=goal), reporting(9, *[-huge, huge] * 3, goal=goal)]
    assert stopped(policy(), trials, goal) == []


def test_a_long_curve_is_judged_by_the_points_that_are_kept() -> None:
    trials = [reported(1, *[0.9] * 600), reporting(9, *[0.5] * 400)]
    assert stopped(policy(), trials) == [9]
    rising = reporting(9, *[0.5 + step / 1000 for step in range(300)])  # 0.799, and 0.6 to come at twice its pace
    assert stopped(policy(), [trials[0], rising]) == []


def test_the_newest_points_of_a_curve() -> None:
    curve = Curve()
    assert curve.latest(2) == ()
    for value in (1.0, 2.0, 3.0):
        curve = curve.reported(value, "Maximize")
    assert [point.value for point in curve.latest(2)] == [2.0, 3.0]
    assert [point.value for point in curve.latest(9)] == [1.0, 2.0, 3.0]


def test_between_two_intervals_a_trial_is_not_judged_against_its_own_newer_reports() -> None:
    every = policy() | {"evaluationInterval": 4, "delayEvaluation": 4}
    finished = [reported(number, *[0.0] * 8) for number in (1, 2)]
    assert stopped(every, [*finished, reporting(9, 0.0, 0.0, 0.0, 0.0, 5.0)]) == []
    (verdict,) = judged(every, [reported(1, *[0.9] * 8), reporting(9, *[0.5] * 5)]).values()
    assert verdict.interval == 5
