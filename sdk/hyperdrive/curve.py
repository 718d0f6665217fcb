"""The learning curve of the primary metric, bounded: the same rules as the operator's core/curves.py.

A long curve is thinned, never cut. Each kept point knows the best value and the mean of all reports up to it, so the
operator can judge a trial by a curve that has lost most of its points.
"""

from __future__ import annotations

from typing import Any, NamedTuple

#: Points to keep. Past it every second one goes.
MAX_POINTS = 64


class Point(NamedTuple):
    """One report, and what is known of all reports up to it."""

    interval: int
    value: float
    best: float
    mean: float
    step: float | None


class Curve:
    """The reports whose number is a multiple of `stride`, and the newest."""

    __slots__ = ("_is_higher_better", "_points", "_stride")

    def __init__(self, *, is_higher_better: bool) -> None:
        self._is_higher_better = is_higher_better
        self._points: list[Point] = []
        self._stride = 1

    def add(self, value: float, step: float | None = None) -> None:
        """Take one more report in."""
        if not self._points:
            self._points.append(Point(1, value, value, value, step))
            return
        newest = self._points[-1]
        interval = newest.interval + 1
        is_better = value > newest.best if self._is_higher_better else value < newest.best
        mean = newest.mean - newest.mean / interval + value / interval  # in any other order it might overflow
        if newest.interval % self._stride:
            self._points.pop()
        self._points.append(Point(interval, value, value if is_better else newest.best, mean, step))
        while len(self._points) > MAX_POINTS:
            self._stride *= 2
            *older, last = self._points
            self._points = [*(point for point in older if point.interval % self._stride == 0), last]

    def columns(self) -> dict[str, list[Any]]:
        """Return the curve's JSON: a list for each column."""
        columns: dict[str, list[Any]] = {
            "interval": [point.interval for point in self._points],
            "value": [point.value for point in self._points],
            "best": [point.best for point in self._points],
            "mean": [point.mean for point in self._points],
        }
        if any(point.step is not None for point in self._points):
            columns["step"] = [point.step for point in self._points]
        return columns

    def dump(self) -> dict[str, Any]:
        """Return all that `load` needs to go on with this curve."""
        return {"stride": self._stride, "points": [list(point) for point in self._points]}

    def load(self, dumped: dict[str, Any]) -> None:
        """Go on with a curve that `dump` gave."""
        self._stride = int(dumped["stride"])
        self._points = [Point(*point) for point in dumped["points"]]
