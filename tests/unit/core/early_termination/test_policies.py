"""Each policy against its formula, in rows: what the others have, what the trial has, and whether it may go on."""

from typing import Any

import pytest
from tests.support.builders import reported, reporting

from hyperdrive_operator.core.early_termination import Verdict
from hyperdrive_operator.core.metrics import Goal

from .court import AMOUNT, BANDIT, HALVING, HYPERBAND, MEDIAN, PATIENCE, THRESHOLD, TRUNCATION, judged, stopped


@pytest.mark.parametrize(
    ("goal", "policy", "best", "value", "is_stopped"),
    [
        pytest.param("Maximize", BANDIT, 0.8, 0.66, True, id="Azure's example: below 0.8 / 1.2"),
        pytest.param("Maximize", BANDIT, 0.8, 0.67, False, id="above 0.8 / 1.2"),
        pytest.param("Maximize", BANDIT, 0.8, 0.8 / 1.2, False, id="exactly 0.8 / 1.2"),
        pytest.param("Minimize", BANDIT, 1.0, 1.21, True, id="above 1 * 1.2"),
        pytest.param("Minimize", BANDIT, 1.0, 1.2, False, id="exactly 1 * 1.2"),
        pytest.param("Maximize", BANDIT, -1.0, -1.16, False, id="a negative best leaves slack below it"),
        pytest.param("Maximize", BANDIT, -1.0, -1.17, True, id="below -1 - 0.2 / 1.2"),
        pytest.param("Minimize", BANDIT, -1.0, -0.81, False, id="a negative best leaves slack above it"),
        pytest.param("Minimize", BANDIT, -1.0, -0.79, True, id="above -1 + 0.2"),
        pytest.param("Maximize", BANDIT, 0.0, -1e-9, True, id="zero leaves no slack below it"),
        pytest.param("Minimize", BANDIT, 0.0, 1e-9, True, id="zero leaves no slack above it"),
        pytest.param("Maximize", BANDIT, 0.0, 0.0, False, id="as good as zero"),
        pytest.param("Maximize", BANDIT, 1e308, 1.7e308, False, id="huge"),
        pytest.param("Minimize", BANDIT, 1.7e308, 1.7e308, False, id="a threshold beyond all numbers"),
        pytest.param("Maximize", AMOUNT, 0.8, 0.59, True, id="below 0.8 - 0.2"),
        pytest.param("Maximize", AMOUNT, 0.8, 0.61, False, id="above 0.8 - 0.2"),
        pytest.param("Minimize", AMOUNT, -0.1, 0.11, True, id="above -0.1 + 0.2"),
        pytest.param("Minimize", AMOUNT, 0.0, 0.19, False, id="below 0 + 0.2"),
    ],
)
def test_bandit(goal: Goal, policy: dict[str, Any], best: float, value: float, *, is_stopped: bool) -> None:
    trials = [reported(1, best, goal=goal), reporting(2, value, goal=goal)]
    assert stopped(policy, trials, goal) == ([2] if is_stopped else [])


def test_bandit_compares_what_was_known_at_the_same_interval() -> None:
    late_bloomer = reported(1, 0.1, 0.2, 0.9)
    assert stopped(BANDIT, [late_bloomer, reporting(2, 0.1, 0.19)]) == []
    assert stopped(BANDIT, [late_bloomer, reporting(2, 0.1, 0.19, 0.3)]) == [2]


@pytest.mark.parametrize(
    ("others", "values", "is_stopped"),
    [
        pytest.param([(0.2, 0.4), (0.4, 0.6), (0.6, 0.8)], (0.1, 0.49), True, id="below the middle average 0.5"),
        pytest.param([(0.2, 0.4), (0.4, 0.6), (0.6, 0.8)], (0.1, 0.5), False, id="as good as the middle average"),
        pytest.param([(0.2, 0.4), (0.4, 0.6), (0.6, 0.8)], (0.5, 0.1), False, id="its best counts, not its last"),
        pytest.param([(0.2, 0.4), (0.6, 0.8)], (0.1, 0.49), True, id="between the middle two of an even number"),
        pytest.param([(0.2, 0.4), (0.6, 0.8)], (0.1, 0.51), False, id="above the mean of the middle two"),
        pytest.param([(0.2, 0.4, 9.0), (0.6, 0.8, 9.0)], (0.1, 0.51), False, id="later reports of others do not count"),
        pytest.param([(0.9,), (0.9,), (0.2, 0.4)], (0.5, 0.5), True, id="shorter trials count with all they had"),
        pytest.param([], (0.1, 0.2), False, id="nobody to compare with"),
    ],
)
def test_median_stopping(others: list[tuple[float, ...]], values: tuple[float, ...], *, is_stopped: bool) -> None:
    trials = [*(reported(number, *one) for number, one in enumerate(others, 1)), reporting(9, *values)]
    assert stopped(MEDIAN, trials) == ([9] if is_stopped else [])


def test_median_stopping_waits_for_three_others_unless_told_otherwise() -> None:
    good = [reported(number, 0.9) for number in (1, 2, 3)]
    policy = {"type": "MedianStopping", "delayEvaluation": 0}
    assert stopped(policy, [*good[:2], reporting(9, 0.1)]) == []
    assert stopped(policy, [*good, reporting(9, 0.1)]) == [9]


@pytest.mark.parametrize(
    "policy",
    [
        {"type": "MedianStopping"},
        {"type": "Bandit", "bandit": {"slackFactor": 0.2}},
        {"type": "TruncationSelection", "truncationSelection": {"truncationPercentage": 50}},
        {"type": "SuccessiveHalving"},
    ],
)
def test_trials_are_compared_from_their_fifth_report_unless_told_otherwise(policy: dict[str, Any]) -> None:
    good = [reported(number, *[0.9] * 5) for number in (1, 2, 3)]
    assert stopped(policy, [*good, reporting(9, *[0.1] * 4)]) == []
    assert stopped(policy, [*good, reporting(9, *[0.1] * 5)]) == [9]


@pytest.mark.parametrize("policy", [THRESHOLD, {"type": "Patience", "patience": {"intervals": 1}}])
def test_a_trial_that_is_compared_with_nobody_is_judged_from_the_first_report_that_says_something(
    policy: dict[str, Any],
) -> None:
    assert stopped(policy, [reporting(9, 0.1, 0.1)]) == [9]


def test_a_running_trial_that_is_younger_is_no_peer() -> None:
    assert stopped(MEDIAN, [reporting(1, 0.9), reporting(2, 0.1, 0.1)]) == []
    assert stopped(MEDIAN, [reporting(1, 0.9, 0.9), reporting(2, 0.1, 0.1)]) == [2]


def test_a_failed_trial_is_no_peer() -> None:
    assert stopped(BANDIT, [reported(1, 0.9, state="Failed"), reporting(2, 0.1)]) == []


def test_a_trial_that_was_stopped_is_a_peer() -> None:
    assert stopped(BANDIT, [reported(1, 0.9, state="EarlyStopped"), reporting(2, 0.1)]) == [2]


@pytest.mark.parametrize(
    ("values", "lowest"),
    [
        pytest.param([0.1, 0.2, 0.3, 0.4], [], id="a fifth of four is less than one"),
        pytest.param([0.3, 0.2, 0.1, 0.4, 0.5], [3], id="the lowest of five"),
        pytest.param([0.1] * 5, [], id="equals stay"),
        pytest.param([0.1, 0.1, 0.3, 0.4, 0.5], [], id="two equal to the lowest one that may go stay both"),
        pytest.param([0.1, 0.1, 0.3, 0.4, 0.5] * 2, [], id="four equals at the cut after two stay"),
        pytest.param([0.1, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], [1, 2], id="the lowest two of ten"),
        pytest.param([0.1, 0.2, *[0.5] * 7], [1], id="a fifth of nine is one"),
    ],
)
def test_truncation_selection(values: list[float], lowest: list[int]) -> None:
    assert stopped(TRUNCATION, [reporting(number, value) for number, value in enumerate(values, 1)]) == lowest


def test_truncation_ranks_those_that_reached_the_interval() -> None:
    old = [reported(number, 0.9, 0.9) for number in (1, 2, 3)]
    assert stopped(TRUNCATION, [*old, reported(4, 0.9), reporting(5, 0.1, 0.1)]) == []
    assert stopped(TRUNCATION, [*old, reported(4, 0.9, 0.9), reporting(5, 0.1, 0.1)]) == [5]


def test_truncation_may_leave_out_finished_trials_but_not_those_it_stopped() -> None:
    policy = {
        "type": "TruncationSelection",
        "truncationSelection": {"truncationPercentage": 20, "excludeFinishedTrials": True},
        "delayEvaluation": 0,
    }
    running = [reporting(number, number / 10) for number in (1, 2, 3, 4)]
    assert stopped(policy, [*running, reported(5, 0.9)]) == []
    assert stopped(policy, [*running, reporting(5, 0.9)]) == [1]
    one_stopped = [*running[1:], reporting(5, 0.9), reported(1, 0.1, state="EarlyStopped")]
    assert stopped(policy, one_stopped) == [], "the lowest fifth is gone already"


def test_successive_halving_keeps_the_best_third_at_each_rung() -> None:
    trials = [reporting(number, 0.0, number / 10) for number in range(1, 7)]
    assert stopped(HALVING, trials) == [1, 2, 3, 4]
    assert stopped(HALVING, trials[:2]) == [], "a third of two is less than one"
    assert stopped(HALVING, [reporting(number, number / 10) for number in range(1, 7)]) == [], "no rung is reached"


def test_successive_halving_looks_back_at_the_last_rung_and_not_beyond_the_last() -> None:
    trials = [reporting(number, *[number / 10] * 5) for number in range(1, 4)]
    assert {verdict.interval for verdict in judged(HALVING, trials).values()} == {2}
    last = {
        "type": "SuccessiveHalving",
        "successiveHalving": {"reductionFactor": 2, "minInterval": 2, "maxInterval": 8},
    }
    trials = [reporting(number, *[number / 10] * 20) for number in range(1, 4)]
    assert {verdict.interval for verdict in judged(last, trials).values()} == {4}


def test_hyperband_compares_trials_of_one_bracket_only() -> None:
    trials = [reporting(number, number / 100) for number in range(1, 55)]
    ended = stopped(HYPERBAND, trials)
    assert 15 <= len(ended) <= 25, "the hastiest bracket has half of the trials and stops two thirds of them"
    assert 54 not in ended


@pytest.mark.parametrize(
    ("bounds", "values", "is_stopped"),
    [
        pytest.param({"lower": 0.5}, [0.9, 0.49], True, id="the newest value counts"),
        pytest.param({"lower": 0.5}, [0.1, 0.5], False, id="on the bound"),
        pytest.param({"upper": 10}, [1.0, 11.0], True, id="diverged"),
        pytest.param({"lower": -1, "upper": 1}, [0.0], False, id="within"),
        pytest.param({"lower": 0}, [-0.0], False, id="minus zero is zero"),
    ],
)
def test_threshold(bounds: dict[str, float], values: list[float], *, is_stopped: bool) -> None:
    goal: Goal
    for goal in ("Maximize", "Minimize"):
        trials = [reporting(1, *values, goal=goal)]
        assert stopped({"type": "Threshold", "threshold": bounds}, trials, goal) == ([1] if is_stopped else [])


def test_a_delay_makes_a_threshold_something_to_reach() -> None:
    by_three = THRESHOLD | {"delayEvaluation": 3}
    assert stopped(by_three, [reporting(1, 0.1, 0.2)]) == []
    assert stopped(by_three, [reporting(1, 0.1, 0.2, 0.3)]) == [1]
    assert stopped(by_three, [reporting(1, 0.1, 0.2, 0.6)]) == []


@pytest.mark.parametrize(
    ("goal", "delta", "values", "is_stopped"),
    [
        pytest.param("Maximize", 0, [0.5, 0.4, 0.4, 0.4], True, id="three reports without improvement"),
        pytest.param("Maximize", 0, [0.5, 0.4, 0.4], False, id="two reports without improvement"),
        pytest.param("Maximize", 0, [0.5, 0.4, 0.4, 0.51], False, id="better at last"),
        pytest.param("Maximize", 0.1, [0.5, 0.4, 0.4, 0.6], True, id="better, but by no more than minDelta"),
        pytest.param("Maximize", 0.1, [0.5, 0.55, 0.6, 0.65], False, id="better bit by bit"),
        pytest.param("Minimize", 0, [0.5, 0.5, 0.5, 0.5], True, id="equal is no improvement"),
        pytest.param("Minimize", 0.1, [0.5, 0.5, 0.5, 0.39], False, id="lower by more than minDelta"),
        pytest.param("Maximize", 0, [-1.0, -1.0, -1.0, 0.0], False, id="zero is better than less"),
    ],
)
def test_patience(goal: Goal, delta: float, values: list[float], *, is_stopped: bool) -> None:
    policy = {"type": "Patience", "patience": {"intervals": 3, "minDelta": delta}}
    assert stopped(policy, [reporting(1, *values, goal=goal)], goal) == ([1] if is_stopped else [])


EXPLAINED = [
    pytest.param(
        BANDIT,
        [reported(1, 0.8), reporting(2, 0.6)],
        Verdict(
            "Bandit",
            1,
            0.6,
            0.8 / 1.2,
            ("digits-1",),
            "at interval 1 its best value 0.6 is below 0.666667: digits-1 has 0.8, and slackFactor 0.2 is all that it "
            "may be behind",
        ),
        id="bandit",
    ),
    pytest.param(
        MEDIAN,
        [reported(1, 0.5), reported(3, 0.75), reporting(2, 0.25)],
        Verdict(
            "MedianStopping",
            1,
            0.25,
            0.625,
            ("digits-1", "digits-3"),
            "at interval 1 its best value 0.25 is worse than 0.625, the median of the running averages of 2 other "
            "trials (that of digits-1 and digits-3)",
        ),
        id="median",
    ),
    pytest.param(
        TRUNCATION,
        [*(reported(number, 0.5) for number in (1, 3, 4, 5)), reporting(2, 0.25)],
        Verdict(
            "TruncationSelection",
            1,
            0.25,
            0.5,
            ("digits-5",),
            "at interval 1 its best value 0.25 is among the lowest 20 % of 5 trials (1 of them); digits-5 has 0.5 and "
            "stays",
        ),
        id="truncation",
    ),
    pytest.param(
        HALVING,
        [reporting(1, 0.5, 0.5), reporting(3, 0.75, 0.75), reporting(2, 0.75, 0.75)],
        Verdict(
            "SuccessiveHalving",
            2,
            0.5,
            0.75,
            ("digits-2",),
            "at interval 2 its best value 0.5 is not among the best 1 of the 3 trials that reached the rung; digits-2 "
            "has 0.75, the last that goes on",
        ),
        id="halving",
    ),
    pytest.param(
        PATIENCE,
        [reporting(1, 0.5, 0.5, 0.5, 0.5)],
        Verdict(
            "Patience",
            4,
            0.5,
            0.5,
            (),
            "at interval 4 its best value 0.5 is not better than 0.5: no improvement by more than 0 for 3 reports",
        ),
        id="patience",
    ),
]


@pytest.mark.parametrize(("policy", "trials", "verdict"), EXPLAINED)
def test_each_stop_is_explained(policy: dict[str, Any], trials: list[Any], verdict: Verdict) -> None:
    assert list(judged(policy, trials).values()) == [verdict]
