"""Queue, workers and relists: what wakes a reconcile, and what its errors become."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from tests.support.builders import limits, sweep_manifest
from tests.support.counted import Counted
from tests.support.fake_cluster import FakeCluster
from tests.support.laboratory import STARTED, Laboratory, ListRecorder

from hyperdrive_operator.controller import controller, informer
from hyperdrive_operator.controller.controller import TRIAL_STATES, Controller
from hyperdrive_operator.controller.queue import Key
from hyperdrive_operator.core.bestvalues import best_values
from hyperdrive_operator.core.pods import Pod
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trials import Trial
from hyperdrive_operator.kube.errors import ClusterError, ConflictError, ThrottledError, TransientError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object

KEY = Key("lab", "digits")


class Counts(Counted):
    """Remembers what the controller counts."""

    def __init__(self) -> None:
        super().__init__()
        self.results: Counter[str] = Counter()
        self.of_sweeps: Mapping[str, int] = {}
        self.of_trials: Mapping[str, int] = {}
        self.of_stalled = 0
        self.saved = 0
        self.of_streams = 0
        #: Of two sweeps at most.
        self.of_best: dict[str, float] = {}

    def reconciled(self, result: str, seconds: float) -> None:  # noqa: ARG002  the interface's
        self.results[result] += 1

    def queue_depth(self, depth: int) -> None:
        """Count nothing."""

    def sweeps(self, counts: Mapping[str, int]) -> None:
        self.of_sweeps = counts

    def trials(self, counts: Mapping[str, int]) -> None:
        self.of_trials = counts

    def stalled(self, count: int) -> None:
        self.of_stalled = count

    def seconds_saved(self, seconds: int) -> None:
        self.saved = seconds

    def best_values(self, sweeps: Sequence[Sweep]) -> None:
        self.of_best = {one.sweep: one.value for one in best_values(sweeps, 2)}

    def log_streams(self, count: int) -> None:
        self.of_streams = count


class Plant:
    """A controller at work on an API server in memory."""

    def __init__(self, **options: float) -> None:
        self.lab = Laboratory()  # for its cluster, and for playing the Job controller
        self.cluster: FakeCluster = self.lab.cluster
        self.counts = Counts()
        self.controller = Controller(
            self.cluster,
            ListRecorder(),
            self.counts,
            clock=self.cluster.clock,
            resync_seconds=options.get("resync_seconds", 3600),
        )

    def put_ended(self, name: str, minute: int, value: float) -> None:
        """Let there be a sweep that has ended with a best value."""
        self.cluster.put(HYPERDRIVES, sweep_manifest(name))
        best = {"name": f"{name}-1", "number": 1, "value": value, "parameters": {"x": 0}}
        status = {"state": "Complete", "completionTime": f"2026-03-01T12:{minute:02}:00Z", "bestTrial": best}
        self.cluster.change(HYPERDRIVES, name, {"status": status}, subresource="status")

    def watch(self) -> None:
        """Let the controller see what happens from now on."""
        self.cluster.is_watched = True
        self.cluster.watchers.append(self._tell_of_sweeps)

    def _tell_of_sweeps(self, kind: Kind, event_type: str, body: Object) -> None:
        if kind is HYPERDRIVES:  # as kopf does; all else the controller watches itself
            self.controller.observe(kind, event_type, body)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.controller.run())
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def has_seen_running(self, count: int) -> bool:
        """Tell whether the controller knows of so many pods that run."""
        pods = self.controller._cache._views[PODS].values()
        return sum(isinstance(pod, Pod) and pod.phase == "Running" for pod in pods) == count

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; the test fails if it does not within seconds."""
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110  what is waited for has no event of its own
                await asyncio.sleep(0.001)

    def answers(self, *outcomes: float | ClusterError | Exception | None) -> list[Key]:
        """Let reconciles have these outcomes, the last of them again and again; return the keys asked for."""
        keys: list[Key] = []
        left = list(outcomes)

        async def reconcile(key: Key, on_decided: object) -> float | None:
            keys.append(key)
            outcome = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        self.controller._reconciler.reconcile = reconcile  # type: ignore[assignment, method-assign]  # a stand-in
        return keys


async def test_a_sweep_that_stands_before_the_start_runs_to_its_end() -> None:
    plant = Plant()
    plant.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(4, 2)))
    plant.watch()
    async with plant.at_work():
        for at_once in (2, 2):
            await plant.until(lambda: plant.cluster.unfinished_jobs() == 2)
            assert plant.lab.start_jobs() == at_once
            plant.cluster.clock.advance(2)
            plant.lab.finish_jobs()
        await plant.until(lambda: plant.lab.is_over)
    assert plant.lab.status["bestTrial"]["name"] == "digits-4"
    assert plant.counts.ended == {"Succeeded": 4}
    assert set(plant.counts.results) == {"ok"}


async def test_nothing_is_decided_before_all_kinds_were_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informer, "PAUSES_SECONDS", (0.0,))
    plant = Plant()
    plant.cluster.put(HYPERDRIVES, sweep_manifest())
    listed: list[Kind] = []
    real: Callable[..., Awaitable[list[Object]]] = plant.cluster.list

    async def flaky(kind: Kind, *args: object, **options: object) -> list[Object]:
        listed.append(kind)
        if kind is PODS and listed.count(PODS) < 3:
            raise TransientError(500, "InternalError", "etcd is slow")
        return await real(kind, *args, **options)

    monkeypatch.setattr(plant.cluster, "list", flaky)
    keys = plant.answers(None)
    async with plant.at_work():
        assert not plant.controller.synced
        await plant.until(lambda: bool(keys))
        assert plant.controller.synced
    assert Counter(listed) == {HYPERDRIVES: 2, HYPERDRIVE_TRIALS: 1, JOBS: 1, PODS: 3}


async def test_an_event_wakes_its_sweep_alone() -> None:
    plant = Plant()
    for name in ("digits", "other"):
        plant.cluster.put(HYPERDRIVES, sweep_manifest(name))
    keys = plant.answers(None)
    plant.watch()
    async with plant.at_work():
        await plant.until(lambda: len(keys) == 2)
        plant.cluster.change(HYPERDRIVES, "other", {"spec": {"limits": limits(9, 9)}})
        await plant.until(lambda: len(keys) == 3)
    assert keys[2] == Key("lab", "other")


async def test_a_pod_that_begins_waits_for_others_and_a_job_that_ends_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "CALM", timedelta(hours=1))
    plant = Plant()
    plant.lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(20, 20)))
    await plant.lab.settle()
    keys = plant.answers(None)
    plant.watch()
    async with plant.at_work():
        await plant.until(lambda: len(keys) == 1)
        plant.lab.start_jobs()  # forty events
        await plant.until(lambda: plant.has_seen_running(20))
        assert len(keys) == 1
        plant.lab.finish_jobs(at_most=1)
        await plant.until(lambda: len(keys) == 2)


async def test_what_waits_is_looked_at_in_the_end() -> None:
    plant = Plant()
    plant.lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(20, 20)))
    await plant.lab.settle()
    keys = plant.answers(None)
    plant.watch()
    async with plant.at_work():
        await plant.until(lambda: len(keys) == 1)
        plant.lab.start_jobs()
        await plant.until(lambda: len(keys) == 2)


async def test_a_relist_finds_what_the_watch_has_missed() -> None:
    plant = Plant(resync_seconds=0.01)
    plant.cluster.put(HYPERDRIVES, sweep_manifest())
    async with plant.at_work():
        await plant.until(lambda: plant.cluster.unfinished_jobs() == 2)
        plant.cluster.remove(JOBS, "digits-1")
        await plant.until(lambda: plant.cluster.unfinished_jobs() == 2)
        plant.cluster.remove(HYPERDRIVES, "digits")
        await plant.until(lambda: not plant.controller._reconciler._memories)


async def test_sweeps_that_went_with_all_their_trials_unheard_get_no_trials_again() -> None:
    """Their CRDs deleted: the trials' stream tells so before kopf does, and each new record went with its owner."""
    plant = Plant()
    plant.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(9, 3)))
    plant.cluster.is_watched = True  # but kopf hears of nothing
    async with plant.at_work():
        await plant.until(lambda: plant.cluster.unfinished_jobs() == 3)
        await plant.controller._queue.idle()
        writes = len(plant.cluster.writes)
        plant.cluster.remove(HYPERDRIVES, "digits")
        await plant.until(lambda: not plant.controller._reconciler._memories)
        assert [(write.what, write.name) for write in plant.cluster.writes[writes:]] == []
        assert (plant.controller._cache._books, plant.controller._cache.sweeps()) == ({}, [])


async def test_a_record_that_is_deleted_by_hand_runs_again() -> None:
    plant = Plant()
    plant.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(9, 3)))
    plant.watch()
    async with plant.at_work():
        await plant.until(lambda: plant.cluster.unfinished_jobs() == 3)
        old = plant.lab.record("digits-2")["metadata"]["uid"]
        plant.cluster.remove(HYPERDRIVE_TRIALS, "digits-2")
        await plant.until(lambda: plant.cluster.unfinished_jobs() == 3)
        assert plant.lab.record("digits-2")["metadata"]["uid"] != old


async def test_a_relist_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = Plant(resync_seconds=0.01)
    keys = plant.answers(None)
    async with plant.at_work():
        await plant.until(lambda: plant.controller.synced)
        real, failed = plant.cluster.list, []

        async def fail_once(*args: object, **options: object) -> list[Object]:
            monkeypatch.setattr(plant.cluster, "list", real)
            failed.append(True)
            raise TransientError(500, "InternalError", "etcd is slow")

        monkeypatch.setattr(plant.cluster, "list", fail_once)
        await plant.until(lambda: bool(failed))
        plant.cluster.put(HYPERDRIVES, sweep_manifest())
        await plant.until(lambda: bool(keys))


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (ConflictError(409, "Conflict", "changed"), "conflict"),
        (TransientError(500, "InternalError", "etcd is slow"), "error"),
        (RuntimeError("a bug"), "bug"),
    ],
    ids=["conflict", "error", "bug"],
)
async def test_what_fails_is_tried_again(error: Exception, result: str) -> None:
    plant = Plant()
    plant.cluster.put(HYPERDRIVES, sweep_manifest())
    keys = plant.answers(error, error, None)
    async with plant.at_work():
        await plant.until(lambda: len(keys) == 3)
        await plant.until(lambda: plant.counts.results == {result: 2, "ok": 1})
    assert plant.controller._queue.add_failed(KEY) == 0.05, "what succeeded has no failures behind it"


async def test_a_server_that_asks_for_a_pause_gets_it() -> None:
    plant = Plant()
    plant.cluster.put(HYPERDRIVES, sweep_manifest())
    error = ThrottledError(429, "TooManyRequests", "slow down")
    error.retry_after = 0.01
    keys = plant.answers(error, None)
    async with plant.at_work():
        await plant.until(lambda: len(keys) == 2)
    assert plant.counts.results == {"throttled": 1, "ok": 1}


async def test_a_bug_in_one_sweep_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    plant = Plant()
    for name in ("digits", "other"):
        plant.cluster.put(HYPERDRIVES, sweep_manifest(name))
    seen: list[str] = []

    async def reconcile(key: Key, on_decided: object) -> None:
        seen.append(key.name)
        if key.name == "digits":
            raise RuntimeError("a bug")

    plant.controller._reconciler.reconcile = reconcile  # type: ignore[assignment, method-assign]  # a stand-in
    async with plant.at_work():
        await plant.until(lambda: "other" in seen and seen.count("digits") > 1)
    assert [record for record in caplog.records if record.levelno == logging.ERROR]


async def test_a_reconcile_comes_again_when_it_asked_to() -> None:
    plant = Plant()
    plant.cluster.put(HYPERDRIVES, sweep_manifest())
    keys = plant.answers(0.0, 0.01, None)
    async with plant.at_work():
        await plant.until(lambda: len(keys) == 3)


async def test_what_is_counted_is_what_the_statuses_say() -> None:
    plant = Plant()
    for name, state, running in (("a", "Running", 2), ("b", "Running", 3), ("c", "Complete", 0)):
        plant.cluster.put(HYPERDRIVES, sweep_manifest(name))
        status = {"state": state, "trials": {"running": running, "failed": 1}, "timeSavedSeconds": 10}
        status["conditions"] = [{"type": "Stalled", "status": "False" if name == "a" else "True"}]
        if state == "Complete":
            status["completionTime"] = "2026-03-01T12:00:00Z"
        plant.cluster.change(HYPERDRIVES, name, {"status": status}, subresource="status")
    plant.cluster.put(HYPERDRIVES, sweep_manifest("d"))
    plant.answers(None)
    async with plant.at_work():
        await plant.until(lambda: plant.controller.synced)
        plant.controller._count()
        assert plant.counts.of_sweeps == {"Running": 2, "Complete": 1, "Pending": 1}
        assert {state: count for state, count in plant.counts.of_trials.items() if count} == {"running": 5, "failed": 3}
        assert set(plant.counts.of_trials) == set(TRIAL_STATES)
        assert (plant.counts.of_stalled, plant.counts.saved) == (1, 30), "who has ended waits for nobody"


async def test_the_best_value_that_is_shown_is_the_statuses_from_the_first_trial_on() -> None:
    plant = Plant()
    plant.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(4, 2)))
    plant.watch()
    async with plant.at_work():
        await plant.until(lambda: plant.cluster.unfinished_jobs() == 2)
        plant.controller._count()
        assert plant.counts.of_best == {}, "no value yet, and no series"
        for _ in range(2):
            await plant.until(lambda: plant.cluster.unfinished_jobs() == 2)
            plant.lab.start_jobs()
            plant.cluster.clock.advance(2)
            plant.lab.finish_jobs()
        await plant.until(lambda: plant.lab.is_over)
        plant.controller._count()
        assert plant.counts.of_best == {"digits": plant.lab.status["bestTrial"]["value"]}


async def test_best_values_are_of_so_many_sweeps_and_go_with_them() -> None:
    plant = Plant()
    for minute, name in enumerate(("a", "b", "c"), start=1):
        plant.put_ended(name, minute, minute / 10)
    plant.answers(None)
    plant.watch()
    async with plant.at_work():
        await plant.until(lambda: plant.controller.synced)
        plant.controller._count()
        assert plant.counts.of_best == {"b": 0.2, "c": 0.3}
        plant.cluster.remove(HYPERDRIVES, "c")
        await plant.until(lambda: len(plant.controller._cache.sweeps()) == 2)
        plant.controller._count()
        assert plant.counts.of_best == {"a": 0.1, "b": 0.2}
        plant.put_ended("d", 4, 0.4)
        await plant.until(lambda: len(plant.controller._cache.sweeps()) == 3)
        plant.controller._count()
        assert plant.counts.of_best == {"b": 0.2, "d": 0.4}


async def test_only_who_leads_shows_sweeps_and_who_led_does_so_no_more() -> None:
    plant, leadership = Plant(), Standby()
    plant.put_ended("a", 1, 0.1)
    plant.answers(None)
    task = asyncio.create_task(plant.controller.run(leadership))
    await plant.until(lambda: plant.controller.synced)
    plant.controller._count()
    assert (plant.counts.of_best, plant.counts.of_sweeps) == ({}, {}), "another leads"
    leadership.given.set()
    await plant.until(lambda: plant.controller._is_at_work)
    plant.controller._count()
    assert (plant.counts.of_best, plant.counts.of_sweeps) == ({"a": 0.1}, {"Complete": 1})
    task.cancel()  # as when the Lease is lost
    with suppress(asyncio.CancelledError):
        await task
    assert (plant.counts.of_best, plant.counts.of_sweeps) == ({}, {})


async def test_who_led_follows_no_log_any_more_and_shows_so() -> None:
    plant = Plant()
    plant.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(2, 2)))
    plant.watch()
    async with plant.at_work():
        await plant.until(lambda: plant.cluster.unfinished_jobs() == 2)
        plant.lab.start_jobs()
        await plant.until(lambda: plant.controller._logs.followed == 2)
        plant.controller._count()
        assert plant.counts.of_streams == 2
    assert plant.counts.of_streams == 0


async def test_a_controller_of_some_namespaces_lists_these() -> None:
    cluster = FakeCluster()
    for namespace in ("a", "b", "c"):
        cluster.put(HYPERDRIVES, sweep_manifest(namespace=namespace))
    controller = Controller(cluster, ListRecorder(), Counts(), namespaces=("a", "b"))
    assert await controller._relist()
    assert sorted(sweep.namespace for sweep in controller._cache.sweeps()) == ["a", "b"]


class Standby:
    """A leadership that the test gives."""

    def __init__(self) -> None:
        self.given = asyncio.Event()

    @property
    def is_held(self) -> bool:
        return self.given.is_set()

    async def wait(self) -> None:
        await self.given.wait()


async def test_who_stands_by_watches_and_writes_nothing_until_it_leads() -> None:
    plant, leadership = Plant(), Standby()
    plant.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(4, 2)))
    plant.watch()
    task = asyncio.create_task(plant.controller.run(leadership))
    try:
        await plant.until(lambda: plant.controller.synced)
        plant.cluster.put(HYPERDRIVES, sweep_manifest("other", limits=limits(1, 1)))
        plant.controller._count()
        assert not plant.cluster.writes
        assert (len(plant.controller._queue), plant.counts.of_sweeps) == (0, {})
        await plant.until(lambda: plant.controller._cache.sweep(Key("lab", "other")) is not None)
        reads = plant.cluster.requests
        leadership.given.set()
        await plant.until(lambda: plant.cluster.unfinished_jobs() == 3)
        assert plant.cluster.requests - reads == len(plant.cluster.writes), "the cache was warm: nothing was listed"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_drain_ends_what_was_begun_records_reports_and_begins_nothing() -> None:
    plant = Plant()

    def known() -> list[Trial]:
        sweep = plant.controller._cache.sweep(KEY)
        return list(plant.controller._cache.trials(sweep)) if sweep else []

    plant.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(9, 2)))
    plant.watch()
    async with plant.at_work():
        await plant.until(lambda: plant.cluster.unfinished_jobs() == 2)
        plant.lab.start_jobs()
        plant.cluster.clock.advance(STARTED)
        await plant.until(lambda: set(plant.lab.trial_states().values()) == {"Running"})
        note = {"metadata": {"annotations": {"hyperdrive.dev/metrics": '{"accuracy": 0.5}'}}}
        await plant.controller._queue.idle()
        plant.controller._queue.close()  # so that no pass records it before
        seen = {trial.record.uid: trial.job for trial in known()}
        plant.cluster.change(JOBS, "digits-1", note)
        plant.lab.end_job("digits-2", "Complete")
        await plant.until(lambda: all(trial.job != seen[trial.record.uid] for trial in known()))
        await plant.controller.drain()
        assert plant.lab.record("digits-1")["status"]["value"] == 0.5
        assert len(plant.cluster.all(JOBS)) == 2
