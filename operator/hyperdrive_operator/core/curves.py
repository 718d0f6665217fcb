"""A trial's learning curve: its reports of the primary metric, bounded, in the form that policies compare.

An interval is one report of the primary metric, counted from 1 (Azure ML's word). A long curve is thinned, never cut:
each kept point still knows the best value and the running average of all reports up to it.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from struct import Struct
from typing import Any, Final, NamedTuple

from .metrics import Goal, better

#: Points to keep of a trial. Past it every second one goes: 64 to 128 reports keep every second, and so on.
MAX_POINTS: Final = 64


#: More reports than a script can make in a year, and still exact in JSON.
MAX_REPORTS: Final = 2**53
#: Whole numbers up to the largest double.
MAX_WHOLE: Final = 2**1023

_LAYOUT: Final = Struct("<q4d")
_INTERVAL: Final = Struct("<q")


class Point(NamedTuple):
    """One report, and what is known of all reports up to it."""

    interval: int
    value: float
    best: float
    mean: float
    #: What the script called it (an epoch, say); None if it did not say.
    step: float | None


class Curve:
    """The reports of a trial: those whose interval is a multiple of `stride`, and the newest. It never changes.

    Kept as the numbers' own bytes: of 10,000 trials, 64 points each take 25 MiB so, and as tuples 144.
    """

    __slots__ = ("packed", "stride")

    def __init__(self, points: Iterable[Point] = (), stride: int = 1) -> None:
        self.packed = b"".join(map(_pack, points))
        self.stride = stride

    @property
    def points(self) -> tuple[Point, ...]:
        """All points."""
        return tuple(map(_point, _LAYOUT.iter_unpack(self.packed)))

    @property
    def reports(self) -> int:
        """How many reports there were."""
        return self._interval(len(self) - 1) if self.packed else 0

    @property
    def newest(self) -> Point | None:
        """The newest report."""
        return self._at(len(self) - 1) if self.packed else None

    def __len__(self) -> int:
        return len(self.packed) // _LAYOUT.size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Curve) and (self.packed, self.stride) == (other.packed, other.stride)

    def __hash__(self) -> int:
        return hash((self.packed, self.stride))

    def __repr__(self) -> str:
        return f"Curve({self.points!r}, stride={self.stride})"

    def at(self, interval: int) -> Point | None:
        """Return what was known at an interval: the newest kept point that is not later. None before the first."""
        count = len(self)
        if not count or interval >= self._interval(count - 1):
            return self._at(count - 1) if count else None
        place = interval // self.stride - 1  # where it is unless some are missing, as in a curve that others wrote
        if 0 <= place < count and self._interval(place) == (place + 1) * self.stride:
            return self._at(place)
        index = bisect_right(range(count), interval, key=self._interval)
        return self._at(index - 1) if index else None

    def extends(self, other: "Curve") -> bool:
        """Tell whether this only adds to what another curve has: it is not that of another run, or cut."""
        kept = other.packed[: -_LAYOUT.size]
        return other.reports <= self.reports and self.packed.startswith(kept)

    def reported(self, value: float, goal: Goal, *, step: float | None = None) -> "Curve":
        """Return the curve with one more report."""
        newest = self.newest
        if newest is None:
            return Curve((Point(1, value, value, value, step),))
        interval = newest.interval + 1
        best = value if better(goal, value, newest.best) else newest.best
        mean = newest.mean - newest.mean / interval + value / interval  # in any other order it might overflow
        curve = Curve(stride=self.stride)
        kept = self.packed if newest.interval % self.stride == 0 else self.packed[: -_LAYOUT.size]
        curve.packed = kept + _pack(Point(interval, value, best, mean, step))
        return curve if len(curve) <= MAX_POINTS else _thinned(curve.points, curve.stride)

    def _interval(self, index: int) -> int:
        interval: int = _INTERVAL.unpack_from(self.packed, index * _LAYOUT.size)[0]
        return interval

    def _at(self, index: int) -> Point:
        return _point(_LAYOUT.unpack_from(self.packed, index * _LAYOUT.size))


def _pack(point: Point) -> bytes:
    return _LAYOUT.pack(*point[:4], math.nan if point.step is None else point.step)


def _point(numbers: tuple[Any, ...]) -> Point:
    interval, value, best, mean, step = numbers
    return Point(interval, value, best, mean, None if math.isnan(step) else step)


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
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_REPORTS


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) < MAX_WHOLE  # isfinite() would raise
