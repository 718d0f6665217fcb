"""How values read, and the last line that scripts rely on."""

import math

import pytest

from hyperdrive_demo.board import read_sweep
from hyperdrive_demo.text import best_trial_line, show

from .boards import best, hyperdrive


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.96938, "0.9694"),
        (0.00012346, "0.0001235"),
        (32, "32"),
        (32.0, "32"),
        (1e300, "1e+300"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (True, "true"),
        (None, "null"),
        ("saga", "saga"),
        ("two words", '"two words"'),
        ("", '""'),
        ([64, 64], "[64,64]"),
    ],
)
def test_a_value_reads_short_and_without_ambiguity(value: object, text: str) -> None:
    assert show(value) == text


def test_the_last_line_names_trial_metric_and_parameters_in_order() -> None:
    sweep = read_sweep(hyperdrive(state="Complete", bestTrial=best(7, 0.96944)))
    assert sweep.best is not None
    assert best_trial_line(sweep, sweep.best) == (
        "best trial: digits-7 accuracy=0.9694 learning-rate=0.03123 batch-size=32"
    )
