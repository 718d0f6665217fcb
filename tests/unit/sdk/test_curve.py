"""The reporter's curve is the operator's: two implementations, held to each other."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hyperdrive.curve import MAX_POINTS, Curve
from hyperdrive_operator.core import curves
from hyperdrive_operator.core.metrics import Goal

values = st.floats(allow_nan=False, allow_infinity=False)
steps = st.none() | st.integers(-5, 10**6) | st.floats(allow_nan=False, allow_infinity=False)
reports = st.lists(st.tuples(values, steps), max_size=700)
goals: st.SearchStrategy[Goal] = st.sampled_from(["Maximize", "Minimize"])


def columns_of(given: list[tuple[float, float | None]], goal: Goal) -> dict[str, list[Any]]:
    curve = Curve(is_higher_better=goal == "Maximize")
    for value, step in given:
        curve.add(value, step)
    return curve.columns()


def columns_of_the_operator(given: list[tuple[float, float | None]], goal: Goal) -> dict[str, list[Any]]:
    curve = curves.Curve()
    for value, step in given:
        curve = curve.reported(value, goal, step=step)
    return curves.columns_of(curve)


@given(reports, goals)
def test_the_reporter_and_the_operator_make_the_same_curve_of_the_same_reports(
    given: list[tuple[float, float | None]], goal: Goal
) -> None:
    assert columns_of(given, goal) == columns_of_the_operator(given, goal)


def test_a_very_long_curve_is_the_same_too() -> None:
    given: list[tuple[float, float | None]] = [((n * 7919) % 1000 / 7, n) for n in range(20_000)]
    columns = columns_of(given, "Minimize")
    assert columns == columns_of_the_operator(given, "Minimize")
    assert len(columns["interval"]) <= MAX_POINTS == curves.MAX_POINTS


@given(reports, goals)
def test_the_operator_reads_what_the_reporter_writes(given: list[tuple[float, float | None]], goal: Goal) -> None:
    columns = columns_of(given, goal)
    assert curves.columns_of(curves.read_curve(json.loads(json.dumps(columns)))) == columns


@given(reports, reports, goals)
def test_a_curve_goes_on_after_it_was_kept_in_a_file(
    before: list[tuple[float, float | None]], after: list[tuple[float, float | None]], goal: Goal
) -> None:
    curve = Curve(is_higher_better=goal == "Maximize")
    for value, step in before:
        curve.add(value, step)
    other = Curve(is_higher_better=goal == "Maximize")
    other.load(json.loads(json.dumps(curve.dump())))
    for value, step in after:
        other.add(value, step)
    assert other.columns() == columns_of(before + after, goal)
