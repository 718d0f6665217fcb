"""Metrics, as scripts write them."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperdrive_operator.core.metrics import MAX_ANNOTATION, MAX_LINE, MAX_METRICS, Aim, better, number
from hyperdrive_operator.core.progress import read_annotation, read_lines


def accuracy(text: str) -> float | None:
    return read_lines(text, Aim("accuracy", "Maximize")).best


@pytest.mark.parametrize(
    "line",
    [
        "accuracy=0.93",
        "accuracy: 0.93",
        "accuracy = 0.93",
        "accuracy\t:\t0.93",
        "  accuracy=0.93  ",
        "--accuracy=0.93",
        "epoch 3/10 loss=0.2 accuracy=0.93",
        "epoch=3, accuracy=0.93, loss=0.2",
        "epoch=3;accuracy=0.93;loss=0.2",
        "[accuracy=0.93]",
        "(loss: 0.2, accuracy: 0.93)",
        "|accuracy=0.93|",
        "Final accuracy: 0.93.",
        "accuracy=0.93: a new best",
        "accuracy=9.3e-1",
        "accuracy=.93",
        "accuracy=+0.93",
        "accuracy='0.93'",
        'accuracy="0.93"',
        "accuracy=0.93%",
        "Results: accuracy=0.93",
        "INFO:root:accuracy=0.93",
        "2026-03-01 12:00:00,123 INFO train: accuracy: 0.93",
        "[2026-03-01T12:00:00Z] accuracy=0.93",
        "validation: loss: 0.2 - accuracy: 0.93",
        "{'loss': 0.2, 'accuracy': 0.93}",
        "{'accuracy': 0.93, 'best': None}",
        "{'accuracy': np.float64(0.93)}",
        "accuracy: tensor(0.93, device='cuda:0')",
        '{"epoch": 3, "accuracy": 0.93}',
        '{"accuracy": "0.93"}',
        '  {"accuracy": 0.93}  ',
        'DEBUG {"epoch": 3, "accuracy": 0.93}',
        "\x1b[32mINFO\x1b[0m accuracy=\x1b[1m0.93\x1b[0m",
        "\x1b[1;32maccuracy\x1b[0m: 0.93",
        " 10%|#   | 1/10 [00:01<00:09, loss=0.2, accuracy=0.93]",
        "val_accuracy=0.5 accuracy=0.93 train/accuracy=0.4",
        "accuracy=0.93\r\n",
    ],
)
def test_a_line_with_the_metric(line: str) -> None:
    assert accuracy(line) == 0.93


@pytest.mark.parametrize(
    "line",
    [
        "",
        "accuracy",
        "accuracy 0.93",
        "accuracy=",
        "accuracy==0.93",
        "accuracy=high",
        "val_accuracy=0.93",
        "val/accuracy=0.93",
        "val.accuracy=0.93",
        "val-accuracy=0.93",
        "top1@accuracy=0.93",
        "accuracy_top5=0.93",
        "accuracy/val=0.93",
        "accuracy@5=0.93",
        "accuracy-5: 0.93",
        "Accuracy=0.93",
        "accuracy=nan",
        "accuracy=NaN",
        "accuracy=inf",
        "accuracy=-Infinity",
        "accuracy=1e999",
        "accuracy=1_000",
        "accuracy=True",
        "accuracy=0x10",
        '{"accuracy": NaN}',
        '{"accuracy": true}',
        '{"accuracy": null}',
        '{"val": {"accuracy": 0.93}}',
        '["accuracy", 0.93]',
    ],
)
def test_a_line_without_the_metric(line: str) -> None:
    assert accuracy(line) is None


@pytest.mark.parametrize(
    ("primary", "line"),
    [
        ("mAP50(B)", "mAP50(B)=0.5"),
        ("mAP50(B)", "{'mAP50(B)': 0.5}"),
        ("f1-score", "f1-score: 0.5"),
        ("f1", "f1-score=0.1 f1=0.5"),
        ("val/acc", "val/acc=0.5 acc=0.1"),
        ("acc", "val/acc=0.1 acc=0.5"),
        ("acc@1", "acc@1: 0.5, acc@5: 0.9"),
        ("R²", "R²=0.5"),
        ("точность", "точность: 0.5"),
        ("1st", "1st=0.5"),
        ("_", "_=0.5"),
        ("-loss", "-loss=0.5"),
        ("a.b", "axb=0.1 a.b=0.5"),
        ("%", "%=0.5"),
        ("λ*|w|", "λ*|w|=0.5"),
    ],
)
def test_a_metric_of_any_name_is_found(primary: str, line: str) -> None:
    assert read_lines(line, Aim(primary, "Maximize")).best == 0.5


def test_a_long_line_is_read_up_to_a_bound() -> None:
    assert accuracy("x" * 60_000 + " accuracy=0.5") == 0.5
    assert accuracy("x" * MAX_LINE + " accuracy=0.5") is None


def test_zero_is_a_value() -> None:
    reading = read_lines("loss=0\nloss=0.0", Aim("loss", "Minimize"))
    assert (reading.best, reading.reports) == (0.0, 2)
    assert read_annotation('{"loss": 0}', Aim("loss", "Minimize")).best == 0.0


@pytest.mark.parametrize(("goal", "best"), [("Maximize", 0.9), ("Minimize", 0.1)])
def test_the_best_of_a_series_counts_and_the_last_of_each_is_kept(goal: Any, best: float) -> None:
    reading = read_lines("m=0.5 n=1\nm=0.9\nm=nan\nm=0.1\nm=0.4 n=2", Aim("m", goal))
    assert (reading.best, reading.reports, reading.last) == (best, 4, {"m": 0.4, "n": 2.0})
    assert reading.not_a_number == "'nan'"


def test_a_progress_bar_overwrites_its_line() -> None:
    bar = "\r".join(f"{n}%|#| loss={1 / (n + 1):.3f}" for n in range(100))
    reading = read_lines(bar, Aim("loss", "Minimize"))
    assert (reading.best, reading.reports) == (0.01, 100)


def test_what_is_no_number_is_told_as_it_was_written() -> None:
    assert read_lines("accuracy=high", Aim("accuracy", "Maximize")).not_a_number == "'high'"
    assert read_annotation('{"accuracy": [1]}', Aim("accuracy", "Maximize")).not_a_number == "[1]"


@pytest.mark.parametrize(
    ("text", "best", "problem"),
    [
        pytest.param('{"accuracy": 0.93}', 0.93, None, id="the contract"),
        pytest.param('{"accuracy": "0.93"}', 0.93, None, id="a number in a text"),
        pytest.param('{"loss": 1}', None, None, id="another metric"),
        pytest.param(None, None, None, id="no annotation"),
        pytest.param("", None, None, id="an empty one"),
        pytest.param('{"accuracy": NaN}', None, "nan", id="NaN"),
        pytest.param('{"accuracy": null}', None, "None", id="null"),
        pytest.param('{"accuracy": 1e400}', None, "inf", id="too large"),
        pytest.param("0.93", None, "no JSON object of name to number", id="a bare number"),
        pytest.param("accuracy=0.93", None, "no JSON object", id="no JSON"),
        pytest.param("{'accuracy': 0.93}", None, "no JSON object", id="python's own form"),
        pytest.param("[" * 100_000, None, "no JSON object", id="nested without end"),
        pytest.param('{"accuracy": ' + "1" * 5000 + "}", None, "no JSON object", id="five thousand digits"),
        pytest.param('{"accuracy": ' + "1" * 400 + "}", None, "111", id="four hundred digits"),
    ],
)
def test_annotation(text: str | None, best: float | None, problem: str | None) -> None:
    reading = read_annotation(text, Aim("accuracy", "Maximize"))
    assert reading.best == best
    assert (reading.not_a_number is None) == (problem is None)
    assert problem is None or problem in str(reading.not_a_number)


def test_an_annotation_larger_than_any_real_one_is_not_read() -> None:
    assert read_annotation('{"accuracy": 1}' + " " * MAX_ANNOTATION, Aim("accuracy", "Maximize")).best is None


def test_the_number_of_metrics_is_bounded_and_the_primary_one_is_always_among_them() -> None:
    text = "\n".join(f"m{n}=1" for n in range(1000)) + "\naccuracy=0.5"
    last = read_lines(text, Aim("accuracy", "Maximize")).last
    assert len(last) == MAX_METRICS
    assert last["accuracy"] == 0.5


def test_a_name_longer_than_any_real_one_is_not_kept() -> None:
    reading = read_annotation(json.dumps({"x" * 254: 1, "y" * 253: 1}), Aim("accuracy", "Maximize"))
    assert list(reading.last) == ["y" * 253]


@pytest.mark.parametrize(
    "unit",
    ["a", "a=", "a:", "-", '"', "a ", " ", "a/", "=", "{", "\x1b[", "a=b(", "a.b", "accuracy", "accuracy ", "\r", "[1"],
)
def test_a_megabyte_without_a_line_end_costs_no_more_than_its_length(unit: str) -> None:
    # quadratic work would take hours: the test's own time limit would end it
    assert accuracy(unit * (2**20 // len(unit)) + "\naccuracy=0.5") == 0.5


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (1, 1.0),
        (-0.5, -0.5),
        ("1e3", 1000.0),
        (" 2 ", 2.0),
        ("93.1%", 93.1),
        (True, None),
        (False, None),
        (None, None),
        ("", None),
        ("%", None),
        ("1_000", None),
        ("nan", None),
        (math.inf, None),
        (10**400, None),
        ([1], None),
        ({}, None),
    ],
)
def test_number(raw: Any, value: float | None) -> None:
    assert number(raw) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON | st.dictionaries(st.just("accuracy"), JSON))
def test_any_annotation_gives_a_finite_value_or_none(value: Any) -> None:
    reading = read_annotation(json.dumps(value), Aim("accuracy", "Maximize"))
    assert all(math.isfinite(each) for each in [*reading.last.values(), reading.best or 0.0])


@given(st.text("ac=: \r\n{}'\"0.5e%\x1b[m-", max_size=40), st.text("ac()[]*+?.\\^$|-", min_size=1, max_size=4))
def test_any_log_and_any_name_are_read_without_an_exception(text: str, primary: str) -> None:
    reading = read_lines(text, Aim(primary, "Maximize"))
    assert reading.best is None or math.isfinite(reading.best)


def test_better() -> None:
    assert better("Maximize", 1, 0)
    assert better("Minimize", 0, 1)
    assert better("Maximize", -1e308, None)
    assert not better("Maximize", 1, 1)
    assert not better("Minimize", 1, 1)
