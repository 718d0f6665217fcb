import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession
from tests.support.builders import sweep
from tests.unit.kube.scripted_api import answer, refusal
from tests.unit.runtime.cluster import Cluster, resources, thing
from tests.unit.runtime.conftest import until

from hyperdrive_operator.controller.leadership import Alone, Leadership
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.events import EventRecorder
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, Kind, Object
from hyperdrive_operator.runtime.config import Config
from hyperdrive_operator.runtime.supervisor import HEARTBEAT_SECONDS, Supervisor
from hyperdrive_operator.runtime.telemetry import Telemetry

EVENTS_PATH = "/apis/events.k8s.io/v1/namespaces/ns/events"


@dataclass
class StandIn:
    """A controller that does what the test says."""

    synced: bool = False
    problem: str = ""
    heartbeat: float = 0.0
    settings: dict[str, object] = field(default_factory=dict)
    seen: list[tuple[Kind, str | None, str]] = field(default_factory=list)
    failure: Exception | None = None
    end: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False
    relists: int = 0
    drains: int = 0
    drained: asyncio.Event = field(default_factory=asyncio.Event)
    leadership: Leadership = field(default_factory=Alone)
    last_words: Callable[[], None] = lambda: None

    def make(
        self,
        _client: KubeClient,
        recorder: EventRecorder,
        _telemetry: Telemetry,
        /,
        *,
        namespaces: tuple[str, ...],
        workers: int,
        resync_seconds: float,
    ) -> "StandIn":
        self.settings = {"namespaces": namespaces, "workers": workers, "resync_seconds": resync_seconds}
        about = {"apiVersion": "v1", "kind": "Pod", "namespace": "ns", "name": "p", "uid": "u"}
        self.last_words = lambda: recorder.record(
            about, type="Normal", reason="Stopping", message="bye", now=datetime.now(UTC)
        )
        return self

    def observe(self, kind: Kind, event_type: str | None, body: Object) -> None:
        asyncio.get_running_loop()  # raises in any other thread
        self.seen.append((kind, event_type, body["metadata"]["name"]))

    def relist_soon(self) -> None:
        asyncio.get_running_loop()
        self.relists += 1

    async def drain(self) -> None:
        self.drains += 1
        await self.drained.wait()

    async def run(self, leadership: Leadership) -> None:
        self.leadership = leadership
        self.synced = True
        self.heartbeat = asyncio.get_running_loop().time()
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            self.last_words()
            raise
        if self.failure:
            raise self.failure


@dataclass
class Running:
    supervisor: Supervisor
    controller: StandIn
    task: "asyncio.Task[int]"

    async def get(self, path: str) -> tuple[int, str]:
        async with (
            ClientSession(f"http://127.0.0.1:{self.supervisor.port}") as session,
            session.get(path) as response,
        ):
            return response.status, (await response.text()).strip()


@asynccontextmanager
async def operator(cluster: Cluster, directory: Path, *flags: str) -> AsyncIterator[Running]:
    kubeconfig = cluster.kubeconfig(directory)
    config = Config.from_env({}, ["--kubeconfig", kubeconfig, "--listen", "127.0.0.1:0", *flags], hostname="test")
    controller = StandIn()
    controller.drained.set()
    supervisor = Supervisor(config, controller.make)
    running = Running(supervisor, controller, asyncio.create_task(supervisor.run()))
    try:
        yield running
        # kopf takes five seconds to stop while it starts: in a process it is left behind, a test would trip over it
        if running.controller.synced and not running.task.done():
            await until(cluster.watched)
    finally:
        supervisor.stop()
        await running.task


async def test_the_operator_starts_hands_over_events_and_stops(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    cluster.objects = [thing("a")]
    cluster.api.on("POST", EVENTS_PATH, answer(201, {}))
    async with operator(cluster, tmp_path, "--workers=7", "--resync=1m") as running:
        await until(lambda: running.controller.seen and cluster.watched())
        assert await running.get("/readyz") == (200, "ok")
        assert await running.get("/healthz") == (200, "ok")
        assert "hyperdrive_api_requests_total{" in (await running.get("/metrics"))[1]
        running.supervisor.stop()
        assert await running.task == 0
    controller = running.controller
    assert controller.seen == [(HYPERDRIVES, None, "a")]
    assert controller.settings == {"namespaces": (), "workers": 7, "resync_seconds": 60.0}
    assert controller.cancelled
    events = [call.body["note"] for call in cluster.api.calls if call.path == EVENTS_PATH]
    assert events == ["bye"]  # what was said last is still written


async def test_so_many_best_values_are_served_as_the_setting_says(cluster: Cluster, tmp_path: Path) -> None:
    best = {"startTime": "2026-03-01T12:00:00Z", "bestTrial": {"value": 0.5}}
    sweeps = [sweep(name, uid=name, status=best) for name in ("a", "b", "c")]
    async with operator(cluster, tmp_path, "--best-values=2") as running:
        running.supervisor._telemetry.best_values(sweeps)
        await until(lambda: running.supervisor.port)
        assert (await running.get("/metrics"))[1].count("hyperdrive_sweep_best_value{") == 2


async def test_the_operator_waits_for_its_crds_and_says_so_once(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with operator(cluster, tmp_path) as running:
            await until(lambda: len(cluster.api.calls) >= 2)  # it asked again
            assert running.controller.settings == {}
            status, text = await running.get("/readyz")
            assert status == 503
            assert "hyperdrives.hyperdrive.dev and hyperdrivetrials.hyperdrive.dev" in text
            assert await running.get("/healthz") == (200, "ok")
            cluster.serve()
            await until(lambda: running.controller.synced)
    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("hyperdrive_operator.runt")]
    (line,) = [warning for warning in warnings if "waiting" in warning]
    assert line.endswith(": install the CRDs with `kubectl apply -f crds/`")


async def test_a_missing_crd_is_the_only_one_named(cluster: Cluster, tmp_path: Path) -> None:
    cluster.api.on("GET", "/apis/hyperdrive.dev/v1alpha1", answer(200, {"resources": [{"name": "hyperdrives"}]}))
    async with operator(cluster, tmp_path) as running:
        await until(lambda: cluster.api.calls)
        await until(lambda: running.supervisor.ready_problem() != "starting")
        problem = running.supervisor.ready_problem()
    assert problem.startswith("waiting for hyperdrivetrials.hyperdrive.dev:")


async def test_the_operator_waits_for_permissions_and_names_them(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    message = 'jobs.batch is forbidden: User "u" cannot list resource "jobs" in API group "batch"'
    cluster.api.on("GET", JOBS.path(None), refusal(403, "Forbidden", message), answer(200, {"items": []}))
    async with operator(cluster, tmp_path) as running:
        await until(lambda: message in running.supervisor.ready_problem())
        await until(lambda: running.controller.synced)


async def test_refused_credentials_are_waited_for_and_named(cluster: Cluster, tmp_path: Path) -> None:
    refused = refusal(401, "Unauthorized", "Unauthorized")
    cluster.api.on("GET", "/apis/hyperdrive.dev/v1alpha1", refused)
    async with operator(cluster, tmp_path) as running:
        await until(lambda: "credentials" in running.supervisor.ready_problem())
        cluster.serve()
        await until(lambda: running.controller.synced)


async def test_stopping_while_it_waits_takes_no_time(cluster: Cluster, tmp_path: Path) -> None:
    async with operator(cluster, tmp_path) as running:
        await until(lambda: cluster.api.calls)
        running.supervisor.stop()
        async with asyncio.timeout(5):
            assert await running.task == 0


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        pytest.param(RuntimeError("a bug"), "the controller failed: RuntimeError: a bug", id="a bug"),
        pytest.param(None, "the controller has ended by itself", id="an end without reason"),
    ],
)
async def test_a_controller_that_ends_ends_the_operator(
    cluster: Cluster,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    failure: Exception | None,
    message: str,
) -> None:
    cluster.serve()
    async with operator(cluster, tmp_path) as running:
        await until(cluster.watched)
        running.controller.failure = failure
        running.controller.end.set()
        assert await running.task == 1
    assert message in caplog.messages


async def test_a_kopf_that_ends_is_begun_anew_in_the_same_process(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperdrive_operator.runtime.streams.PAUSES_SECONDS", (0.01,))
    cluster.serve()
    async with operator(cluster, tmp_path) as running:
        await until(cluster.watched)
        await until(lambda: running.controller.relists >= 1)
        before = len(cluster.watched())
        cluster.stream("ERROR", {"kind": "Status", "code": 500, "message": "etcd is gone"})
        await until(lambda: len(cluster.watched()) > before)
        assert running.controller.relists >= 2  # what was deleted meanwhile, no stream tells
        assert not running.task.done()
        assert running.supervisor.ready_problem() == ""
    # kopf's own lines name the cause; what it raises in the end may be a stream that broke after the first one
    assert any("etcd is gone" in line for line in caplog.messages)
    assert "the watch has ended and is begun anew" in caplog.messages


async def test_crds_that_are_deleted_are_waited_for_and_watched_again(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperdrive_operator.runtime.streams.PAUSES_SECONDS", (0.01,))
    cluster.serve()
    async with operator(cluster, tmp_path) as running:
        await until(cluster.watched)
        before = len(cluster.watched())
        cluster.api.on("GET", "/apis/hyperdrive.dev/v1alpha1", refusal(404, "NotFound", "no such resource"))
        cluster.stream("ERROR", {"kind": "Status", "code": 404, "message": "no such resource"})
        await until(lambda: "install the CRDs" in running.supervisor.ready_problem())
        assert running.supervisor.health_problem() == ""
        cluster.serve()
        await until(lambda: len(cluster.watched()) > before)
        assert not running.task.done()


async def test_crds_that_are_deleted_before_kopf_looks_for_them_are_watched_all_the_same(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperdrive_operator.runtime.streams.PAUSES_SECONDS", (0.01,))
    monkeypatch.setattr("hyperdrive_operator.runtime.streams.DISCOVERY_SECONDS", 1.0)
    cluster.serve()
    path = "/apis/hyperdrive.dev/v1alpha1"
    all_there = answer(200, resources(HYPERDRIVES, HYPERDRIVE_TRIALS))
    gone = refusal(404, "NotFound", "no such resource")
    cluster.api.on("GET", path, all_there, gone, all_there)  # the first is the supervisor's own look
    async with operator(cluster, tmp_path) as running:
        await until(cluster.watched)
        assert not running.task.done()
        assert running.supervisor.ready_problem() == ""
    (line,) = [r for r in caplog.records if r.getMessage() == "the watch has ended and is begun anew"]
    assert "kopf has not found hyperdrives" in vars(line)["error"]


async def test_a_kopf_that_never_lives_ends_the_operator(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperdrive_operator.runtime.streams.MAX_FAILURES", 0)
    cluster.serve()
    async with operator(cluster, tmp_path) as running:
        await until(cluster.watched)
        cluster.stream("ERROR", {"kind": "Status", "code": 500, "message": "etcd is gone"})
        assert await running.task == 1
    assert any(line.startswith("kopf failed: ") for line in caplog.messages)
    assert running.controller.cancelled


async def test_a_controller_without_a_sign_of_life_is_unhealthy(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.serve()
    async with operator(cluster, tmp_path) as running:
        await until(lambda: running.controller.synced)
        monkeypatch.setattr("hyperdrive_operator.runtime.supervisor.HEARTBEAT_SECONDS", 0.0)
        status, text = await running.get("/healthz")
        assert (status, text[:16]) == (503, "no sign of life ")
    assert HEARTBEAT_SECONDS >= 10


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        pytest.param(["--kubeconfig", "nowhere"], "kubeconfig nowhere: ", id="no kubeconfig"),
        pytest.param(["--context", "other"], "other", id="no such context"),
    ],
)
async def test_what_can_not_work_exits_with_one_line(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture, flags: list[str], words: str
) -> None:
    async with operator(cluster, tmp_path, *flags) as running:
        assert await running.task == 2
    ours = [record for record in caplog.records if record.name.startswith("hyperdrive_operator.")]
    (line,) = [record for record in ours if record.levelno == logging.ERROR]
    assert words in line.getMessage()


async def test_a_taken_port_exits_with_the_fix(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken = cluster.api.url.removeprefix("http://")
    async with operator(cluster, tmp_path, "--listen", taken) as running:
        assert await running.task == 2
    assert any(line.startswith("--listen: ") and "give another" in line for line in caplog.messages)


LEASES_PATH = "/apis/coordination.k8s.io/v1/namespaces/ns/leases"


async def test_a_replica_leads_says_so_and_gives_its_lease_back_after_the_drain(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.serve()
    spec = {"holderIdentity": "test", "leaseDurationSeconds": 10}
    lease = {"metadata": {"name": "l", "resourceVersion": "7"}, "spec": spec}
    cluster.api.on("POST", LEASES_PATH, answer(201, lease))
    cluster.api.on("PATCH", f"{LEASES_PATH}/l", answer(200, lease))
    async with operator(cluster, tmp_path, "--leader-elect", "ns/l") as running:
        await until(lambda: running.supervisor.ready_problem() == "" and running.controller.leadership.is_held)
        assert await running.get("/readyz") == (200, "ok: leader")
        assert "hyperdrive_leader 1.0" in (await running.get("/metrics"))[1]
        await until(cluster.watched)
        running.supervisor.stop()
        assert await running.task == 0
    assert running.controller.drains == 1
    last = [call for call in cluster.api.calls if call.path.startswith(LEASES_PATH)][-1]
    assert last.body["metadata"] == {"resourceVersion": "7"}
    assert last.body["spec"]["holderIdentity"] == ""


async def test_a_replica_that_stands_by_is_ready_and_says_who_leads(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    spec = {"holderIdentity": "other-pod", "leaseDurationSeconds": 300}
    lease = {"metadata": {"name": "l", "resourceVersion": "7"}, "spec": spec}
    cluster.api.on("GET", f"{LEASES_PATH}/l", answer(200, lease))
    async with operator(cluster, tmp_path, "--leader-elect", "ns/l") as running:
        await until(lambda: running.controller.synced)
        await until(lambda: running.supervisor._election.role == "standby, the leader is other-pod")
        assert await running.get("/readyz") == (200, "ok: standby, the leader is other-pod")
        assert await running.get("/healthz") == (200, "ok")
        assert "hyperdrive_leader 0.0" in (await running.get("/metrics"))[1]
    assert running.controller.drains == 0
    assert not [call for call in cluster.api.calls if call.method != "GET"]


async def test_the_operator_waits_for_the_right_to_its_lease_and_names_it(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    message = 'leases.coordination.k8s.io "l" is forbidden: User "u" cannot get resource "leases"'
    missing = refusal(404, "NotFound", "not found")
    cluster.api.on("GET", f"{LEASES_PATH}/l", refusal(403, "Forbidden", message), missing)
    async with operator(cluster, tmp_path, "--leader-elect", "ns/l") as running:
        await until(lambda: message in running.supervisor.ready_problem())
        assert running.supervisor.ready_problem().endswith("or do without it with --leader-elect=off")
        await until(lambda: running.controller.synced)


async def test_who_is_deaf_for_a_part_of_the_cluster_is_not_ready_and_says_why(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.serve()
    async with operator(cluster, tmp_path) as running:
        await until(lambda: running.supervisor.ready_problem() == "")
        running.controller.problem = "pods can't be watched: 403 Forbidden: no"
        assert await running.get("/readyz") == (503, "pods can't be watched: 403 Forbidden: no")


async def test_the_server_can_be_off(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve()
    async with operator(cluster, tmp_path, "--listen", "off") as running:
        await until(lambda: running.controller.synced)
        assert running.supervisor.port == 0
