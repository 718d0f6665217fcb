"""The Pareto front: the trials that no other dominates, which is at least as good in all objectives and better in one.

Of trials with equal values the one with the lowest number stands for all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hyperdrive_operator.api.v1alpha1 import ParetoTrial
from hyperdrive_operator.api.v1alpha1.status import MAX_FRONT

from .metrics import Goal
from .patch import without_nulls
from .records import USABLE, Record
from .roster import Ended

#: Of all parameters that the status shows of a front: an object has at most 1.5 MiB, and a choice may be long.
MAX_BYTES: Final = 256 * 1024

Vector = tuple[float, ...]


def values_of(record: Record, goals: Mapping[str, Goal]) -> Vector | None:
    """Return a trial's value of each objective; None unless its end counts and it has them all."""
    if record.state not in USABLE or not goals.keys() <= record.metrics.keys():
        return None
    return tuple(record.metrics[metric] for metric in goals)


def nondominated(losses: Sequence[Vector]) -> list[int]:
    """Return the positions of the vectors that no other dominates, where lower is better; of equals the first.

    It costs the same whatever their shape, 10,000 vectors some 20 ms: a set of vectors is a whole number with a bit for
    each, so that a thousand are compared at once.
    """
    first: dict[Vector, int] = {}
    for position, vector in enumerate(losses):
        first.setdefault(vector, position)
    vectors = list(first)
    as_good = [-1] * len(vectors)  # for each, which others are at least as good in every objective: all, to begin with
    for objective in range(len(vectors[0]) if vectors else 0):
        seen = 0
        for equals in _ascending([vector[objective] for vector in vectors]):
            for position in equals:
                seen |= 1 << position
            for position in equals:
                as_good[position] &= seen
    return sorted(first[vector] for position, vector in enumerate(vectors) if as_good[position] == 1 << position)


def _ascending(values: Sequence[float]) -> Iterable[list[int]]:
    """Yield the positions of equal values together, the lowest values first."""
    groups: dict[float, list[int]] = {}
    for position, value in enumerate(values):
        groups.setdefault(value, []).append(position)
    return (groups[value] for value in sorted(groups))


@dataclass(frozen=True, slots=True)
class Point:
    """A trial on the front: its values with the sign turned where higher is better."""

    losses: Vector
    record: Record


@dataclass(slots=True)
class Archive:
    """Remembers the front of one sweep: only trials that ended since cost time. Forgetting it does no harm."""

    _of: Ended | None = None
    _seen: int = 0
    _front: list[Point] = field(default_factory=list)

    def front(self, goals: Mapping[str, Goal], ended: Ended) -> Sequence[Point]:
        """Return the front of the trials that have ended, the best primary metric first."""
        if ended is not self._of:  # one has gone or changed: what it dominated counts again
            self._of, self._seen, self._front = ended, 0, []
        new = [trial.record for trial in ended.trials[self._seen :]]
        if new:
            self._seen += len(new)
            self._front = _front([*self._front, *_points(goals, new)])
        return self._front


def _points(goals: Mapping[str, Goal], records: Iterable[Record]) -> Iterable[Point]:
    signs = [-1 if goal == "Maximize" else 1 for goal in goals.values()]
    for record in records:
        values = values_of(record, goals)
        if values is not None:
            yield Point(tuple(sign * value for sign, value in zip(signs, values, strict=True)), record)


def _front(points: Iterable[Point]) -> list[Point]:
    in_order = sorted(points, key=lambda point: point.record.number)
    kept = [in_order[position] for position in nondominated([point.losses for point in in_order])]
    return sorted(kept, key=lambda point: (point.losses[0], point.record.number))


def shown(front: Sequence[Point], goals: Mapping[str, Goal]) -> list[ParetoTrial]:
    """Return a front as the status shows it: all of it, or trials spread evenly over it as far as there is room."""
    count = min(MAX_FRONT, len(front))
    chosen = _spread(front, count)
    while count > 1 and sum(len(point.record.key) for point in chosen) > MAX_BYTES:
        count //= 2
        chosen = _spread(front, count)
    return [_trial(point.record, goals) for point in chosen]


def _spread(front: Sequence[Point], count: int) -> list[Point]:
    """Return so many of a front at even distances, both ends among them (of one: the first)."""
    gaps = max(count - 1, 1)
    return [front[index * (len(front) - 1) // gaps] for index in range(count)]


def _trial(record: Record, goals: Mapping[str, Goal]) -> ParetoTrial:
    return ParetoTrial(
        name=record.name,
        number=record.number,
        values={metric: record.metrics[metric] for metric in goals},
        parameters=without_nulls(record.parameters),
    )
