"""Reading what is left of the logs of finished trials, in the background."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.builders import NAMESPACE, job_body, pod_body, record_body, sweep_body
from tests.support.fake_cluster import FakeCluster

from hyperdrive_operator.controller import following, logs
from hyperdrive_operator.controller.cache import Cache
from hyperdrive_operator.controller.logs import LogReader
from hyperdrive_operator.controller.queue import Key
from hyperdrive_operator.core.trials import Log, Trial
from hyperdrive_operator.kube.errors import (
    ClusterError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ThrottledError,
    TransientError,
)
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Object


class Desk:
    """A reader with one finished trial to read."""

    def __init__(self, *known: Object, sweep: Object | None = None) -> None:
        self.cluster = FakeCluster()
        self.cache = Cache()
        self.told: list[Key] = []
        self.reader = LogReader(self.cluster, self.cache, self.told.append)
        self.cache.observe(HYPERDRIVES, "ADDED", sweep or sweep_body())
        self.cache.observe(HYPERDRIVE_TRIALS, "ADDED", record_body())
        self.cache.observe(JOBS, "ADDED", job_body(finished="Complete"))
        for pod in known:
            self.cache.observe(PODS, "ADDED", pod)

    @property
    def trial(self) -> Trial:
        return self.cache.trials(self.cache.sweeps()[0])[0]

    def has_pod(self, pod: Object, log: str | ClusterError = "accuracy=0.5") -> None:
        """Let the cluster have a pod, and a log of it."""
        self.cluster.put(PODS, pod)
        self.cluster.logs[pod["metadata"]["name"]] = log

    async def read(self) -> Log:
        self.reader.read(self.cache.sweeps()[0], self.trial)
        await asyncio.wait_for(asyncio.gather(*self.reader._tasks.values()), 5)
        assert self.told == [Key(NAMESPACE, "digits")]
        assert self.trial.log is not None
        return self.trial.log


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PAUSES_SECONDS", (0.0, 0.0, 0.0))


DONE = pod_body(phase="Succeeded")


async def test_the_pod_that_is_known_is_read() -> None:
    desk = Desk(DONE)
    desk.has_pod(DONE, "accuracy=0.25\naccuracy=0.5")
    progress = (await desk.read()).progress
    assert (progress.best, progress.reports) == (0.5, 2)
    assert desk.cluster.log_requests == [("digits-1-pod-1", "train", "")]


async def test_a_pod_that_the_watch_has_not_shown_yet_is_asked_for() -> None:
    desk = Desk()
    desk.has_pod(DONE)
    assert (await desk.read()).progress.best == 0.5
    assert desk.trial.pod is not None


async def test_of_several_pods_those_that_failed_count_before_the_one_that_succeeded() -> None:
    first = pod_body(phase="Failed", uid="first", created="2026-03-01T12:00:00Z")
    second = pod_body(phase="Succeeded", uid="second", created="2026-03-01T12:01:00Z")
    third = pod_body(phase="Failed", uid="third", created="2026-03-01T12:02:00Z")
    desk = Desk()
    for pod, value in ((first, 0.1), (second, 0.5), (third, 0.2)):
        desk.has_pod(pod, f"accuracy={value}")
    log = await desk.read()
    assert [point.value for point in log.progress.curve.points] == [0.1, 0.5]
    assert [pod for pod, *_ in desk.cluster.log_requests] == ["digits-1-first", "digits-1-second"]


async def test_a_first_try_that_failed_is_not_read_for_the_second_that_the_watch_has_not_shown_yet() -> None:
    first, second = pod_body(phase="Failed", uid="first"), pod_body(phase="Succeeded", uid="second")
    desk = Desk(first)
    desk.has_pod(first, "accuracy=0.1")
    desk.has_pod(second, "accuracy=0.5")
    assert (await desk.read()).progress.best == 0.5


async def test_a_pod_of_another_job_of_that_name_is_not_read() -> None:
    stranger = pod_body(phase="Succeeded")
    stranger["metadata"]["ownerReferences"][0]["uid"] = "another-job"
    desk = Desk()
    desk.has_pod(stranger)
    assert await desk.read() == Log(problem="its pod is gone")


async def test_the_container_is_the_pods_own_even_if_the_template_names_it_otherwise_by_now() -> None:
    renamed = {"spec": {"template": {"spec": {"containers": [{"name": "renamed", "image": "a"}]}}}}
    desk = Desk(DONE, sweep=sweep_body(trialTemplate=renamed))
    desk.has_pod(DONE)
    await desk.read()
    assert desk.cluster.log_requests[0][1] == "train"


async def test_megabytes_of_other_output_hide_no_report() -> None:
    line = "x" * 1000 + "\n"
    desk = Desk(DONE)
    desk.has_pod(DONE, "accuracy=0.9\n" + line * 10_000 + "accuracy=0.5\n")
    assert [point.value for point in (await desk.read()).progress.curve.points] == [0.9, 0.5]


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError(404, "NotFound", "pods not found"),
        InvalidError(400, "BadRequest", "container train is waiting to start"),
    ],
    ids=lambda error: error.reason,
)
async def test_a_log_that_is_not_there_is_given_up_at_once(error: ClusterError) -> None:
    desk = Desk(DONE)
    desk.has_pod(DONE, error)
    assert (await desk.read()).problem == error.message
    assert len(desk.cluster.log_requests) == 1


@pytest.mark.parametrize(
    "error", [TransientError(500, "E", "no route to the kubelet"), ThrottledError(429, "T", "slow")]
)
async def test_a_way_to_the_log_that_is_broken_is_tried_again_and_given_up_some_day(error: ClusterError) -> None:
    desk = Desk(DONE)
    desk.has_pod(DONE, error)
    assert (await desk.read()).problem == error.message
    assert len(desk.cluster.log_requests) == 4


@pytest.mark.parametrize(
    ("error", "after"),
    [
        pytest.param(TransientError(500, "E", "no route to the kubelet"), 1, id="a broken way"),
        pytest.param(
            ForbiddenError(403, "Forbidden", "may not get pods/log"), 9, id="a permission that was taken away"
        ),
    ],
)
async def test_a_way_to_the_log_that_is_mended_gives_the_log(
    error: ClusterError, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(DONE)
    desk.has_pod(DONE, error)

    async def mend(_: float) -> None:
        if len(desk.cluster.log_requests) == after:
            desk.cluster.logs["digits-1-pod-1"] = "accuracy=0.5"

    monkeypatch.setattr(asyncio, "sleep", mend)
    assert (await desk.read()).progress.best == 0.5


async def test_a_trial_is_read_once_at_a_time() -> None:
    desk = Desk(DONE)
    desk.has_pod(DONE)
    for _ in range(3):
        desk.reader.read(desk.cache.sweeps()[0], desk.trial)
    await desk.read()
    assert len(desk.cluster.log_requests) == 1
    assert not desk.reader._tasks


async def test_a_bug_while_reading_does_not_keep_the_trial_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    desk = Desk(DONE)
    desk.has_pod(DONE)
    monkeypatch.setattr(desk.cluster, "stream_log", broken)
    assert (await desk.read()).problem == "it could not be read"


async def test_closing_ends_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    hang: Callable[..., asyncio.Future[None]] = lambda *_: waits  # noqa: E731  a stand-in for sleep
    monkeypatch.setattr(asyncio, "sleep", hang)
    desk = Desk(DONE)
    desk.has_pod(DONE, TransientError(500, "E", "no route"))
    desk.reader.read(desk.cache.sweeps()[0], desk.trial)
    await desk.reader.close()
    assert desk.told == []
    assert not desk.reader._tasks


async def test_a_log_that_can_not_be_read_yet_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PAUSES_SECONDS", (3600.0,))
    monkeypatch.setattr(logs, "MAX_PARALLEL_READS", 1)
    desk = Desk(DONE)
    desk.has_pod(DONE, TransientError(0, "Unreachable", "the node is down"))
    desk.reader.read(desk.cache.sweeps()[0], desk.trial)
    async with asyncio.timeout(5):
        while not desk.cluster.log_requests:  # noqa: ASYNC110  the reader tells nobody of a try that failed
            await asyncio.sleep(0)
        async with desk.reader._places.reads:  # the only one is free again
            assert desk.reader._tasks
    await desk.reader.close()
