"""Following the logs of running trials: what is reported shows while they run, and counts once whatever happens."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.builders import limits, sweep_manifest
from tests.support.fake_cluster import FakeCluster
from tests.support.laboratory import Laboratory

from hyperdrive_operator.controller import following, logs
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.core.trials import Trial
from hyperdrive_operator.kube.errors import ForbiddenError, TransientError
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, PODS, Object

POD = "digits-1-pod"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(following, "PAUSES_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(logs, "NEWS_SECONDS", 0.0)


class Bench:
    """A sweep of one trial, and what is known of it."""

    def __init__(self, **spec: Any) -> None:
        self.lab = Laboratory()
        self.lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(1, 1), **spec))

    @property
    def cluster(self) -> FakeCluster:
        return self.lab.cluster

    @property
    def trial(self) -> Trial:
        (trial,) = self.lab.cache.trials(self.lab.cache.sweeps()[0])
        return trial

    @property
    def status(self) -> Object:
        status: Object = self.lab.record("digits-1")["status"]
        return status

    def values(self) -> list[float]:
        return [point.value for point in self.trial.curve.points]

    async def started(self) -> None:
        """Let the trial run, and be followed."""
        await self.lab.settle()
        self.lab.start_jobs()
        await self.lab.settle()

    async def hears(self, *values: float) -> None:
        """Wait until these are the trial's reports."""
        await self.until(lambda: self.values() == list(values))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                await asyncio.sleep(0)
                self.lab.deliver()

    async def close(self) -> None:
        await self.lab.logs.close()


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    await bench.started()
    return bench


async def test_reports_are_known_while_the_trial_runs_and_recorded_after_some_seconds(bench: Bench) -> None:
    bench.cluster.say(POD, "accuracy=0.25 loss=2 epoch=1\n")
    await bench.hears(0.25)
    await bench.lab.settle()
    assert "value" not in bench.status
    bench.lab.clock.advance(5)
    await bench.lab.settle()
    assert bench.status == {
        "state": "Running",
        "startTime": bench.status["startTime"],
        "requests": {"pods": 1},
        "value": 0.25,
        "reports": 1,
        "step": 1,
        "metrics": {"accuracy": 0.25, "loss": 2, "epoch": 1},
        "curve": {"interval": [1], "value": [0.25], "best": [0.25], "mean": [0.25], "step": [1]},
        "lastReportTime": timestamps.text(bench.lab.clock.now),
        "logPosition": {
            "pod": bench.trial.pod and bench.trial.pod.uid,
            "time": bench.status["logPosition"]["time"],
            "lines": 1,
        },
    }
    await bench.close()


async def test_at_the_end_only_the_rest_is_read_and_the_position_is_forgotten(bench: Bench) -> None:
    bench.cluster.say(POD, "accuracy=0.5\naccuracy=0.25\n")
    await bench.hears(0.5, 0.25)
    bench.lab.clock.advance(5)
    await bench.lab.settle()
    bench.lab.finish_jobs(lambda _: "accuracy=0.5\naccuracy=0.25\naccuracy=0.75")
    await bench.lab.settle()
    assert bench.cluster.log_requests == [(POD, "train", ""), (POD, "train", "2026-03-01T12:00:01Z")]
    assert bench.status["curve"]["value"] == [0.5, 0.25, 0.75]
    assert (bench.status["state"], bench.status["value"], bench.status["reports"]) == ("Succeeded", 0.75, 3)
    assert "logPosition" not in bench.status
    assert bench.lab.writes()["patch hyperdrivetrials/status"] == 3


@pytest.mark.parametrize("recorded", [False, True])
async def test_an_operator_that_starts_anew_counts_nothing_twice_and_loses_nothing(
    bench: Bench, recorded: bool
) -> None:
    bench.cluster.say(POD, "accuracy=0.5\nhello\naccuracy=0.25\n")
    await bench.hears(0.5, 0.25)
    if recorded:
        bench.lab.clock.advance(5)
        await bench.lab.settle()
    bench.cluster.say(POD, "accuracy=0.75\n")
    await bench.hears(0.5, 0.25, 0.75)
    await bench.close()
    bench.lab.restart()
    assert bench.values() == ([0.5, 0.25] if recorded else [])
    await bench.lab.settle()
    await bench.hears(0.5, 0.25, 0.75)
    bench.cluster.say(POD, "accuracy=1\n")
    await bench.hears(0.5, 0.25, 0.75, 1)
    await bench.close()


async def test_what_was_streamed_of_a_pod_that_is_gone_counts(bench: Bench) -> None:
    bench.cluster.say(POD, "accuracy=0.5\naccuracy=0.75\n")
    await bench.hears(0.5, 0.75)
    bench.cluster.remove(PODS, POD)
    bench.lab.end_job("digits-1", "Complete")
    await bench.lab.settle()
    assert (bench.status["state"], bench.status["value"], bench.status["reports"]) == ("Succeeded", 0.75, 2)


async def test_what_was_recorded_of_a_pod_that_is_gone_counts_after_a_restart(bench: Bench) -> None:
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    bench.lab.clock.advance(5)
    await bench.lab.settle()
    await bench.close()
    bench.cluster.remove(PODS, POD)
    bench.lab.end_job("digits-1", "Complete")
    bench.lab.restart()
    await bench.lab.settle()
    assert (bench.status["state"], bench.status["value"], bench.status["reports"]) == ("Succeeded", 0.5, 1)


async def test_a_container_that_is_started_again_goes_on_counting(bench: Bench) -> None:
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    bench.cluster.start_again(POD, "accuracy=0.6\n")
    state = {"name": "train", "restartCount": 1, "state": {"running": {}}}
    bench.cluster.change(PODS, POD, {"status": {"containerStatuses": [state]}})
    bench.lab.deliver()
    bench.cluster.say(POD, "accuracy=0.25\n")
    await bench.hears(0.5, 0.6, 0.25)
    await bench.close()


async def test_the_reports_of_a_second_try_count_after_those_of_the_first(bench: Bench) -> None:
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    bench.cluster.change(PODS, POD, {"status": {"phase": "Failed"}})
    job = bench.cluster.one(JOBS, "digits-1")
    bench.lab.clock.advance(1)
    bench.lab.add_pod(job, phase="Running", suffix="second")
    bench.cluster.say("digits-1-second", "accuracy=0.25\n")
    await bench.hears(0.5, 0.25)
    assert bench.trial.progress.best == 0.5
    await bench.close()


async def test_a_node_that_does_not_answer_is_asked_again_and_keeps_no_trial_from_ending(bench: Bench) -> None:
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    bench.cluster.logs[POD] = TransientError(500, "E", "no route to the kubelet")
    bench.cluster.wake()
    await bench.until(lambda: len(bench.cluster.log_requests) > 3)
    bench.cluster.change(PODS, POD, {"status": {"phase": "Succeeded"}})
    bench.lab.end_job("digits-1", "Complete")
    await bench.lab.settle()
    assert (bench.status["state"], bench.status["value"]) == ("Succeeded", 0.5)


async def test_a_stream_that_hangs_is_cut_when_the_job_has_finished(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "DRAIN_SECONDS", 0.0)
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    bench.lab.end_job("digits-1", "Complete")  # and nobody ends the stream: the pod seems to run
    await bench.lab.settle()
    assert bench.status["state"] == "Succeeded"


async def test_a_log_that_is_rotated_while_it_is_followed_loses_nothing(bench: Bench) -> None:
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    bench.cluster.rotate(POD)
    bench.cluster.say(POD, "accuracy=0.25\n")
    bench.cluster.rotate(POD)
    bench.cluster.say(POD, "accuracy=0.75\n")
    await bench.hears(0.5, 0.25, 0.75)
    bench.cluster.rotate(POD)
    bench.lab.finish_jobs(lambda _: "accuracy=0.5\naccuracy=0.25\naccuracy=0.75\naccuracy=1")
    await bench.lab.settle()
    assert bench.status["curve"]["value"] == [0.5, 0.25, 0.75, 1], "what was heard of older files is not counted again"


async def test_what_was_rotated_away_while_nobody_followed_is_lost_and_the_rest_counts_once(bench: Bench) -> None:
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    bench.lab.clock.advance(5)
    await bench.lab.settle()
    await bench.close()
    bench.cluster.say(POD, "accuracy=0.25\n")
    bench.cluster.rotate(POD)
    bench.cluster.say(POD, "accuracy=0.75\n")
    bench.lab.restart()
    await bench.lab.settle()
    await bench.hears(0.5, 0.75)
    await bench.close()


async def test_a_stream_that_still_brings_lines_when_the_job_has_finished_is_heard_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    loop = asyncio.get_running_loop()
    real, passed = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: real() + passed)
    bench.lab.end_job("digits-1", "Complete")  # while much of what was written is still under way
    await bench.lab.step()
    for value in (0.25, 0.75, 1):
        passed += following.DRAIN_SECONDS * 0.75
        bench.cluster.say(POD, f"accuracy={value}\n")
        bench.cluster.rotate(POD)  # who asks again does not get that line
        await bench.until(lambda value=value: bench.values()[-1] == value)  # type: ignore[misc]  # a default binds the loop's variable
    passed += following.DRAIN_SECONDS
    await bench.lab.settle()
    assert bench.status["curve"]["value"] == [0.5, 0.25, 0.75, 1]


async def test_a_stream_that_never_ends_is_cut_though_it_brings_lines(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LONGEST_DRAIN_SECONDS", 0.0)
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    bench.lab.end_job("digits-1", "Complete")
    await bench.lab.settle()
    assert bench.status["state"] == "Succeeded"


async def test_beyond_the_most_streams_logs_are_read_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_STREAMS", 0)
    monkeypatch.setattr(following, "POLL_SECONDS", 0.0)
    bench = Bench()
    await bench.started()
    bench.cluster.say(POD, "accuracy=0.5\n")
    await bench.hears(0.5)
    bench.cluster.say(POD, "accuracy=0.75\n")
    await bench.hears(0.5, 0.75)
    await bench.close()


async def test_a_log_that_may_not_be_read_for_minutes_ends_the_trial_with_that_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperdrive_operator.controller.following.FORBIDDEN_PAUSES_SECONDS", (0.001,) * 9)
    bench.cluster.logs[POD] = ForbiddenError(403, "Forbidden", "may not get pods/log")
    bench.cluster.wake()
    bench.cluster.change(PODS, POD, {"status": {"phase": "Succeeded"}})
    bench.lab.end_job("digits-1", "Complete")
    await bench.lab.settle()
    assert "its log could not be read: may not get pods/log" in bench.status["message"]


async def test_a_trial_that_failed_tells_its_last_lines(bench: Bench) -> None:
    trace = "Traceback (most recent call last):\nValueError: no such column\n"
    bench.cluster.say(POD, "accuracy=0.5\n" + trace)
    bench.cluster.change(PODS, POD, {"status": {"phase": "Failed"}})
    bench.lab.end_job("digits-1", "Failed")
    await bench.lab.settle()
    assert bench.status["message"].endswith(f"its last lines:\naccuracy=0.5\n{trace}".rstrip())
    assert (bench.status["state"], bench.status["value"]) == ("Failed", 0.5)


async def test_the_last_lines_are_read_though_the_metrics_come_from_the_annotation() -> None:
    bench = Bench(metrics={"source": "Annotation"})
    await bench.started()
    bench.cluster.say(POD, "accuracy=0.9\nout of memory\n")
    bench.cluster.change(PODS, POD, {"status": {"phase": "Failed"}})
    bench.lab.end_job("digits-1", "Failed")
    await bench.lab.settle()
    assert bench.cluster.log_requests == [(POD, "train", "tail 10")]
    assert bench.status["message"].endswith("out of memory")
    assert "value" not in bench.status


async def test_the_last_words_of_the_container_are_its_metrics_if_the_manifest_says_so() -> None:
    bench = Bench(metrics={"source": "TerminationMessage"})
    await bench.started()
    bench.cluster.say(POD, "accuracy=0.9\n")
    end = {"terminated": {"exitCode": 0, "message": '{"accuracy": 0.5, "loss": 1}'}}
    status = {"phase": "Succeeded", "containerStatuses": [{"name": "train", "state": end}]}
    bench.cluster.change(PODS, POD, {"status": status})
    bench.lab.end_job("digits-1", "Complete")
    await bench.lab.settle()
    assert bench.cluster.log_requests == []
    assert (bench.status["value"], bench.status["metrics"]) == (0.5, {"accuracy": 0.5, "loss": 1})


async def test_the_last_report_is_the_value_if_the_manifest_says_so() -> None:
    bench = Bench(metrics={"value": "Last"})
    await bench.started()
    bench.lab.finish_jobs(lambda _: "accuracy=0.5\naccuracy=0.25\naccuracy=nan")
    await bench.lab.settle()
    assert bench.status["value"] == 0.25
