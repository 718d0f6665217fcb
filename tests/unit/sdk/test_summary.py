"""What the annotations say, judged by the operator's own reading of them."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hyperdrive.summary import MAX_METRICS, MAX_NAME, Summary, finite, line_of
from hyperdrive_operator.core import metrics

from .operators_view import metrics_in, metrics_of


def summary_of(*reports: dict[str, float], primary: str = "accuracy") -> Summary:
    summary = Summary(primary, is_higher_better=True)
    for step, values in enumerate(reports):
        summary.add((values, step))
    return summary


def test_the_last_value_of_each_metric_is_written() -> None:
    written = summary_of({"accuracy": 0.5, "loss": 2}, {"accuracy": 0.4}).annotations()
    assert metrics_of(written) == {
        "accuracy": 0.4,
        "loss": 2.0,
    }


def test_the_curve_has_the_primary_metric_alone() -> None:
    written = summary_of({"accuracy": 0.5}, {"loss": 1.0}, {"accuracy": 0.4}).annotations()
    assert json.loads(written["hyperdrive.dev/curve"]) == {
        "interval": [1, 2],
        "value": [0.5, 0.4],
        "best": [0.5, 0.5],
        "mean": [0.5, pytest.approx(0.45)],
        "step": [0, 2],
    }


@pytest.mark.parametrize("primary", ["accuracy", ""])
def test_without_a_report_of_the_primary_metric_there_is_no_curve(primary: str) -> None:
    assert "hyperdrive.dev/curve" not in summary_of({"loss": 1.0}, primary=primary).annotations()


def test_the_annotations_are_bounded_and_the_primary_metric_has_its_place() -> None:
    many = {f"{n:04}".ljust(MAX_NAME, "é"): 1 / 3 for n in range(200)}
    summary = summary_of(many, *[{"accuracy": n / 7} for n in range(5000)])
    written = summary.annotations()
    assert len(json.loads(written["hyperdrive.dev/metrics"])) == MAX_METRICS == metrics.MAX_METRICS
    assert json.loads(written["hyperdrive.dev/metrics"])["accuracy"] == 4999 / 7
    assert sum(len(value.encode()) for value in written.values()) < 64 * 1024  # a quarter of what the API server takes


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0.0),
        (-1.5, -1.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.array(0.25), 0.25),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 4), 0.25),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        (True, None),
        (np.array([1.0, 2.0]), None),
        ("0.5", None),
        (b"1", None),
        (None, None),
        ([1], None),
        (1j, None),
    ],
)
def test_a_value_is_a_finite_number_or_none(value: Any, number: float | None) -> None:
    assert finite(value) == number


def test_the_printed_line_is_read_by_the_operator_as_it_was_meant() -> None:
    line = line_of({"accuracy": 0.1 + 0.2, "val/loss": 1e-9, "epochs": 3, "bad": float("nan")}, 7)
    assert line == "step=7 accuracy=0.30000000000000004 val/loss=1e-09 epochs=3"
    assert metrics_in(line) == {"step": 7.0, "accuracy": 0.1 + 0.2, "val/loss": 1e-9, "epochs": 3.0}
