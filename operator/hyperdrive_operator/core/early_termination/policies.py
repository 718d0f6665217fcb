"""The policies: what a trial falls short of. Formulas as in docs/early-termination.md.

A score is a value, or for Minimize its negative: higher is better throughout, and only what is told is turned back.
"""

from dataclasses import dataclass
from typing import Literal

from hyperdrive_operator.api.v1alpha1 import (
    BanditOptions,
    EarlyTermination,
    ExtrapolationOptions,
    HyperbandOptions,
    MedianStoppingOptions,
    PatienceOptions,
    SuccessiveHalvingOptions,
    ThresholdOptions,
    TruncationSelectionOptions,
)
from hyperdrive_operator.core.curves import Curve
from hyperdrive_operator.core.metrics import Goal

from .extrapolation import Extrapolation
from .ranking import Ranking
from .schedule import Multiples, Schedule, halving, hyperband
from .verdict import Shortfall

#: What of each trial is ranked: its best value up to the interval, or the average of all up to it.
Ranks = Literal["best", "mean"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trial that is judged: the score of its best value up to the interval, and its entry in the ranking."""

    number: int
    score: float
    entry: float


@dataclass(frozen=True, slots=True)
class Bandit:
    """Too far behind the best."""

    options: BanditOptions
    ranks: Ranks = "best"
    counts_shorter: bool = True
    counts_finished: bool = True

    def falls_short(self, candidate: Candidate, ranking: Ranking, sign: int) -> Shortfall | None:
        """Stop a trial whose best value is beyond the slack from the best of all."""
        best, rival = ranking[-1]
        threshold = self.threshold(sign * best, sign)
        if candidate.score >= sign * threshold:
            return None
        slack = (
            f"slackAmount {self.options.slack_amount:g}"
            if self.options.slack_amount is not None
            else f"slackFactor {self.options.slack_factor:g}"
        )
        text = (
            f"its best value {sign * candidate.score:g} is {'below' if sign > 0 else 'above'} {threshold:g}: "
            f"{{}} has {sign * best:g}, and {slack} is all that it may be behind"
        )
        return Shortfall(sign * candidate.score, threshold, (rival,), text)

    def threshold(self, best: float, sign: int) -> float:
        """Return what a trial needs beside the best: Azure's best / (1 + s) for Maximize, best * (1 + s) for Minimize.

        The ratio is taken of the distance to zero, so that slack is slack for negative values too.
        """
        if self.options.slack_amount is not None:
            return best - sign * self.options.slack_amount
        factor = float(self.options.slack_factor or 0)
        if sign < 0:
            return best + abs(best) * factor
        return best / (1 + factor) if best >= 0 else best + best * (factor / (1 + factor))


@dataclass(frozen=True, slots=True)
class MedianStopping:
    """Worse than the median of the others' running averages."""

    options: MedianStoppingOptions
    ranks: Ranks = "mean"
    counts_shorter: bool = True
    counts_finished: bool = True

    def falls_short(self, candidate: Candidate, ranking: Ranking, sign: int) -> Shortfall | None:
        """Stop a trial whose best value is worse than the median of what the others average up to the interval."""
        middle = ranking.middle_without(candidate.entry, candidate.number)
        others = len(ranking) - 1
        if middle is None or others < self.options.min_trials:
            return None
        (low, one), (high, other) = middle
        median = low / 2 + high / 2  # a sum first might overflow
        if candidate.score >= median:
            return None
        rivals = (one,) if one == other else (one, other)
        text = (
            f"its best value {sign * candidate.score:g} is worse than {sign * median:g}, the median of the running "
            f"averages of {others} other trials (that of {{}})"
        )
        return Shortfall(sign * candidate.score, sign * median, rivals, text)


@dataclass(frozen=True, slots=True)
class TruncationSelection:
    """Among the lowest percentage."""

    options: TruncationSelectionOptions
    ranks: Ranks = "best"
    counts_shorter: bool = False

    @property
    def counts_finished(self) -> bool:
        """Whether a trial that ran to its end counts."""
        return not self.options.exclude_finished_trials

    def falls_short(self, candidate: Candidate, ranking: Ranking, sign: int) -> Shortfall | None:
        """Stop a trial of the lowest percentage, rounded down; one that is equal to one that stays, stays."""
        percentage = self.options.truncation_percentage
        cut = len(ranking) * percentage // 100
        if ranking.not_better(candidate.score) > cut:
            return None
        needed, rival = ranking[cut]
        text = (
            f"its best value {sign * candidate.score:g} is among the lowest {percentage} % of {len(ranking)} trials "
            f"({cut} of them); {{}} has {sign * needed:g} and stays"
        )
        return Shortfall(sign * candidate.score, sign * needed, (rival,), text)


@dataclass(frozen=True, slots=True)
class Halving:
    """Not among the best part at a rung."""

    reduction: int
    ranks: Ranks = "best"
    counts_shorter: bool = False
    counts_finished: bool = True

    def falls_short(self, candidate: Candidate, ranking: Ranking, sign: int) -> Shortfall | None:
        """Stop a trial unless it is in the best 1/reduction of those that reached the rung.

        Of fewer trials than reductionFactor that would be less than one: they all go on.
        """
        kept = len(ranking) // self.reduction
        if kept == 0 or ranking.better(candidate.score) < kept:
            return None
        needed, rival = ranking[len(ranking) - kept]
        text = (
            f"its best value {sign * candidate.score:g} is not among the best {kept} of the {len(ranking)} trials that "
            f"reached the rung; {{}} has {sign * needed:g}, the last that goes on"
        )
        return Shortfall(sign * candidate.score, sign * needed, (rival,), text)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Out of bounds."""

    options: ThresholdOptions

    def falls_short(self, curve: Curve, interval: int, sign: int) -> Shortfall | None:  # noqa: ARG002  the interface's
        """Stop a trial that reports a value out of bounds."""
        point = curve.at(interval)
        if point is None:
            return None
        for bound, side, name in ((self.options.lower, 1, "lower"), (self.options.upper, -1, "upper")):
            if bound is not None and side * point.value < side * bound:
                text = f"its value {point.value:g} is {'below' if side > 0 else 'above'} {bound:g}, the {name} bound"
                return Shortfall(point.value, float(bound), (), text)
        return None


@dataclass(frozen=True, slots=True)
class Patience:
    """No longer improving."""

    options: PatienceOptions

    def falls_short(self, curve: Curve, interval: int, sign: int) -> Shortfall | None:
        """Stop a trial whose best value is not better than that of so many reports ago, by more than minDelta."""
        now, then = curve.at(interval), curve.at(interval - self.options.intervals)
        if now is None or then is None:
            return None
        needed = then.best + sign * self.options.min_delta
        if sign * now.best > sign * needed:
            return None
        text = (
            f"its best value {now.best:g} is not better than {needed:g}: no improvement by more than "
            f"{self.options.min_delta:g} for {interval - then.interval} reports"
        )
        return Shortfall(now.best, needed, (), text)


#: Rules that judge a trial by the others' ranking at its age. `counts_shorter`: a trial that ended before the interval
#: counts with its last; `counts_finished`: one that ran to its end counts.
Comparison = Bandit | MedianStopping | TruncationSelection | Halving
#: Rules that judge a trial by its own curve.
Look = Threshold | Patience
Rule = Comparison | Look | Extrapolation


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule, when it applies, and the goal as a sign."""

    rule: Rule
    schedule: Schedule
    sign: int


def make_policy(given: EarlyTermination, goal: Goal) -> Policy:
    """Make the policy that a manifest asks for."""
    return Policy(_rule(given), _schedule(given), 1 if goal == "Maximize" else -1)


def _rule(given: EarlyTermination) -> Rule:
    match given:
        case EarlyTermination(bandit=BanditOptions() as bandit):
            rule: Rule = Bandit(bandit)
        case EarlyTermination(truncation_selection=TruncationSelectionOptions() as truncation):
            rule = TruncationSelection(truncation)
        case EarlyTermination(hyperband=HyperbandOptions() as options):
            rule = Halving(options.reduction_factor)
        case EarlyTermination(type="Extrapolation"):
            rule = Extrapolation(given.extrapolation or ExtrapolationOptions(), given.delay_evaluation)
        case EarlyTermination(threshold=ThresholdOptions() as threshold):
            rule = Threshold(threshold)
        case EarlyTermination(patience=PatienceOptions() as patience):
            rule = Patience(patience)
        case EarlyTermination(type="SuccessiveHalving"):
            rule = Halving((given.successive_halving or SuccessiveHalvingOptions()).reduction_factor)
        case _:
            rule = MedianStopping(given.median_stopping or MedianStoppingOptions())
    return rule


def _schedule(given: EarlyTermination) -> Schedule:
    if given.hyperband is not None:
        return hyperband(given.hyperband.max_interval, given.hyperband.reduction_factor, given.hyperband.brackets)
    if given.type == "SuccessiveHalving":
        options = given.successive_halving or SuccessiveHalvingOptions()
        return halving(options.reduction_factor, options.min_interval, options.max_interval)
    return Multiples(given.evaluation_interval or 1, given.delay)
