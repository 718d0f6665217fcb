"""The policies that are compared, as a manifest has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hyperdrive_operator.api.v1alpha1 import EarlyTermination

from .oracle import Oracle
from .sweeps import Task

#: The fields of spec.earlyTermination, with a Share or BEGINNING where that depends on the sweep.
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """So much of the reports of a whole trial, which a user knows who wrote the script."""

    of: float

    def reports(self, task: Task) -> int:
        """Return how many reports that is: one at least."""
        return max(round(self.of * task.reports), 1)


#: The median of the trials' first reports: what a user of a threshold must know.
BEGINNING: Final = "beginning"


def _median(delay: int | Share) -> Fields:
    return {"type": "MedianStopping", "delayEvaluation": delay, "medianStopping": {"minTrials": 3}}


def _bandit(delay: int | Share, **slack: float) -> Fields:
    return {"type": "Bandit", "delayEvaluation": delay, "bandit": slack}


def _truncation(percentage: int, delay: int | Share) -> Fields:
    options = {"truncationPercentage": percentage}
    return {"type": "TruncationSelection", "delayEvaluation": delay, "truncationSelection": options}


def _halving(reduction: int, first: int | Share) -> Fields:
    return {"type": "SuccessiveHalving", "successiveHalving": {"reductionFactor": reduction, "minInterval": first}}


def _hyperband(reduction: int) -> Fields:
    return {"type": "Hyperband", "hyperband": {"maxInterval": Share(1), "reductionFactor": reduction}}


def _extrapolation(caution: float, delay: Share | None = None) -> Fields:
    options = {"maxInterval": Share(1), "caution": caution}
    return {"type": "Extrapolation", "extrapolation": options, **({"delayEvaluation": delay} if delay else {})}


def _threshold(delay: int | Share) -> Fields:
    return {"type": "Threshold", "threshold": {"lower": BEGINNING}, "delayEvaluation": delay}


def _patience(intervals: int) -> Fields:
    return {"type": "Patience", "patience": {"intervals": intervals}}


#: By name, with settings that do not know how long a trial is; Hyperband and Extrapolation must.
POLICIES: Final[Mapping[str, Fields]] = {
    "MedianStopping, delay 0": _median(0),
    "MedianStopping, delay 3": _median(3),
    "MedianStopping, delay 5": _median(5),
    "Bandit, slackFactor 0.2, delay 0": _bandit(0, slackFactor=0.2),
    "Bandit, slackFactor 0.2, delay 5": _bandit(5, slackFactor=0.2),
    "Bandit, slackAmount 0.1, delay 5": _bandit(5, slackAmount=0.1),
    "TruncationSelection, 20 %, delay 0": _truncation(20, 0),
    "TruncationSelection, 20 %, delay 5": _truncation(20, 5),
    "TruncationSelection, 30 %, delay 5": _truncation(30, 5),
    "SuccessiveHalving, 1/4 from 1": _halving(4, 1),
    "SuccessiveHalving, 1/4 from 5": _halving(4, 5),
    "SuccessiveHalving, 1/2 from 5": _halving(2, 5),
    "SuccessiveHalving, 1/2 from 8": _halving(2, 8),
    "Hyperband, 1/3": _hyperband(3),
    **{f"Extrapolation, caution {caution:g}": _extrapolation(caution) for caution in (1, 1.5, 2, 3)},
    "Threshold, delay 5": _threshold(5),
    "Patience, 10": _patience(10),
}

#: What can be saved at most without a loss.
ORACLES: Final[Mapping[str, Fields]] = {
    "Oracle, ends all but the best trial": {"oracle": {"by_comparison": False}},
    "Oracle, ends who is behind it": {"oracle": {"by_comparison": True}},
    "Oracle, ends who is behind it, delay 5": {"oracle": {"by_comparison": True, "delay": 5}},
    "Oracle, ends who is behind it, delay 4/5": {"oracle": {"by_comparison": True, "delay": Share(4 / 5)}},
}


def _late() -> dict[str, Fields]:
    found: dict[str, Fields] = {}
    for name, delay in (("1/2", Share(1 / 2)), ("2/3", Share(2 / 3)), ("4/5", Share(4 / 5))):
        found[f"MedianStopping, delay {name}"] = _median(delay)
        for slack in (0.02, 0.05, 0.1, 0.2):
            found[f"Bandit, slackFactor {slack}, delay {name}"] = _bandit(delay, slackFactor=slack)
            found[f"Bandit, slackAmount {slack}, delay {name}"] = _bandit(delay, slackAmount=slack)
        for percentage in (10, 20, 30, 50):
            found[f"TruncationSelection, {percentage} %, delay {name}"] = _truncation(percentage, delay)
        for caution in (0.5, 1, 1.5, 2, 3):
            found[f"Extrapolation, caution {caution:g}, delay {name}"] = _extrapolation(caution, delay)
        for reduction in (2, 3, 4):
            found[f"SuccessiveHalving, 1/{reduction} from {name}"] = _halving(reduction, delay)
    return found


#: Settings that judge late, of which each policy's are chosen on one half of the data sets. A delay is a share of the
#: reports of a whole trial.
LATE: Final[Mapping[str, Fields]] = {
    **_late(),
    "Threshold, delay 1/2": _threshold(Share(1 / 2)),
    **{f"Hyperband, 1/{reduction}": _hyperband(reduction) for reduction in (2, 3, 4)},
    **{f"Patience, {intervals}": _patience(intervals) for intervals in (4, 8, 12)},
}


def policy_for(fields: Fields, task: Task) -> EarlyTermination | Oracle:
    """Return the policy for a sweep, with what it must know of it."""
    filled = _filled(fields, task)
    if "oracle" in filled:
        return Oracle(**filled["oracle"])
    if "threshold" in filled:
        bound = "lower" if task.goal == "Maximize" else "upper"
        filled["threshold"] = {bound: filled["threshold"]["lower"]}
    return EarlyTermination.model_validate(filled)


def _filled(fields: Fields, task: Task) -> dict[str, Any]:
    return {name: _value(value, task) for name, value in fields.items()}


def _value(value: Any, task: Task) -> Any:
    if isinstance(value, Mapping):
        return _filled(value, task)
    if isinstance(value, Share):
        return value.reports(task)
    return task.beginning if value == BEGINNING else value
