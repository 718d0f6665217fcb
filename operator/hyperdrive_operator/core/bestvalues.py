"""Which sweeps' best values are shown one by one: so many of them and no more, however many sweeps there are."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest

from .sweep import Sweep


@dataclass(frozen=True, slots=True)
class BestValue:
    """The best value of one sweep so far, and what it is a value of."""

    namespace: str
    sweep: str
    metric: str
    goal: str
    value: float


def best_values(sweeps: Iterable[Sweep], at_most: int) -> list[BestValue]:
    """Return the best values of the sweeps that matter most, as their statuses have them.

    Those that go on come before those that have ended, and of each the newest first. When a sweep began or ended stays
    as it is, unlike when it last changed: so none comes and goes with the reports of others.
    """
    found = [
        (sweep, sweep.spec.objective, value)
        for sweep in sweeps
        if sweep.spec is not None and (value := _best(sweep)) is not None
    ]
    chosen = nlargest(at_most, found, key=lambda one: _rank(one[0]))
    shown = {  # a sweep and one of its name that was deleted may both be known for a moment: the newer comes last
        (sweep.namespace, sweep.name): BestValue(
            sweep.namespace, sweep.name, objective.primary_metric, objective.goal, value
        )
        for sweep, objective, value in reversed(chosen)
    }
    return list(shown.values())


def _best(sweep: Sweep) -> float | None:
    """Return the best value; None for no number, which nobody but another writer of the status can have put there."""
    best = sweep.status.get("bestTrial")
    value = best.get("value") if isinstance(best, dict) else None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _rank(sweep: Sweep) -> tuple[bool, str, str, str]:
    """Return what is the greater the more a sweep matters. Kubernetes' timestamps sort as they stand."""
    ended = sweep.status.get("completionTime") or ""
    return not ended, ended or sweep.status.get("startTime") or "", sweep.namespace, sweep.name
