"""Reports in a Job's annotations: each change that is seen is one, or the reporter's own curve is all of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import AIM

from hyperdrive_operator.core.annotations import MAX_CURVE_TEXT, annotated, read_told_curve
from hyperdrive_operator.core.curves import Curve, columns_of
from hyperdrive_operator.core.metrics import Goal
from hyperdrive_operator.core.progress import Progress


def told(*values: float, goal: Goal = "Maximize") -> str:
    curve = Curve()
    for step, value in enumerate(values):
        curve = curve.reported(value, goal, step=step)
    return json.dumps(columns_of(curve))


def seen(*texts: str | None, known: Progress | None = None, curve: str | None = None) -> list[float]:
    for text in texts:
        known = annotated(known, text, curve, AIM)
    return [point.value for point in known.curve.points] if known is not None else []


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        pytest.param([None], [], id="no annotation"),
        pytest.param(['{"accuracy": 0.5}'], [0.5], id="one"),
        pytest.param(['{"accuracy": 0.5}', '{"accuracy": 0.25}'], [0.5, 0.25], id="a change"),
        pytest.param(['{"accuracy": 0.5}', '{"accuracy": 0.5, "loss": 1}'], [0.5], id="the same value"),
        pytest.param(['{"accuracy": 0.5, "step": 1}', '{"accuracy": 0.5, "step": 2}'], [0.5, 0.5], id="another step"),
        pytest.param(
            ['{"accuracy": 0.5}', "oops", '{"accuracy": NaN}', "{}", None], [0.5], id="junk takes nothing away"
        ),
        pytest.param(['{"loss": 1}', '{"accuracy": 0}'], [0], id="zero is a value"),
    ],
)
def test_changes_are_counted(texts: list[str | None], values: list[float]) -> None:
    assert seen(*texts) == values


def test_the_last_value_of_each_metric_is_kept() -> None:
    progress = annotated(annotated(None, '{"a": 1, "accuracy": 2}', None, AIM), '{"b": 3}', None, AIM)
    assert progress is not None
    assert progress.last == {"a": 1, "accuracy": 2, "b": 3}


def test_the_reporters_curve_counts_if_it_is_longer_than_what_is_known() -> None:
    assert seen('{"accuracy": 0.3}', curve=told(0.1, 0.2, 0.3)) == [0.1, 0.2, 0.3]
    known = annotated(None, None, told(0.1, 0.2, 0.3), AIM)
    assert seen('{"accuracy": 0.9}', known=known, curve=told(0.9)) == [0.1, 0.2, 0.3]
    assert seen('{"accuracy": 0.4}', known=known, curve=told(0.1, 0.2, 0.3, 0.4)) == [0.1, 0.2, 0.3, 0.4]


def test_a_curve_alone_gives_the_value() -> None:
    progress = annotated(None, None, told(0.1, 0.3, 0.2), AIM)
    assert progress is not None
    assert (progress.best, progress.last, progress.step) == (0.3, {"accuracy": 0.2}, 2)


def changed(**columns: Any) -> str:
    return json.dumps({**json.loads(told(0.1, 0.3, 0.2)), **columns})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param(changed() + " " * MAX_CURVE_TEXT, id="larger than any"),
        pytest.param(changed(best=[0.1, 0.2, 0.2]), id="a best worse than its report"),
        pytest.param(changed(best=[0.9, 0.3, 0.3]), id="a best that gets worse"),
        pytest.param(changed(mean=[0.1, 0.5, 0.5]), id="a mean better than the best"),
        pytest.param(changed(mean=[0.1, float("nan"), 0.1]), id="NaN"),
        pytest.param(changed(value=[0.1, float("inf"), 0.1]), id="infinity"),
        pytest.param(changed(value=[0.1, "0.2", 0.1]), id="a text"),
        pytest.param(changed(interval=[1, 3, 2]), id="out of order"),
        pytest.param(changed(interval=[1, 2]), id="too short a column"),
        pytest.param(changed(interval=[1, 2, 10**400]), id="a count of four hundred digits"),
        pytest.param(changed(value=[0.1, 10**400, 0.1]), id="a value of four hundred digits"),
    ],
)
def test_a_curve_that_can_not_be_is_none(text: str) -> None:
    assert read_told_curve(text, "Maximize") == Curve()
    assert seen('{"accuracy": 0.5}', curve=text) == [0.5]


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=300),
    st.sampled_from(["Maximize", "Minimize"]),
)
def test_every_curve_that_a_reporter_writes_is_taken(values: list[float], goal: Goal) -> None:
    assert read_told_curve(told(*values, goal=goal), goal).reports == len(values)
