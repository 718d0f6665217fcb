"""Objectives as Optuna sees them, and which results are the best by several."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection

from hyperdrive_operator.api.v1alpha1 import Objective
from hyperdrive_operator.core.pareto import nondominated
from hyperdrive_operator.core.proposing import MAX_BEST, MAX_HISTORY, Finished


def directions(objective: Objective) -> list[StudyDirection]:
    """Return each objective's direction, the primary one first."""
    known = {"Maximize": StudyDirection.MAXIMIZE, "Minimize": StudyDirection.MINIMIZE}
    return [known[goal] for goal in objective.goals.values()]


def values(objective: Objective, one: Finished) -> list[float] | None:
    """Return a result's value of each objective; None if it lacks one."""
    if one.value is None:
        return None
    found = [float(one.value), *map(float, one.others)]
    return found if len(found) == len(objective.goals) and all(map(math.isfinite, found)) else None


def bounded_history(objective: Objective, finished: Sequence[Finished]) -> Sequence[Finished]:
    """Return what Bayesian is told of a long history with several objectives: the best and the newest, in their order.

    The best are the Pareto front, then the front of what remains, and so on. With one objective core.proposing does it.
    """
    if len(finished) <= MAX_HISTORY or not objective.additional_objectives:
        return finished
    kept = set(_best(objective, finished))
    for index in range(len(finished) - 1, -1, -1):
        if len(kept) == MAX_HISTORY:
            break
        kept.add(index)
    return [finished[index] for index in sorted(kept)]


def _best(objective: Objective, finished: Sequence[Finished]) -> list[int]:
    known = [(index, found) for index, one in enumerate(finished) if (found := values(objective, one)) is not None]
    if not known:
        return []
    signs = np.array([-1.0 if goal == "Maximize" else 1.0 for goal in objective.goals.values()])
    indices = np.array([index for index, _ in known])
    losses = np.array([found for _, found in known]) * signs
    order = np.lexsort(losses.T[::-1])  # none dominates one that stands before it
    indices, losses = indices[order], losses[order]
    kept: list[int] = []
    while len(kept) < MAX_BEST and len(indices):
        on_front = _front(losses)
        front = indices[on_front]
        room = min(MAX_BEST - len(kept), len(front))
        kept += front[np.linspace(0, len(front) - 1, room).astype(int)].tolist()  # spread evenly, if it is too large
        indices, losses = indices[~on_front], losses[~on_front]
    return kept


def _front(losses: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which of lexicographically sorted vectors no other dominates.

    A small front is found soonest member by member, a large one all at once.
    """
    on_front = np.zeros(len(losses), dtype=bool)
    rest = np.arange(len(losses))
    for _ in range(2 * MAX_BEST):
        on_front[rest[0]] = True
        rest = rest[(losses[rest] < losses[rest[0]]).any(axis=1)]
        if not len(rest):
            return on_front
    on_front[nondominated([tuple(vector) for vector in losses.tolist()])] = True
    return on_front
