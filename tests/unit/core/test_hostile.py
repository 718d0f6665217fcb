"""Thousands of hostile inputs from training pods: never an exception, never more kept than the bounds allow."""

import json
import random

import pytest

from hyperdrive_operator.core.annotations import read_told_curve
from hyperdrive_operator.core.curves import MAX_POINTS
from hyperdrive_operator.core.loglines import LogFeed
from hyperdrive_operator.core.metrics import MAX_METRICS, Aim, line_reader, read_object
from hyperdrive_operator.core.progress import Progress

AIM = Aim("accuracy", "Maximize")
CASES = 10_000
PIECES = (
    b"accuracy", b"=", b": ", b"nan", b"-inf", b"1e999", b"0.5", b"{", b"}", b"[", b'"', b"\r", b"\n",
    b"\x00", b"\xff\xfe",
    b"2026-03-01T12:00:00.000000000Z ", b"9999-99-99T99:99:99Z ", b"step=", b"1" * 400, b"\x1b[31m", b",",
    b"null", b"True",
)  # fmt: skip


def texts(seed: int) -> list[bytes]:
    chance = random.Random(seed)  # noqa: S311  not for secrets
    return [b"".join(chance.choices(PIECES, k=chance.randint(0, 12))) for _ in range(CASES)]


@pytest.mark.parametrize("seed", range(8))
def test_no_log_breaks_the_reader_or_fills_its_memory(seed: int) -> None:
    feed = LogFeed("pod", line_reader(AIM), AIM, progress=Progress())
    for text in texts(seed):
        feed.feed(text)
    feed.finish()
    assert len(feed.progress.last) <= MAX_METRICS
    assert len(feed.progress.curve.points) <= MAX_POINTS + 1


@pytest.mark.parametrize("seed", range(8))
def test_no_annotation_breaks_the_reader(seed: int) -> None:
    for text in texts(seed):
        read_object(text.decode(errors="replace"))
        curve = read_told_curve(json.dumps({"interval": [1], "value": [text.decode(errors="replace")]}), "Maximize")
        assert curve.reports == 0
        read_told_curve(text.decode(errors="replace"), "Minimize")
