"""The replay says what the operator's own judge says, asked after every report."""

import random
from dataclasses import replace
from typing import Any

import pytest
from bench.early_termination.policies import POLICIES, policy_for
from bench.early_termination.replay import Outcome, replay
from bench.early_termination.sweeps import Run, networks

from hyperdrive_operator.api.v1alpha1 import EarlyTermination
from hyperdrive_operator.core.metrics import Goal

from .judged import judged

#: Options that the tables do not use, or use with others.
MORE: list[dict[str, Any]] = [
    {"type": "Bandit", "bandit": {"slackAmount": 0.2}, "delayEvaluation": 2, "evaluationInterval": 2},
    {"type": "MedianStopping", "medianStopping": {"minTrials": 1}, "delayEvaluation": 0},
    {
        "type": "TruncationSelection",
        "truncationSelection": {"truncationPercentage": 40, "excludeFinishedTrials": True},
        "delayEvaluation": 1,
    },
    {"type": "SuccessiveHalving", "successiveHalving": {"minInterval": 1, "reductionFactor": 2}},
    {"type": "Hyperband", "hyperband": {"maxInterval": 8, "reductionFactor": 2}},
    {"type": "Extrapolation", "extrapolation": {"caution": 0.5}, "delayEvaluation": 2},
    {
        "type": "Extrapolation",
        "extrapolation": {"maxInterval": 8, "caution": 0.25, "minTrials": 2, "minTimeLeft": 0},
        "evaluationInterval": 2,
    },
    {"type": "Threshold", "threshold": {"lower": 0.2, "upper": 0.9}, "evaluationInterval": 3},
    {"type": "Patience", "patience": {"intervals": 2}},
]


def random_runs(generator: random.Random) -> list[Run]:
    """Return short curves with equal values, reports at the same moment, failures, and a trial that says nothing."""
    runs = []
    for number in range(generator.randint(3, 14)):
        length = generator.randint(0, 8)
        values = tuple(generator.randint(0, 8) / 8 for _ in range(length))
        seconds = tuple(generator.choice([0.0, 0.25, 1.0]) for _ in range(length))
        runs.append(Run(str(number), values, seconds, is_failed=generator.random() < 0.2))
    return runs


@pytest.mark.parametrize("goal", ["Maximize", "Minimize"])
@pytest.mark.parametrize("fields", MORE, ids=lambda fields: fields["type"])
def test_a_random_sweep_ends_as_the_judge_ends_it(fields: dict[str, Any], goal: Goal) -> None:
    policy = EarlyTermination.model_validate(fields)
    stopped = 0
    for seed in range(40):
        runs = random_runs(random.Random(seed))  # noqa: S311  curves, no secret
        said, expected = (
            play(runs, policy, goal=goal, at_once=1 + seed % 5, order=random.Random(seed))  # noqa: S311  an order
            for play in (replay, judged)
        )
        assert_same(said, expected)
        stopped += len(said.stopped)
    assert stopped > 0


@pytest.mark.parametrize("name", POLICIES)
def test_a_sweep_of_networks_ends_as_the_judge_ends_it(name: str) -> None:
    (digits,) = (one for one in networks() if one.name == "digits, logloss")
    policy = policy_for(POLICIES[name], digits)
    assert isinstance(policy, EarlyTermination)
    runs = digits.runs(0)[:16]
    said, expected = (
        play(runs, policy, goal=digits.goal, at_once=4, order=random.Random(7))  # noqa: S311  an order
        for play in (replay, judged)
    )
    assert_same(said, expected)


def test_a_curve_that_the_operator_would_thin_is_refused() -> None:
    long = Run("long", (0.5,) * 65, (1.0,) * 65)
    with pytest.raises(ValueError, match="64 points"):
        replay([long], None, goal="Maximize", at_once=1, order=random.Random(0))  # noqa: S311  an order


def assert_same(said: Outcome, expected: Outcome) -> None:
    assert replace(said, seconds=0.0) == replace(expected, seconds=0.0)
    assert said.seconds == pytest.approx(expected.seconds)
