"""Good and bad values of spec.earlyTermination; tests/support/manifests.py makes rows of them."""

from typing import Any, Final

Given = dict[str, Any]


def _policy(kind: str, member: str = "", **options: Any) -> Given:
    return {"type": kind, **({member: options} if member else {})}


def _bandit(**options: Any) -> Given:
    return _policy("Bandit", "bandit", **options)


def _truncation(**options: Any) -> Given:
    return _policy("TruncationSelection", "truncationSelection", **options)


def _halving(**options: Any) -> Given:
    return _policy("SuccessiveHalving", "successiveHalving", **options)


_HERE: Final = "spec.earlyTermination"
_AT_RUNGS: Final = "judge at their rungs"

GOOD_TERMINATIONS: Final[tuple[tuple[str, Given], ...]] = (
    ("median stopping after a delay", _policy("MedianStopping") | {"delayEvaluation": 5}),
    ("median stopping with its options", _policy("MedianStopping", "medianStopping", minTrials=1)),
    ("median stopping with no options in particular", _policy("MedianStopping", "medianStopping")),
    ("bandit by a factor", _bandit(slackFactor=0.1) | {"evaluationInterval": 2, "delayEvaluation": 0}),
    ("bandit by an amount", _bandit(slackAmount=1)),
    ("truncation selection", _truncation(truncationPercentage=99, excludeFinishedTrials=True)),
    ("successive halving", _policy("SuccessiveHalving")),
    ("successive halving with its options", _halving(reductionFactor=3, minInterval=2, maxInterval=81)),
    ("hyperband", _policy("Hyperband", "hyperband", maxInterval=81)),
    ("hyperband with its options", _policy("Hyperband", "hyperband", maxInterval=2, reductionFactor=2, brackets=1)),
    ("extrapolation", _policy("Extrapolation")),
    (
        "extrapolation with its options",
        _policy("Extrapolation", "extrapolation", maxInterval=20, caution=1.5, minTrials=2, minTimeLeft=0)
        | {"delayEvaluation": 19, "evaluationInterval": 2},
    ),
    ("a lower threshold", _policy("Threshold", "threshold", lower=0)),
    ("two thresholds", _policy("Threshold", "threshold", lower=-1.5, upper=1)),
    ("patience", _policy("Patience", "patience", intervals=1)),
    ("patience with a delta", _policy("Patience", "patience", intervals=10, minDelta=0.001) | {"delayEvaluation": 20}),
)
BAD_TERMINATIONS: Final[tuple[tuple[str, Given, str], ...]] = (
    ("early termination without a type", {"delayEvaluation": 5}, f"{_HERE}.type"),
    ("an unknown policy", _policy("Median"), f"{_HERE}.type"),
    ("a policy in small letters", _policy("bandit"), f"{_HERE}.type"),
    ("judging at no interval", _policy("MedianStopping") | {"evaluationInterval": 0}, f"{_HERE}.evaluationInterval"),
    ("a delay below zero", _policy("MedianStopping") | {"delayEvaluation": -1}, f"{_HERE}.delayEvaluation"),
    ("half a delay", _policy("MedianStopping") | {"delayEvaluation": 0.5}, f"{_HERE}.delayEvaluation"),
    ("bandit without slack", _policy("Bandit"), "needs bandit.slackFactor or bandit.slackAmount"),
    ("bandit with no slack in particular", _policy("Bandit", "bandit"), "exactly one of slackFactor and slackAmount"),
    ("bandit with both slacks", _bandit(slackFactor=0.1, slackAmount=0.1), "exactly one of slackFactor and"),
    ("bandit with a slack of zero", _bandit(slackFactor=0), f"{_HERE}.bandit.slackFactor"),
    ("bandit with a slack as a text", _bandit(slackAmount="0.1"), f"{_HERE}.bandit.slackAmount"),
    ("options of another policy", _policy("MedianStopping", "bandit", slackFactor=1), "bandit stands only with type"),
    ("options of median stopping for bandit", _bandit(slackFactor=1) | {"medianStopping": {}}, "medianStopping stands"),
    ("no trials to compare with", _policy("MedianStopping", "medianStopping", minTrials=0), "medianStopping.minTrials"),
    ("truncation of nothing said", _policy("TruncationSelection"), "needs truncationSelection.truncationPercentage"),
    ("truncation without a percentage", _truncation(), "truncationSelection.truncationPercentage"),
    ("truncation of all", _truncation(truncationPercentage=100), "truncationSelection.truncationPercentage"),
    ("truncation of half a percent", _truncation(truncationPercentage=0.5), "truncationSelection.truncationPercentage"),
    ("halving by one", _halving(reductionFactor=1), f"{_HERE}.successiveHalving.reductionFactor"),
    ("halving that ends before it begins", _halving(minInterval=4, maxInterval=4), "maxInterval must be above"),
    ("halving with intervals", _halving() | {"evaluationInterval": 2}, _AT_RUNGS),
    ("halving with a delay", _policy("SuccessiveHalving") | {"delayEvaluation": 0}, _AT_RUNGS),
    ("hyperband without a length", _policy("Hyperband"), "needs hyperband.maxInterval"),
    ("hyperband of one report", _policy("Hyperband", "hyperband", maxInterval=1), f"{_HERE}.hyperband.maxInterval"),
    ("no brackets", _policy("Hyperband", "hyperband", maxInterval=9, brackets=0), f"{_HERE}.hyperband.brackets"),
    ("no caution", _policy("Extrapolation", "extrapolation", caution=0), f"{_HERE}.extrapolation.caution"),
    ("a length of one", _policy("Extrapolation", "extrapolation", maxInterval=1), "extrapolation.maxInterval"),
    ("time left below zero", _policy("Extrapolation", "extrapolation", minTimeLeft=-1), "extrapolation.minTimeLeft"),
    (
        "a delay that is a whole trial",
        _policy("Extrapolation", "extrapolation", maxInterval=9) | {"delayEvaluation": 9},
        "delayEvaluation must be below extrapolation.maxInterval",
    ),
    ("no threshold", _policy("Threshold"), "needs threshold.lower or threshold.upper"),
    ("no threshold in particular", _policy("Threshold", "threshold"), "at least one of lower and upper"),
    ("thresholds the wrong way round", _policy("Threshold", "threshold", lower=1, upper=0), "lower must be below"),
    ("patience without an end", _policy("Patience"), "needs patience.intervals"),
    ("no patience", _policy("Patience", "patience", intervals=0), f"{_HERE}.patience.intervals"),
    ("a delta below zero", _policy("Patience", "patience", intervals=1, minDelta=-0.1), f"{_HERE}.patience.minDelta"),
)
