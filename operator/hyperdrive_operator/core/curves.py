"""A trial's learning curve: its reports of the primary metric, bounded, in the form that policies compare.

An interval is one report of the primary metric, counted from 1 (Azure ML's word). A long curve is thinned, never cut:
each kept point still knows the best value and the running average of all reports up to it.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final, NamedTuple

from .metrics import Goal, better

#: Points to keep of a trial. Past it every second one goes: 64 to 128 reports keep every second, and so on.
MAX_POINTS: Final = 64
#: Most reports that can be counted: a double holds every whole number up to it.
MAX_INTERVAL: Final = 2**53


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
    """The reports of a trial: those whose interval is a multiple of `stride`, and the newest.

    They are kept as plain numbers, five to a row: a sweep of 10,000 trials has 640,000 points, as objects 100 MB.
    """

    rows: bytes = b""
    stride: int = 1

    @property
    def points(self) -> tuple[Point, ...]:
        """All that is kept, in order."""
        return tuple(map(_point, _ROW.iter_unpack(self.rows)))

    @property
    def reports(self) -> int:
        """How many reports there were."""
        return int(_NUMBER(self.rows, len(self.rows) - _ROW.size)[0]) if self.rows else 0

    @property
    def newest(self) -> Point | None:
        """The newest report."""
        return self._row(len(self.rows) // _ROW.size - 1) if self.rows else None

    def at(self, interval: int) -> Point | None:
        """Return what was known at an interval: the newest kept point that is not later. None before the first."""
        place = self._place(interval)
        return self._row(place) if place >= 0 else None

    def latest(self, count: int) -> tuple[Point, ...]:
        """Return the newest kept points, so many at most, in order."""
        return tuple(map(_point, _ROW.iter_unpack(self.rows[-count * _ROW.size :])))

    def best_at(self, interval: int) -> float | None:
        """Return the best value that was known at an interval, for those who ask ten thousand curves at once."""
        place = self._place(interval)
        return _NUMBER(self.rows, place * _ROW.size + _BEST)[0] if place >= 0 else None

    def mean_at(self, interval: int) -> float | None:
        """Return the mean that was known at an interval, for those who ask ten thousand curves at once."""
        place = self._place(interval)
        return _NUMBER(self.rows, place * _ROW.size + _MEAN)[0] if place >= 0 else None

    def _place(self, interval: int) -> int:
        """Return which row was the newest at an interval, -1 before the first."""
        rows = self.rows
        last = len(rows) // _ROW.size - 1
        if last < 0 or interval >= _NUMBER(rows, last * _ROW.size)[0]:
            return last
        place = interval // self.stride - 1  # there it is unless some are missing, as in a curve that others wrote
        if 0 <= place < last and _NUMBER(rows, place * _ROW.size)[0] == (place + 1) * self.stride:
            return place
        return bisect_right(range(last + 1), interval, key=self._interval) - 1

    def reported(self, value: float, goal: Goal, *, step: float | None = None) -> "Curve":
        """Return the curve with one more report."""
        newest = self.newest
        if newest is None:
            return Curve(_rows([Point(1, value, value, value, step)]))
        interval = newest.interval + 1
        best = value if better(goal, value, newest.best) else newest.best
        mean = newest.mean - newest.mean / interval + value / interval  # in any other order it might overflow
        kept = self.rows if newest.interval % self.stride == 0 else self.rows[: -_ROW.size]
        return _thinned(kept + _rows([Point(interval, value, best, mean, step)]), self.stride)

    def goes_on_from(self, earlier: "Curve") -> bool:
        """Tell whether this only adds reports to another: it is of the same run, and as thin."""
        if self.stride != earlier.stride or self.reports < earlier.reports:
            return False
        return self.rows.startswith(earlier.rows[: -_ROW.size])

    def _interval(self, place: int) -> int:
        return int(_NUMBER(self.rows, place * _ROW.size)[0])

    def _row(self, place: int) -> Point:
        return _point(_ROW.unpack_from(self.rows, place * _ROW.size))


#: A point as numbers; not a number stands for a step that was not said.
_ROW: Final = Struct("5d")
#: Reads one number of a row, and where the best value and the mean stand in it.
_NUMBER: Final = Struct("d").unpack_from
_BEST: Final = 16
_MEAN: Final = 24


def _point(row: tuple[Any, ...]) -> Point:
    interval, value, best, mean, step = row
    return Point(int(interval), value, best, mean, None if step != step else step)  # noqa: PLR0124  that is how NaN is known


def _rows(points: Iterable[Point]) -> bytes:
    return b"".join(_ROW.pack(*point[:4], math.nan if point.step is None else point.step) for point in points)


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
    return _thinned(_rows(points), _stride_of(points))


def columns_of(curve: Curve) -> dict[str, list[Any]]:
    """Return a curve's JSON: a list a column, which is a third of the size of a list of objects."""
    points = curve.points
    columns: dict[str, list[Any]] = {
        "interval": [point.interval for point in points],
        "value": [point.value for point in points],
        "best": [point.best for point in points],
        "mean": [point.mean for point in points],
    }
    if any(point.step is not None for point in points):
        columns["step"] = [point.step for point in points]
    return columns


def _thinned(rows: bytes, stride: int) -> Curve:
    while len(rows) > MAX_POINTS * _ROW.size:
        stride *= 2
        *points, newest = map(_point, _ROW.iter_unpack(rows))
        rows = _rows([*(point for point in points if point.interval % stride == 0), newest])
    return Curve(rows, stride)


def _stride_of(points: Iterable[Point]) -> int:
    """Return the stride that all but the newest point keep."""
    *kept, _ = [point.interval for point in points] or [0]
    return math.gcd(*kept) if kept else 1


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_INTERVAL


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond what a double holds
        return False
