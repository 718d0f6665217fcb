"""When the thread sends: the newest, not too often, at once when asked, ever less often while it fails."""

from collections.abc import Callable
from queue import SimpleQueue

import pytest

from hyperdrive.sender import MAX_PAUSE_SECONDS, Outcome, Sender, pause_after

from .api_server import PATIENCE

HOUR = 3600.0


def started(attempt: Callable[[], Outcome], interval_seconds: float = HOUR) -> Sender:
    sender = Sender(attempt, interval_seconds=interval_seconds)
    sender.start()
    return sender


@pytest.fixture
def tries() -> SimpleQueue[str]:
    return SimpleQueue()


def sent(tries: SimpleQueue[str]) -> Outcome:
    tries.put("sent")
    return Outcome(is_sent=True)


def test_the_first_news_are_sent_at_once_and_more_wait_for_the_interval(tries: SimpleQueue[str]) -> None:
    sender = started(lambda: sent(tries))
    sender.news()
    assert tries.get(timeout=PATIENCE) == "sent"
    for _ in range(1000):
        sender.news()
    assert sender.flush(PATIENCE)  # the thread has taken up all that was asked before
    assert tries.qsize() == 1  # the flush itself: nothing was sent in between


def test_news_are_sent_again_when_the_interval_is_over(tries: SimpleQueue[str]) -> None:
    sender = started(lambda: sent(tries), interval_seconds=0.01)
    for _ in range(3):
        sender.news()
        assert tries.get(timeout=PATIENCE) == "sent"


def test_a_flush_does_not_wait_for_the_interval(tries: SimpleQueue[str]) -> None:
    sender = started(lambda: sent(tries))
    for _ in range(3):
        assert sender.flush(PATIENCE)
    assert tries.qsize() == 3


def test_a_flush_gives_up_in_time_when_the_api_server_hangs() -> None:
    let_go: SimpleQueue[None] = SimpleQueue()

    def hang() -> Outcome:
        let_go.get(timeout=PATIENCE)
        return Outcome(is_sent=True)

    sender = started(hang)
    assert not sender.flush(0.01)
    let_go.put(None)


def test_what_failed_is_tried_again_without_news(tries: SimpleQueue[str]) -> None:
    outcomes = iter([Outcome(is_sent=False), Outcome(is_sent=False), Outcome(is_sent=True)])

    def attempt() -> Outcome:
        tries.put("tried")
        return next(outcomes)

    sender = started(attempt, interval_seconds=0.01)
    sender.news()
    for _ in range(3):
        assert tries.get(timeout=PATIENCE) == "tried"


@pytest.mark.parametrize(
    ("outcome", "failures", "pause"),
    [
        (Outcome(is_sent=True), 0, 5.0),
        (Outcome(is_sent=False), 1, 10.0),
        (Outcome(is_sent=False), 3, 40.0),
        (Outcome(is_sent=False), 1000, MAX_PAUSE_SECONDS),
        (Outcome(is_sent=False, retry_after=60.0), 1, 60.0),
        (Outcome(is_sent=False, retry_after=1e9), 1, MAX_PAUSE_SECONDS),
    ],
)
def test_the_pause_doubles_with_each_failure_and_is_bounded(outcome: Outcome, failures: int, pause: float) -> None:
    assert pause_after(outcome, failures, 5.0) == pause
