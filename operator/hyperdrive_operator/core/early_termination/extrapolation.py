"""Extrapolation: a trial is stopped when it can't be expected to become the best of all before its end.

What it may still gain is told twice: by its own recent pace and ups and downs, and by what other trials gained from
that age to their end. Learning curves flatten, so a straight line is hopeful (Mohr & van Rijn, "Fast and Informative
Model Selection using Learning Curve Cross-Validation", 2021, extrapolate so); `caution` allows for those that do not.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Final

from hyperdrive_operator.api.v1alpha1 import ExtrapolationOptions
from hyperdrive_operator.core.curves import Curve, Point

from .verdict import Shortfall

#: Changes from report to report that a trial's recent pace is taken from.
WINDOW: Final = 5
#: Points below which nothing can be said of pace, ups and downs.
_FEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the other trials say to one that has made so many reports.

    A score is the higher the better it is, whatever the goal.
    """

    #: Reports of a whole trial.
    whole: int
    #: The best score of all trials, whatever their age, and the number of the trial that has it.
    best: float
    holder: int
    #: Trials that have run to their end, beyond these reports, and the most that any of them gained after them.
    finished: int
    gain: float


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """Not to be the best any more."""

    options: ExtrapolationOptions
    #: Reports before a trial is judged; None for a half of a whole trial's.
    delay: int | None = None

    def is_due(self, interval: int, reports: int, whole: int) -> bool:
        """Tell whether a trial is judged that has come to an interval: not too early, nor at its end."""
        first = self.delay if self.delay is not None else -(-whole // 2)
        return first <= interval and reports < whole

    def is_worth_it(self, share_left: float | None) -> bool:
        """Tell whether there is time to save: what is left, as a share of other trials' run time. None is unknown."""
        least = self.options.min_time_left
        return least == 0 or (share_left is not None and share_left >= least)

    def falls_short(self, curve: Curve, outlook: Outlook, sign: int) -> Shortfall | None:
        """Stop a trial whose best value, with all that it may gain until its end, stays behind the best of all.

        All that it has reported counts, since all that the others have reported does.
        """
        if outlook.finished < self.options.min_trials:
            return None
        recent = curve.latest(WINDOW + 1)
        if len(recent) < _FEWEST:
            return None
        score, left = sign * recent[-1].best, outlook.whole - curve.reports
        own = self.options.caution * (_pace(recent, sign) * left + _ups_and_downs(recent))
        gain = max(own, outlook.gain)
        if score + gain >= outlook.best:
            return None
        whose = "it may gain by its own pace" if own >= outlook.gain else "any finished trial gained from here on"
        text = (
            f"its best value {sign * score:g} is not expected to become better than {sign * outlook.best:g}, that of "
            f"{{}}: {gain:g} is the most that {whose}, in {left} reports"
        )
        return Shortfall(sign * score, sign * (outlook.best - gain), (outlook.holder,), text, curve.reports)


def _pace(recent: tuple[Point, ...], sign: int) -> float:
    """Return what the best value gains with a report."""
    first, last = recent[0], recent[-1]
    return sign * (last.best - first.best) / (last.interval - first.interval)


def _ups_and_downs(recent: tuple[Point, ...]) -> float:
    """Return the standard deviation of the changes from report to report."""
    # of halves, so that no difference is beyond all numbers; statistics.pstdev takes twenty times as long
    changes = [later.value / 2 - earlier.value / 2 for earlier, later in pairwise(recent)]
    mean = sum(changes) / len(changes)
    return 2 * sqrt(sum((change - mean) * (change - mean) for change in changes) / len(changes))
