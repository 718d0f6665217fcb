"""What a script sees of the reporter: nothing. What the Job gets: all, in few writes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import pytest

from hyperdrive.job import Answer, NoAccount
from hyperdrive.reporter import MAX_WAITING, Reporter
from hyperdrive.settings import Settings

from .api_server import PATIENCE
from .operators_view import metrics_in, metrics_of

SETTINGS = Settings(trial="digits-7", primary_metric="accuracy", interval_seconds=3600.0)


@dataclass
class Job:
    """Takes patches, or does not."""

    written: SimpleQueue[Mapping[str, str]] = field(default_factory=SimpleQueue)
    answer: Answer = field(default_factory=lambda: Answer(200))
    error: Exception | None = None

    def patch(self, annotations: Mapping[str, str]) -> Answer:
        self.written.put(annotations)
        if self.error is not None:
            raise self.error
        return self.answer

    def next(self) -> Mapping[str, str]:
        return self.written.get(timeout=PATIENCE)


def started(job: Job, settings: Settings = SETTINGS) -> Reporter:
    reporter = Reporter(settings, job.patch)
    reporter.start()
    return reporter


def test_the_first_report_is_written_at_once_and_later_ones_together() -> None:
    job = Job()
    reporter = started(job)
    reporter.report({"accuracy": 0.0}, 0)
    assert metrics_of(job.next()) == {"accuracy": 0.0}
    for step in range(1, 1001):
        reporter.report({"accuracy": step / 1000}, step)
    assert reporter.flush(PATIENCE)
    assert metrics_of(job.next()) == {"accuracy": 1.0}
    assert job.written.empty()


def test_a_flush_with_nothing_new_writes_nothing() -> None:
    job = Job()
    assert started(job).flush(PATIENCE)
    assert job.written.empty()


def test_what_waits_while_the_api_server_hangs_is_bounded_and_counted() -> None:
    job = Job()
    reporter = Reporter(SETTINGS, job.patch)  # its thread does not run, as if it hung
    for step in range(3 * MAX_WAITING):
        reporter.report({"accuracy": 1.0}, step)
    assert len(reporter._waiting) < MAX_WAITING
    reporter.start()
    assert reporter.flush(PATIENCE)
    assert f"{3 * MAX_WAITING}]" in job.next()["hyperdrive.dev/curve"].split('"value"')[0]


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (Answer(403, "jobs.batch is forbidden"), None, "Role hyperdrive-reporter"),
        (Answer(500, "etcd is away"), None, "500 etcd is away"),
        (Answer(200), TimeoutError("timed out"), "can't be reached (timed out)"),
        (Answer(200), ConnectionRefusedError(), "can't be reached (ConnectionRefusedError)"),
        (Answer(200), KeyError("a bug of ours"), "a bug of ours"),
        (Answer(404, "not found"), None, "is gone"),
        (Answer(200), NoAccount(), "no service account"),
    ],
)
def test_trouble_is_one_line_and_a_script_that_goes_on(
    capfd: pytest.CaptureFixture[str], answer: Answer, error: Exception | None, says: str
) -> None:
    reporter = started(Job(answer=answer, error=error))
    for step in range(3):
        reporter.report({"accuracy": 0.5}, step)
        reporter.flush(PATIENCE)
    captured = capfd.readouterr()
    (line,) = captured.err.splitlines()
    assert says in line
    assert captured.out == ""
    assert metrics_in(line) == {}  # the log source finds no metric in it


def test_after_trouble_the_newest_state_is_written() -> None:
    job = Job(answer=Answer(503, "later"))
    reporter = started(job)
    reporter.report({"accuracy": 0.1}, 1)
    assert not reporter.flush(PATIENCE)
    job.answer = Answer(200)
    reporter.report({"loss": 2.0}, 2)
    assert reporter.flush(PATIENCE)
    while not job.written.empty():
        last = job.next()
    assert metrics_of(last) == {"accuracy": 0.1, "loss": 2.0}


@pytest.mark.parametrize("gone", [Answer(404, "not found"), Answer(422, "metadata.uid: field is immutable")])
def test_a_job_that_is_gone_is_not_written_to_again_and_its_trial_is_stopped(gone: Answer) -> None:
    job = Job()
    reporter = started(job)
    reporter.report({"accuracy": 0.1}, 1)
    assert reporter.flush(PATIENCE)
    job.answer = gone
    for step in (2, 3):
        reporter.report({"accuracy": 0.1}, step)
        reporter.flush(PATIENCE)
    assert reporter.is_stopped
    assert job.written.qsize() == 2


def test_a_job_that_never_was_stops_nobody() -> None:
    reporter = started(Job(answer=Answer(404, "not found")))
    reporter.report({"accuracy": 0.1}, 1)
    reporter.flush(PATIENCE)
    assert not reporter.is_stopped


def test_the_answer_of_a_write_tells_that_the_trial_is_stopped() -> None:
    job = Job()
    reporter = started(job)
    reporter.report({"accuracy": 0.1}, 1)
    assert reporter.flush(PATIENCE)
    assert not reporter.is_stopped
    job.answer = Answer(200, is_ending=True)
    reporter.report({"accuracy": 0.2}, 2)
    assert reporter.flush(PATIENCE)
    assert reporter.is_stopped


class Hostile:
    """A value that will not be converted or printed."""

    def __float__(self) -> float:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "values",
    [
        {"accuracy": float("nan")},
        {"accuracy": Hostile()},
        {"": 1.0},
        {"x" * 254: 1.0},
        {7: 1.0},
        {("a", "b"): 1.0},
    ],
)
def test_what_is_no_metric_is_dropped_with_one_line_and_the_rest_is_written(
    capfd: pytest.CaptureFixture[str], values: Mapping[Any, Any]
) -> None:
    job = Job()
    reporter = started(job)
    for step in range(3):
        reporter.report({**values, "loss": 1.0}, step)
    assert reporter.flush(PATIENCE)
    while not job.written.empty():
        last = job.next()
    assert metrics_of(last) == {"loss": 1.0}
    (line,) = capfd.readouterr().err.splitlines()
    assert "dropped a" in line
    assert metrics_in(line) == {}


def test_a_child_process_does_not_wait_for_its_parents_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = started(Job())
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert not reporter.flush(PATIENCE)
