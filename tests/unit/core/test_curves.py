"""A curve is bounded, forgets no best and no average, and survives being written and read."""

import json
import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hyperdrive_operator.core.curves import MAX_POINTS, Curve, columns_of, read_curve
from hyperdrive_operator.core.metrics import Goal

values = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=700)
goals: st.SearchStrategy[Goal] = st.sampled_from(["Maximize", "Minimize"])


def curve_of(reports: list[float], goal: Goal = "Maximize") -> Curve:
    curve = Curve()
    for step, value in enumerate(reports):
        curve = curve.reported(value, goal, step=step)
    return curve


def exact_mean(reports: list[float]) -> float:
    return float(sum(map(Fraction, reports)) / len(reports))


@given(values, goals)
@example([1.1984620899082105e308] * 2, "Maximize")
@example([1.7976931348623157e308] * 3, "Maximize")
def test_a_curve_is_bounded_and_each_point_knows_all_reports_up_to_it(reports: list[float], goal: Goal) -> None:
    curve = curve_of(reports, goal)
    assert curve.reports == len(reports)
    assert len(curve.points) <= MAX_POINTS
    for point in curve.points:
        until = reports[: point.interval]
        assert point.value == until[-1]
        assert point.step == point.interval - 1
        assert point.best == (max(until) if goal == "Maximize" else min(until))
        assert math.isfinite(point.mean)
        scale = max(map(abs, until))
        assert math.isclose(point.mean, exact_mean(until), abs_tol=1e-9 * scale + 1e-300)


@given(values)
def test_a_curve_comes_back_as_it_was_written_and_goes_on_as_if_it_had_not_been(reports: list[float]) -> None:
    curve = curve_of(reports)
    back = read_curve(json.loads(json.dumps(columns_of(curve))))
    assert back.points == curve.points
    assert back.reported(1.0, "Maximize").reports == len(reports) + 1
    assert len(back.reported(1.0, "Maximize").points) <= MAX_POINTS


def test_at_an_interval_stands_the_newest_kept_report_that_is_not_later() -> None:
    curve = curve_of([float(n) for n in range(1, 101)])
    assert curve.at(0) is None
    assert curve.stride == 2
    assert [point.interval for at in (51, 1000) if (point := curve.at(at))] == [50, 100]


@pytest.mark.parametrize(
    "junk",
    [
        None,
        3,
        [],
        {},
        {"interval": [1]},
        {"interval": [1], "value": [1.0], "best": [1.0], "mean": ["x"]},
        {"interval": [2, 1], "value": [1, 1], "best": [1, 1], "mean": [1, 1]},
        {"interval": [True], "value": [1], "best": [1], "mean": [1]},
        {"interval": [1], "value": [float("nan")], "best": [1], "mean": [1]},
        {"interval": 1, "value": 1, "best": 1, "mean": 1},
        {"interval": [1], "value": [10**400], "best": [1], "mean": [1]},
        {"interval": [10**400], "value": [1], "best": [1], "mean": [1]},
    ],
)
def test_what_is_no_curve_reads_as_an_empty_one(junk: object) -> None:
    assert read_curve(junk) == Curve()


@given(st.sets(st.integers(1, 300), min_size=1, max_size=64), st.integers(0, 310))
def test_what_was_known_at_an_interval_is_the_newest_point_that_is_not_later(known: set[int], interval: int) -> None:
    """Also in a curve that others wrote, whose intervals are any."""
    intervals = sorted(known)
    means = [-one for one in intervals]
    curve = read_curve({"interval": intervals, "value": intervals, "best": intervals, "mean": means})
    point = curve.at(interval)
    assert (curve.best_at(interval), curve.mean_at(interval)) == ((point.best, point.mean) if point else (None, None))
    assert (point.interval if point else 0) == max((one for one in intervals if one <= interval), default=0)
