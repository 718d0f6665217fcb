"""The policies that are compared, as a manifest has them."""

from collections.abc import Mapping
from typing import Any, Final

from hyperdrive_operator.api.v1alpha1 import EarlyTermination

from .sweeps import Task


def _median(delay: int) -> Mapping[str, Any]:
    return {"type": "MedianStopping", "delayEvaluation": delay, "medianStopping": {"minTrials": 3}}


def _bandit(slack: float, delay: int) -> Mapping[str, Any]:
    return {"type": "Bandit", "delayEvaluation": delay, "bandit": {"slackFactor": slack}}


def _truncation(percentage: int, delay: int) -> Mapping[str, Any]:
    options = {"truncationPercentage": percentage}
    return {"type": "TruncationSelection", "delayEvaluation": delay, "truncationSelection": options}


def _halving(reduction: int, first: int) -> Mapping[str, Any]:
    return {"type": "SuccessiveHalving", "successiveHalving": {"reductionFactor": reduction, "minInterval": first}}


#: By name: the fields of spec.earlyTermination. "reports" stands for the reports of a whole trial, "beginning" for the
#: median of the trials' first reports: what a user of these policies must know.
POLICIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "MedianStopping, delay 0": _median(0),
    "MedianStopping, delay 3": _median(3),
    "MedianStopping, delay 5": _median(5),
    "Bandit, slackFactor 0.2, delay 0": _bandit(0.2, 0),
    "Bandit, slackFactor 0.2, delay 5": _bandit(0.2, 5),
    "TruncationSelection, 20 %, delay 0": _truncation(20, 0),
    "TruncationSelection, 20 %, delay 5": _truncation(20, 5),
    "TruncationSelection, 30 %, delay 5": _truncation(30, 5),
    "SuccessiveHalving, 1/4 from 1": _halving(4, 1),
    "SuccessiveHalving, 1/4 from 5": _halving(4, 5),
    "SuccessiveHalving, 1/2 from 5": _halving(2, 5),
    "SuccessiveHalving, 1/2 from 8": _halving(2, 8),
    "Hyperband, 1/3": {"type": "Hyperband", "hyperband": {"maxInterval": "reports", "reductionFactor": 3}},
    "Threshold, delay 5": {"type": "Threshold", "threshold": {"lower": "beginning"}, "delayEvaluation": 5},
    "Patience, 10": {"type": "Patience", "patience": {"intervals": 10}},
}


def policy_for(fields: Mapping[str, Any], task: Task) -> EarlyTermination:
    """Return the policy for a sweep, with what it must know of it."""
    filled: dict[str, Any] = {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in fields.items()
    }
    if "hyperband" in filled:
        filled["hyperband"]["maxInterval"] = max(task.reports, 2)
    if "threshold" in filled:
        bound = "lower" if task.goal == "Maximize" else "upper"
        filled["threshold"] = {bound: task.beginning}
    return EarlyTermination.model_validate(filled)
