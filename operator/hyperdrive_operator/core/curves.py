"""A trial's learning curve: its reports of the primary metric, bounded, in the form that policies compare.

An interval is one report of the primary metric, counted from 1 (Azure ML's word). A long curve is thinned, never cut:
each kept point still knows the best value and the running average of all reports up to it.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from .metrics import Goal, better

#: Points to keep of a trial. Past it every second one goes: 64 to 128 reports keep every second, and so on.
MAX_POINTS: Final = 64


class Point(NamedTuple):
    """One report, and what is known of all reports up to it."""

    interval: int
    value: float
    best: float
    mean: float
    #: What the script called it (an epoch, say); None if it did not say.
    step: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The reports of a trial: those whose interval is a multiple of `stride`, and the newest."""

    points: tuple[Point, ...] = ()
    stride: int = 1

    @property
    def reports(self) -> int:
        """How many reports there were."""
        return self.points[-1].interval if self.points else 0

    @property
    def newest(self) -> Point | None:
        """The newest report."""
        return self.points[-1] if self.points else None

    def at(self, interval: int) -> Point | None:
        """Return what was known at an interval: the newest kept point that is not later. None before the first."""
        index = bisect_right(self.points, interval, key=lambda point: point.interval)
        return self.points[index - 1] if index else None

    def reported(self, value: float, goal: Goal, *, step: float | None = None) -> "Curve":
        """Return the curve with one more report."""
        newest = self.newest
        if newest is None:
            return Curve((Point(1, value, value, value, step),))
        interval = newest.interval + 1
        best = value if better(goal, value, newest.best) else newest.best
        mean = newest.mean - newest.mean / interval + value / interval  # in any other order it might overflow
        kept = self.points if newest.interval % self.stride == 0 else self.points[:-1]
        return _thinned((*kept, Point(interval, value, best, mean, step)), self.stride)


def read_curve(columns: Any) -> Curve:
    """Read a curve from its JSON: a list of numbers a column. Total: what is no curve is an empty one."""
    if not isinstance(columns, Mapping):
        return Curve()
    names = ("interval", "value", "best", "mean")
    numbers: list[list[Any]] = [column for name in names if isinstance(column := columns.get(name), list)]
    if len(numbers) != len(names) or len({len(column) for column in numbers}) != 1:
        return Curve()
    intervals, values, bests, means = numbers
    steps = columns.get("step")
    if not isinstance(steps, list) or len(steps) != len(values):
        steps = [None] * len(values)
    points: list[Point] = []
    for interval, value, best, mean, step in zip(intervals, values, bests, means, steps, strict=True):
        if not (_is_count(interval) and all(map(_is_finite, (value, best, mean)))):
            return Curve()
        if points and interval <= points[-1].interval:
            return Curve()
        points.append(Point(interval, value, best, mean, step if _is_finite(step) else None))
    return _thinned(tuple(points), _stride_of(points))


def columns_of(curve: Curve) -> dict[str, list[Any]]:
    """Return a curve's JSON: a list a column, which is a third of the size of a list of objects."""
    columns: dict[str, list[Any]] = {
        "interval": [point.interval for point in curve.points],
        "value": [point.value for point in curve.points],
        "best": [point.best for point in curve.points],
        "mean": [point.mean for point in curve.points],
    }
    if any(point.step is not None for point in curve.points):
        columns["step"] = [point.step for point in curve.points]
    return columns


def _thinned(points: tuple[Point, ...], stride: int) -> Curve:
    while len(points) > MAX_POINTS:
        stride *= 2
        points = (*(point for point in points[:-1] if point.interval % stride == 0), points[-1])
    return Curve(points, stride)


def _stride_of(points: Iterable[Point]) -> int:
    """Return the stride that all but the newest point keep."""
    *kept, _ = [point.interval for point in points] or [0]
    return math.gcd(*kept) if kept else 1


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
