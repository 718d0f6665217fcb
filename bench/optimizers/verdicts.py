"""What the results say, and how sure it is: pairs by seed, so each claim is about the same seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scipy import stats

#: Claims are made at this level, after Holm's correction over all problems.
LEVEL: Final = 0.05
#: Two samplers count as equal when the share of pairs that one wins is within so much of a half, for certain.
MARGIN: Final = 0.1


@dataclass(frozen=True, slots=True)
class Equivalence:
    """How often one sampler beats another, and whether that is a half, within the margin, or no less."""

    share: float
    low: float
    high: float
    p: float
    p_not_less: float


def best_so_far(values: Sequence[float]) -> list[float]:
    """Return the lowest value up to each place."""
    lowest = math.inf
    return [lowest := min(lowest, value) for value in values]


def better(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the p of Wilcoxon's signed-rank test that ours are lower than theirs, pair by pair; ties say nothing."""
    return _wilcoxon(ours, theirs, "less")


def different(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the p of Wilcoxon's two-sided signed-rank test."""
    return _wilcoxon(ours, theirs, "two-sided")


def _wilcoxon(ours: Sequence[float], theirs: Sequence[float], alternative: str) -> float:
    if all(left == right for left, right in zip(ours, theirs, strict=True)):
        return 1.0
    return float(stats.wilcoxon(ours, theirs, alternative=alternative).pvalue)


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """Return the p of each after Holm's correction for having asked so many times."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, (name, p) in enumerate(sorted(chances.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, p * (len(chances) - rank)))
        adjusted[name] = highest
    return adjusted


def share_won(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the share of pairs that ours win; a tie is half of one."""
    pairs = list(zip(ours, theirs, strict=True))
    return sum((left < right) + (left == right) / 2 for left, right in pairs) / len(pairs)


def equivalence(shares: Sequence[float]) -> Equivalence:
    """Test twice, one-sided (TOST), that the mean of these shares is within the margin of a half.

    Each share is of one seed over all problems: seeds are independent of each other, problems are given.
    """
    mean = statistics.fmean(shares)
    error = statistics.stdev(shares) / math.sqrt(len(shares))
    freedom = len(shares) - 1
    if error == 0:
        is_less = mean <= 0.5 - MARGIN
        return Equivalence(mean, mean, mean, float(is_less or mean >= 0.5 + MARGIN), float(is_less))
    reach = float(stats.t.ppf(1 - LEVEL, freedom)) * error
    above = float(stats.t.sf((mean - (0.5 - MARGIN)) / error, freedom))
    below = float(stats.t.cdf((mean - (0.5 + MARGIN)) / error, freedom))
    return Equivalence(mean, mean - reach, mean + reach, max(above, below), above)


def ranks(finals: Mapping[str, float]) -> dict[str, float]:
    """Return the rank of each, from 1 for the lowest; equals share theirs."""
    return dict(zip(finals, map(float, stats.rankdata(list(finals.values()))), strict=True))
