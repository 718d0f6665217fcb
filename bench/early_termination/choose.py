"""Chooses each policy's settings on some data sets, to be reported on others: nothing is picked by hindsight."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from .measure import Measured
from .report import interval, test_loss

#: Accuracy, as a share: a tenth of a point, which is gone when it is told in percent with one decimal.
MARGIN: Final = 0.001


def loses_nothing(measured: Sequence[Measured]) -> bool:
    """Tell whether every sweep found exactly the same best value."""
    return all(one.loss == 0 for one in measured)


def loses_nothing_measurable(measured: Sequence[Measured]) -> bool:
    """Tell whether the mean loss is below the margin with 95 % confidence, and the test scores are not worse.

    A test of equivalence: that a loss is not significant would only say that there are few data.
    """
    return interval(measured, lambda one: one.loss)[1] <= MARGIN and interval(measured, test_loss)[0] <= 0


def chosen(measured: Mapping[str, Sequence[Measured]], is_allowed: Callable[[Sequence[Measured]], bool]) -> list[str]:
    """Return of each policy the settings that save the most time of those that are allowed, if any is."""
    best: dict[str, str] = {}
    for name, sweeps in measured.items():
        kind = name.partition(",")[0]
        if is_allowed(sweeps) and (kind not in best or _saved(sweeps) > _saved(measured[best[kind]])):
            best[kind] = name
    return sorted(best.values(), key=lambda name: -_saved(measured[name]))


def _saved(measured: Sequence[Measured]) -> float:
    return sum(one.time_saved for one in measured) / len(measured)
