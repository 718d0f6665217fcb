"""What holds of the policies whatever the trials report."""

import itertools
import random
from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.builders import reported, reporting, trial

from hyperdrive_operator.core.early_termination import Judge
from hyperdrive_operator.core.metrics import Goal
from hyperdrive_operator.core.trials import Trial

from .court import (
    AMOUNT,
    BANDIT,
    EXTRAPOLATION,
    HALVING,
    HYPERBAND,
    MEDIAN,
    PATIENCE,
    THRESHOLD,
    TRUNCATION,
    judged,
    spec_of,
    stopped,
)

Policy = dict[str, Any]
Histories = dict[int, tuple[str, list[float]]]

COMPARING: Final = {
    "bandit": BANDIT,
    "bandit by amount": AMOUNT,
    "median": MEDIAN,
    "median every second": MEDIAN | {"evaluationInterval": 2, "delayEvaluation": 3},
    "truncation": TRUNCATION,
    "truncation of the running": {
        "type": "TruncationSelection",
        "truncationSelection": {"truncationPercentage": 60, "excludeFinishedTrials": True},
        "delayEvaluation": 0,
    },
    "halving": HALVING,
    "hyperband": HYPERBAND,
}
FORESEEING: Final = {
    "extrapolation": EXTRAPOLATION,
    "extrapolation of learned length": {
        "type": "Extrapolation",
        "extrapolation": {"caution": 0.5, "minTrials": 2, "minTimeLeft": 0},
        "evaluationInterval": 2,
    },
}
LOOKING: Final = {"threshold": THRESHOLD, "patience": PATIENCE}
comparing = pytest.mark.parametrize("policy", [pytest.param(one, id=name) for name, one in COMPARING.items()])
every = pytest.mark.parametrize(
    "policy", [pytest.param(one, id=name) for name, one in (COMPARING | FORESEEING | LOOKING).items()]
)
foreseeing = pytest.mark.parametrize("policy", [pytest.param(one, id=name) for name, one in FORESEEING.items()])

#: Few values, so that ties, zeros and both signs are common; whole numbers, so that laws hold to the last digit.
values = st.integers(-8, 8).map(float)
states = st.sampled_from(["Running", "Running", "Running", "Succeeded", "EarlyStopped", "Failed"])
histories: st.SearchStrategy[Histories] = st.dictionaries(
    st.integers(1, 30), st.tuples(states, st.lists(values, max_size=12)), max_size=14
)


def trials_of(given_histories: Histories, goal: Goal = "Maximize") -> list[Trial]:
    return [
        reporting(number, *reports, goal=goal)
        if state == "Running"
        else reported(number, *reports, goal=goal, state=state)
        for number, (state, reports) in sorted(given_histories.items())
    ]


def changed(given_histories: Histories, factor: float, shift: float = 0.0) -> Histories:
    return {
        number: (state, [value * factor + shift for value in reports])
        for number, (state, reports) in given_histories.items()
    }


@comparing
@given(histories)
@settings(max_examples=25)
def test_the_best_of_those_that_are_compared_is_never_stopped(policy: Policy, some: Histories) -> None:
    """The best at its interval among all usable trials, so that no policy can do harm there."""
    verdicts = judged(policy, trials_of(some))
    for number, verdict in verdicts.items():
        n = verdict.interval
        mine = max(some[number][1][:n])
        others = [max(reports[:n]) for state, reports in some.values() if state != "Failed" and reports]
        assert mine < max(others)


@foreseeing
@given(histories)
@settings(max_examples=25)
def test_who_has_the_best_value_of_all_goes_on_whatever_is_foreseen(policy: Policy, some: Histories) -> None:
    best = max((value for state, reports in some.values() if state != "Failed" for value in reports), default=0.0)
    for number in judged(policy, trials_of(some)):
        assert max(some[number][1]) < best


@every
@given(histories, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_order_of_the_trials_makes_no_difference(policy: Policy, some: Histories, shuffle: random.Random) -> None:
    trials = trials_of(some)
    before = judged(policy, trials)
    shuffle.shuffle(trials)
    assert judged(policy, trials) == before


@pytest.mark.parametrize(
    "policy",
    [pytest.param(one, id=name) for name, one in (COMPARING | FORESEEING).items() if name != "bandit"] + [PATIENCE],
)
@given(histories)
@settings(max_examples=25)
def test_minimize_is_the_mirror_of_maximize(policy: Policy, some: Histories) -> None:
    highest = judged(policy, trials_of(some))
    lowest = judged(policy, trials_of(changed(some, -1), "Minimize"), "Minimize")
    assert {number: (v.interval, v.value, v.threshold, v.compared_with) for number, v in highest.items()} == {
        number: (v.interval, -v.value, -v.threshold, v.compared_with) for number, v in lowest.items()
    }


@given(histories)
def test_a_slack_factor_is_the_same_ratio_for_both_goals(some: Histories) -> None:
    """Maximize stops below best / (1 + s), Minimize above best * (1 + s): of the reciprocals, the same trials."""
    positive = {number: (state, [2.0 ** abs(v) for v in reports]) for number, (state, reports) in some.items()}
    inverse = {number: (state, [1 / v for v in reports]) for number, (state, reports) in positive.items()}
    assert stopped(BANDIT, trials_of(positive)) == stopped(BANDIT, trials_of(inverse, "Minimize"), "Minimize")


@pytest.mark.parametrize("policy", [AMOUNT, MEDIAN, TRUNCATION, HALVING, PATIENCE], ids=lambda one: str(one["type"]))
@given(histories, st.integers(-64, 64))
@settings(max_examples=25)
def test_what_is_added_to_all_values_makes_no_difference(policy: Policy, some: Histories, shift: int) -> None:
    few = {number: (state, reports[:8]) for number, (state, reports) in some.items()}
    doubled = changed(few, 840)  # whole means, so that no rounding tells two apart
    if policy is AMOUNT:
        doubled = few
    assert stopped(policy, trials_of(doubled)) == stopped(policy, trials_of(changed(doubled, 1, shift)))


@pytest.mark.parametrize(
    "policy", [BANDIT, MEDIAN, TRUNCATION, HALVING, EXTRAPOLATION, PATIENCE], ids=lambda one: str(one["type"])
)
@given(histories, st.sampled_from([0.25, 2.0, 1024.0]))
@settings(max_examples=25)
def test_a_scale_makes_no_difference(policy: Policy, some: Histories, factor: float) -> None:
    assert stopped(policy, trials_of(some)) == stopped(policy, trials_of(changed(some, factor)))


@every
@given(histories, st.data())
@settings(max_examples=25)
def test_a_judge_who_saw_it_all_happen_says_what_one_says_who_comes_later(
    policy: Policy, some: Histories, data: st.DataObject
) -> None:
    """Also where trials come, report in bursts, end, are deleted, and run again under their number."""
    spec, judge = spec_of(policy), Judge()
    now: Histories = {}
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.booleans()) and now:
            now.pop(data.draw(st.sampled_from(sorted(now))))
        for number, (state, reports) in some.items():
            seen = len(now.get(number, ("", []))[1])
            until = data.draw(st.integers(seen, len(reports)))
            is_at_its_end = until == len(reports) and data.draw(st.booleans())
            now[number] = (state if is_at_its_end else "Running", reports[:until])
        trials = trials_of(now)
        judgement = judge.judge(spec, trials)
        while not judgement.is_complete:
            judgement = judge.judge(spec, trials)
        assert judgement.verdicts == judged(policy, trials)


@pytest.mark.parametrize("policy", [pytest.param(one, id=name) for name, one in (COMPARING | FORESEEING).items()])
def test_long_curves_that_are_thinned_are_judged_alike_from_the_start_and_afterwards(policy: Policy) -> None:
    source = random.Random(5)  # noqa: S311  not for secrets
    lives = {number: [source.gauss(number, 9) for _ in range(300)] for number in range(1, 7)}
    spec, judge = spec_of(policy), Judge()
    for age in itertools.chain(range(1, 300, 7), [300]):
        trials = [reporting(number, *life[: age - number]) for number, life in lives.items()]
        judgement = judge.judge(spec, trials)
        while not judgement.is_complete:
            judgement = judge.judge(spec, trials)
        assert judgement.verdicts == judged(policy, trials)


@every
def test_only_running_trials_are_judged(policy: Policy) -> None:
    good: Sequence[Trial] = [reported(number, *[0.9] * 12) for number in range(1, 6)]
    bad = reporting(9, *[0.1] * 9)
    queued = trial(9, state="Running", curve={"interval": [9], "value": [0.1], "best": [0.1], "mean": [0.1]})
    if policy not in (HYPERBAND, COMPARING["truncation of the running"]):
        assert stopped(policy, [*good, bad]) == [9]
    assert stopped(policy, [*good, queued]) == []
