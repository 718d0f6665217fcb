"""Counting in a log that comes in pieces: any stream that breaks anywhere gives what reading it whole gives."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import AIM, NOW

from hyperdrive_operator.core.loglines import TAIL_BYTES, LogFeed, Position
from hyperdrive_operator.core.metrics import MAX_LINE, line_reader
from hyperdrive_operator.core.progress import Progress

READ = line_reader(AIM)


def feed_from(progress: Progress | None = None, position: Position | None = None) -> LogFeed:
    return LogFeed("pod-1", READ, AIM, progress=progress or Progress(), position=position)


def stamp(seconds: float) -> str:
    moment = NOW + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}000Z"


def line(seconds: float, text: str) -> bytes:
    return f"{stamp(seconds)} {text}\n".encode()


def values(feed: LogFeed) -> list[float]:
    return [point.value for point in feed.progress.curve.points]


def test_lines_are_counted_as_they_become_whole() -> None:
    feed = feed_from()
    feed.feed(line(0, "accuracy=0.1") + line(1, "accuracy=0.2")[:40])
    assert values(feed) == [0.1]
    feed.feed(line(1, "accuracy=0.2")[40:])
    assert values(feed) == [0.1, 0.2]
    assert feed.position == Position("pod-1", stamp(1), 1)
    assert feed.position.since == "2026-03-01T12:00:01Z"


def test_the_last_line_counts_without_an_end_once_nothing_follows() -> None:
    feed = feed_from()
    feed.feed(line(0, "accuracy=0.1")[:-1])
    assert values(feed) == []
    feed.finish()
    feed.finish()
    assert values(feed) == [0.1]


def test_half_a_line_of_a_stream_that_broke_counts_when_it_comes_again() -> None:
    feed = feed_from()
    feed.feed(line(0, "accuracy=0.1") + line(1, "accuracy=0.25")[:-2])
    feed.begin()
    feed.feed(line(0, "accuracy=0.1") + line(1, "accuracy=0.25"))
    assert values(feed) == [0.1, 0.25]


@pytest.mark.parametrize(
    "form",
    [
        "2026-03-01T12:00:00.5Z ",
        "2026-03-01T12:00:00Z ",
        "2026-03-01T14:00:00.123456789+02:00 ",
        "2026-03-01T11:59:00.000-00:01 ",
    ],
)
def test_a_time_in_another_form_is_a_time(form: str) -> None:
    feed = feed_from()
    feed.feed(f"{form}accuracy=0.5\n".encode())
    assert values(feed) == [0.5]
    assert feed.position.time.startswith("2026-03-01T12:00:00.")
    assert len(feed.position.time) == len(stamp(0))


@pytest.mark.parametrize(
    "words",
    [
        "unable to retrieve container logs for containerd://accuracy=0.9",
        "failed to watch file accuracy=0.9",
        "",
        "2026-13-01T12:00:00.5Z accuracy=0.9",
        "9999-12-31T23:59:59-23:00 accuracy=0.9",
    ],
)
def test_what_the_kubelet_itself_says_has_no_time_and_is_no_output(words: str) -> None:
    feed = feed_from()
    feed.feed(words.encode() + b"\n" + line(0, "accuracy=0.1"))
    assert values(feed) == [0.1]


def test_the_carriage_returns_of_a_progress_bar_end_its_reports() -> None:
    feed = feed_from()
    bar = "\r".join(f"{n}%|#| accuracy={n / 100}" for n in range(5))
    feed.feed(line(0, bar + "\r"))
    assert values(feed) == [0.0, 0.01, 0.02, 0.03, 0.04]


def test_a_progress_bar_longer_than_any_line_is_read_in_bounded_memory() -> None:
    feed = feed_from()
    feed.feed(f"{stamp(0)} ".encode())
    for n in range(1000):
        feed.feed(f"{n}|{'#' * 1000}| accuracy={n}\r".encode())
        assert len(feed._rest) <= MAX_LINE + 2000
    assert feed.progress.reports == 0  # it counts with its end: until then the stream may bring it once more
    feed.feed(b"\n")
    assert feed.progress.reports == 1000


def test_a_line_of_megabytes_is_cut_and_never_held() -> None:
    feed = feed_from()
    feed.feed(f"{stamp(0)} accuracy=0.5 ".encode())
    for _ in range(100):
        feed.feed(b"accuracy=0.7x" * 1000)
        assert len(feed._rest) <= MAX_LINE + 13_000
    feed.feed(b" accuracy=0.9\n" + line(1, "accuracy=0.6"))
    assert values(feed)[0] == 0.5
    assert values(feed)[-1] == 0.6
    assert 0.9 not in values(feed)


def test_a_cut_line_goes_on_behind_its_next_carriage_return() -> None:
    feed = feed_from()
    feed.feed(f"{stamp(0)} {'x' * MAX_LINE * 2}".encode())
    feed.feed(b"accuracy=0.1 \raccuracy=0.2\raccuracy=0.3\n")
    assert values(feed) == [0.2, 0.3]


def test_binary_noise_is_no_report_and_does_no_harm() -> None:
    feed = feed_from()
    noise = bytes(range(256)) * 1000
    feed.feed(line(0, "accuracy=0.1") + f"{stamp(1)} ".encode() + noise + b"\n" + noise + line(2, "accuracy=0.2"))
    feed.feed(line(3, "accuracy=0.3"))
    assert values(feed)[0] == 0.1
    assert values(feed)[-1] == 0.3


def test_lines_of_one_time_are_told_apart_by_their_number() -> None:
    # some container runtimes give all lines of one write the same time
    log = b"".join(line(0, f"accuracy=0.{n}") for n in range(1, 6))
    whole = feed_from()
    whole.feed(log)
    first = feed_from()
    first.feed(log[: len(line(0, "accuracy=0.1")) * 3])
    assert first.position == Position("pod-1", stamp(0), 3)
    again = feed_from(first.progress, first.position)
    again.feed(log)
    assert again.progress == whole.progress


def test_a_line_older_than_one_before_it_counts_once() -> None:
    # stdout and stderr are written to the log by two threads
    log = line(1, "accuracy=0.1") + line(0.5, "accuracy=0.2") + line(2, "accuracy=0.3")
    feed = feed_from()
    feed.feed(log)
    assert values(feed) == [0.1, 0.2, 0.3]
    again = feed_from(feed.progress, feed.position)
    again.feed(log)
    assert again.progress == feed.progress


def test_the_position_of_another_pod_says_nothing_of_this_one() -> None:
    feed = feed_from(position=Position("pod-0", stamp(100), 1))
    feed.feed(line(0, "accuracy=0.1"))
    assert values(feed) == [0.1]


def test_the_last_words_are_kept_and_bounded() -> None:
    feed = feed_from()
    feed.feed(b"".join(line(n, f"line {n}") for n in range(100)) + line(200, "") + line(201, "x" * 5000))
    assert len(feed.tail) == TAIL_BYTES
    feed.feed(b"".join(line(300 + n, f"words {n}") for n in range(20)))
    assert feed.tail == "\n".join(f"words {n}" for n in range(10, 20))


#: Lines with times that may be equal, or out of order; some say nothing, some are progress bars.
texts = st.sampled_from(
    ["accuracy=0.5", "accuracy=0.25 step=1", "accuracy=nan", "loss=1", "", "words", "accuracy=1\raccuracy=2"]
)
steps = st.lists(st.tuples(st.sampled_from([0, 0, 1, 300_000, 1_700_000]), texts), min_size=1, max_size=25)


def log_of(parts: list[tuple[int, str]]) -> list[bytes]:
    microseconds, lines = 0, []
    for step, text in parts:
        microseconds += step
        lines.append(line(microseconds / 1e6, text))
    return lines


def since(lines: list[bytes], second: str) -> bytes:
    """Return what the API gives for a sinceTime: whole lines, from that second on."""
    return b"".join(each for each in lines if each[:19].decode() >= second[:19])


@given(steps, st.data())
def test_any_breaks_restarts_and_repetitions_give_what_reading_it_whole_gives(
    parts: list[tuple[int, str]], data: st.DataObject
) -> None:
    lines = log_of(parts)
    whole = feed_from()
    whole.feed(b"".join(lines))

    feed = feed_from()
    for _ in range(data.draw(st.integers(0, 4))):
        available = since(lines[: data.draw(st.integers(0, len(lines)))], feed.position.since)
        until = data.draw(st.integers(0, len(available)))  # the stream breaks within a line
        feed.begin()
        for begin in range(0, until, size := data.draw(st.integers(1, 200))):
            feed.feed(available[begin : min(begin + size, until)])
        if data.draw(st.booleans()):  # the operator starts anew, with what was recorded
            feed = feed_from(feed.progress, feed.position)
    feed.begin()
    feed.feed(since(lines, feed.position.since))
    assert feed.progress == whole.progress
