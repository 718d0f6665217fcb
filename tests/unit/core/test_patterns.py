"""A user's own pattern for metrics."""

import time

import pytest
from tests.support.builders import AIM, sweep, sweep_manifest

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.metrics import MAX_LINE, Report
from hyperdrive_operator.core.patterns import MAX_MATCHES, reader_of
from hyperdrive_operator.core.progress import read_lines, read_message

KATIB = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"


def spec(pattern: str) -> HyperDriveSpec:
    return HyperDriveSpec.model_validate(sweep_manifest(metrics={"pattern": pattern})["spec"])


def read(pattern: str, line: str) -> Report | None:
    return reader_of(spec(pattern), AIM)(line.encode())


@pytest.mark.parametrize(
    ("pattern", "line", "pairs"),
    [
        (r"acc is (?P<value>\S+)", "acc is 0.5", (("accuracy", "0.5"),)),
        (r"(\d\.\d+) %", "so far 0.5 %", (("accuracy", "0.5"),)),
        (r"(?P<name>\w+) -> (?P<value>\S+)", "loss -> 1 acc -> 2", (("loss", "1"), ("acc", "2"))),
        (KATIB, "accuracy = 0.93 loss=2e-3", (("accuracy", "0.93"), ("loss", "2e-3"))),
        (r"точность (?P<value>\S+)", "точность 0.5", (("accuracy", "0.5"),)),
        (r"(?i)ACC=(?P<value>\S+)", "acc=nan", (("accuracy", "nan"),)),
    ],
)
def test_what_a_pattern_finds(pattern: str, line: str, pairs: tuple[tuple[str, str], ...]) -> None:
    report = read(pattern, line)
    assert report is not None
    assert report.pairs == pairs


def test_a_line_without_a_match_says_nothing() -> None:
    assert read(r"acc is (?P<value>\S+)", "accuracy=0.5") is None


def test_the_step_is_the_patterns_or_among_the_metrics() -> None:
    with_step = read(r"(?P<step>\d+): (?P<value>\S+)", "7: 0.5")
    among = read(KATIB, "epoch=3 accuracy=0.5")
    assert (with_step and with_step.step, among and among.step) == (7, 3)


def test_a_pattern_reads_lines_and_last_words() -> None:
    reader = reader_of(spec(r"acc is (?P<value>\S+)"), AIM)
    assert read_lines("acc is 0.5\naccuracy=0.9\nacc is nan\nacc is 0.25", AIM, reader).best == 0.5
    assert read_message("acc is 0.5", AIM, reader).best == 0.5
    assert read_message('{"accuracy": 0.25}', AIM, reader).best == 0.25


@pytest.mark.parametrize(
    "pattern", [r"(a+)+(?P<value>$)", r"(a|aa)+(?P<value>b)", r"(?P<value>a*)*c", r"(?P<value>a.*b)?"]
)
def test_no_pattern_takes_longer_than_a_bound(pattern: str) -> None:
    began = time.monotonic()
    read(pattern, "a" * MAX_LINE)
    assert time.monotonic() - began < 5  # Python's own expressions take longer than the universe has


def test_the_matches_in_a_line_are_bounded() -> None:
    report = read(r"(?P<value>\d)", "1" * MAX_LINE)
    assert report is not None
    assert len(report.pairs) == MAX_MATCHES


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?P<value>[", "missing ]"),
        ("(?=a)(?P<value>b)", "invalid perl operator: (?="),
        (r"(?P<value>a)\1", "invalid escape sequence"),
        ("((((a{1000}){1000}){1000}))", "repetition size"),
        ("a", "needs a group (?P<value>...)"),
    ],
)
def test_a_wrong_pattern_is_refused_with_a_reason(pattern: str, words: str) -> None:
    (problem,) = sweep(metrics={"pattern": pattern}).problems
    assert problem.field == "spec.metrics.pattern"
    assert words in problem.message
