"""A short way to a judgement."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.builders import sweep

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.early_termination import Judge, Verdict
from hyperdrive_operator.core.metrics import Goal
from hyperdrive_operator.core.trials import Trial


def spec_of(policy: Mapping[str, Any], goal: Goal = "Maximize") -> HyperDriveSpec:
    """Build a sweep's spec with this policy."""
    of = sweep(objective={"primaryMetric": "score", "goal": goal}, earlyTermination=dict(policy))
    assert of.spec is not None, of.problems
    return of.spec


def judged(policy: Mapping[str, Any], trials: Sequence[Trial], goal: Goal = "Maximize") -> dict[int, Verdict]:
    """Return what a judge who knows nothing yet says of these trials."""
    spec, judge = spec_of(policy, goal), Judge()
    judgement = judge.judge(spec, trials)
    while not judgement.is_complete:
        judgement = judge.judge(spec, trials)
    return dict(judgement.verdicts)


def stopped(policy: Mapping[str, Any], trials: Sequence[Trial], goal: Goal = "Maximize") -> list[int]:
    """Return the numbers of the trials that are to be ended."""
    return sorted(judged(policy, trials, goal))


BANDIT = {"type": "Bandit", "bandit": {"slackFactor": 0.2}, "delayEvaluation": 0}
AMOUNT = {"type": "Bandit", "bandit": {"slackAmount": 0.2}, "delayEvaluation": 0}
MEDIAN = {"type": "MedianStopping", "medianStopping": {"minTrials": 1}, "delayEvaluation": 0}
TRUNCATION = {
    "type": "TruncationSelection",
    "truncationSelection": {"truncationPercentage": 20},
    "delayEvaluation": 0,
}
HALVING = {"type": "SuccessiveHalving", "successiveHalving": {"reductionFactor": 3, "minInterval": 2}}
HYPERBAND = {"type": "Hyperband", "hyperband": {"maxInterval": 27}}
EXTRAPOLATION = {
    "type": "Extrapolation",
    "extrapolation": {"maxInterval": 20, "caution": 1, "minTimeLeft": 0},
    "delayEvaluation": 0,
}
THRESHOLD = {"type": "Threshold", "threshold": {"lower": 0.5}}
PATIENCE = {"type": "Patience", "patience": {"intervals": 3}}
