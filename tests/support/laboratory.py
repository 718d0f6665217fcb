"""A reconciler on an API server in memory, and everybody else in the cluster played by the test, step by step."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hyperdrive_operator.controller.cache import Cache
from hyperdrive_operator.controller.logs import LogReader
from hyperdrive_operator.controller.proposals import OptimizerLike, Proposer
from hyperdrive_operator.controller.queue import Key
from hyperdrive_operator.controller.reconciler import CALM, Reconciler
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.core.beginnings import START_PATIENCE
from hyperdrive_operator.core.curves import columns_of
from hyperdrive_operator.core.metrics import Goal
from hyperdrive_operator.core.proposing import Proposal, Request
from hyperdrive_operator.kube.errors import ClusterError
from hyperdrive_operator.kube.events import EventRecorder, EventType
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object
from hyperdrive_operator.optimizer.propose import propose

from .builders import NAMESPACE, curve_of
from .counted import Counted
from .fake_cluster import KINDS, Clock, Event, FakeCluster

#: Seconds after which the start of a trial is recorded, whatever rounding takes.
STARTED = int((START_PATIENCE + timedelta(seconds=1)).total_seconds())
#: Passes after which a sweep that nobody touches must have come to rest.
MAX_PASSES = 40


class ListRecorder(EventRecorder):
    """Keeps the events in a list."""

    def __init__(self) -> None:
        # not the parent's: nothing is sent
        self.said: list[tuple[str, str, str]] = []

    def record(
        self,
        regarding: Object,  # noqa: ARG002  the interface's
        *,
        type: EventType,  # noqa: A002  the interface's
        reason: str,
        message: str,
        now: datetime,  # noqa: ARG002  the interface's
        is_minor: bool = False,  # noqa: ARG002  the interface's
    ) -> None:
        self.said.append((type, reason, message))


class InlineOptimizer:
    """Proposes in the test's own process; `behave` is called before each answer and may raise or wait."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.forgotten: list[str] = []
        self.behave: Callable[[str, Request], Awaitable[None]] | None = None

    async def propose(self, sweep: str, request: Request) -> list[Proposal]:
        self.requests.append(request)
        if self.behave is not None:
            await self.behave(sweep, request)
        return propose(request)

    def forget(self, sweep: str) -> None:
        self.forgotten.append(sweep)

    async def close(self) -> None:
        """Nothing runs."""


@dataclass
class Laboratory:
    """One HyperDrive, its operator, and time."""

    name: str = "digits"
    cluster: FakeCluster = field(default_factory=FakeCluster)
    recorder: ListRecorder = field(default_factory=ListRecorder)
    #: Shuffles what the watch shows, and holds half of it back until it is asked again; None keeps the order.
    shuffle: random.Random | None = None
    optimizer: OptimizerLike = field(default_factory=InlineOptimizer)
    counted: Counted = field(default_factory=Counted)
    #: For how long trials run that are run to the end.
    run_seconds: float = STARTED
    passes: int = 0
    errors: list[ClusterError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.news = asyncio.Event()
        self.restart()

    @property
    def clock(self) -> Clock:
        """The time of operator and cluster."""
        return self.cluster.clock

    # --- the operator -----------------------------------------------------------------------------------------------

    def restart(self, *before: tuple[Kind, Object]) -> None:
        """Start the operator anew: it knows nothing but what it lists. It may have seen something `before`."""
        self.cache = Cache()
        mark = self.cache.mark()
        for kind, body in before:
            self.cache.observe(kind, None, body)
        self.logs = LogReader(self.cluster, self.cache, lambda _: self.news.set())
        self.proposer = Proposer(
            self.optimizer,
            self.cache,
            lambda _: self.news.set(),
            clock=self.clock,
            on_answer=self.counted.proposed,
        )
        self.reconciler = Reconciler(
            self.cluster,
            self.cache,
            self.recorder,
            self.logs,
            self.proposer,
            telemetry=self.counted,
            clock=self.clock,
            on_place=lambda _: self.news.set(),
        )
        for kind in KINDS:
            replace_all(self.cache, kind, self.cluster.all(kind), mark)
        self._seen = len(self.cluster.events)
        self._held: list[Event] = []

    def deliver(self) -> bool:
        """Let the watch show what happened; say whether there was anything."""
        news = self._held + self.cluster.events[self._seen :]
        self._seen = len(self.cluster.events)
        self._held = []
        if self.shuffle is not None:
            self.shuffle.shuffle(news)
            self._held = news[: len(news) // 2]
        for kind, event, body in news[len(self._held) :]:
            self.cache.observe(kind, event, body)
        return bool(news)

    async def step(self) -> float | None:
        """Show what happened, and reconcile once; return the seconds until the next look."""
        self.deliver()
        self.passes += 1
        looks: list[float | None] = []
        looks.append(await self.reconciler.reconcile(Key(NAMESPACE, self.name), looks.append))
        return min((seconds for seconds in looks if seconds is not None), default=None)

    async def settle(self) -> float | None:
        """Reconcile until nothing is left to do now; return the seconds until the next look."""
        for _ in range(MAX_PASSES):
            try:
                delay = await self.step()
            except ClusterError as error:  # what the worker does: another try, soon
                self.errors.append(error)
                continue
            if self.news.is_set():
                self.news.clear()
            elif self.logs.is_reading_rests or self.proposer.is_busy:
                await asyncio.wait_for(self.news.wait(), 5)
                self.news.clear()
            elif (delay is None or delay > CALM.total_seconds()) and not self.deliver():
                return delay
        raise AssertionError(f"not at rest after {MAX_PASSES} passes; the last error was {self.errors[-1:]}")

    # --- the rest of the cluster --------------------------------------------------------------------------------------

    def start_jobs(self) -> int:
        """Play the Job controller and the kubelet: a running pod for each Job that has none and is not suspended."""
        with_pod = {pod["metadata"]["ownerReferences"][0]["uid"] for pod in self.cluster.all(PODS)}
        jobs = [job for job in self.cluster.all(JOBS) if not job["spec"].get("suspend")]
        waiting = [job for job in jobs if job["metadata"]["uid"] not in with_pod]
        for job in waiting:
            now = timestamps.text(self.clock.now)
            self.add_pod(job, phase="Running", startTime=now)
            status = {"active": 1, "ready": 1, "startTime": now}
            self.cluster.change(JOBS, job["metadata"]["name"], {"status": status}, subresource="status")
        return len(waiting)

    async def start_trials(self) -> None:
        """Let all Jobs that may have a pod that runs, until their start is recorded."""
        self.start_jobs()
        self.clock.advance(STARTED)
        await self.settle()

    def suspend_job(self, name: str) -> None:
        """Play Kueue, which takes a Job's quota away, and the Job controller: its pods go that have not ended."""
        self.cluster.change(JOBS, name, {"spec": {"suspend": True}})
        for pod in self.cluster.all(PODS):
            is_active = pod["status"]["phase"] in {"Pending", "Running"}
            if is_active and pod["metadata"]["ownerReferences"][0]["name"] == name:
                self.cluster.remove(PODS, pod["metadata"]["name"])
        since = {"type": "Suspended", "status": "True", "lastTransitionTime": timestamps.text(self.clock.now)}
        status = {"conditions": [since], "startTime": None, "ready": 0, "active": 0}
        self.cluster.change(JOBS, name, {"status": status}, subresource="status")

    def resume_job(self, name: str) -> None:
        """Play Kueue, which admits a Job. `start_jobs` gives it a pod."""
        self.cluster.change(JOBS, name, {"spec": {"suspend": False}})
        self.cluster.change(JOBS, name, {"status": {"conditions": None}}, subresource="status")

    def add_pod(self, job: Object, *, phase: str, suffix: str = "pod", **status: Any) -> Object:
        """Create a pod of a Job, from the Job's own template."""
        metadata = job["metadata"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
        return self.cluster.put(
            PODS,
            {
                "metadata": {
                    "name": f"{metadata['name']}-{suffix}",
                    "labels": job["spec"]["template"]["metadata"]["labels"],
                    "ownerReferences": [{**owner, "controller": True}],
                },
                "spec": job["spec"]["template"]["spec"],
                "status": {"phase": phase, **status},
            },
        )

    def finish_jobs(
        self, log: Callable[[Object], str] = lambda x: f"accuracy={x['x'] / 100}", at_most: int = 1000
    ) -> int:
        """Let running pods write their logs and end well, and their Jobs complete. `log` gets the parameters."""
        finished = self.finish_pods(log, at_most)
        self.complete_jobs()
        return finished

    def finish_pods(
        self, log: Callable[[Object], str] = lambda x: f"accuracy={x['x'] / 100}", at_most: int = 1000
    ) -> int:
        """Let running pods write their logs and end well. The Job controller has not looked yet."""
        finished = 0
        for pod in self.cluster.all(PODS)[:]:
            if pod["status"]["phase"] == "Running" and finished < at_most:
                trial = pod["metadata"]["ownerReferences"][0]["name"]
                self.cluster.logs[pod["metadata"]["name"]] = log(self.record(trial)["spec"]["parameters"])
                self.cluster.change(PODS, pod["metadata"]["name"], {"status": {"phase": "Succeeded"}})
                finished += 1
        return finished

    def complete_jobs(self) -> int:
        """Play the Job controller: Jobs complete whose pod has ended well."""
        done = {
            pod["metadata"]["ownerReferences"][0]["uid"]
            for pod in self.cluster.all(PODS)
            if pod["status"]["phase"] == "Succeeded"
        }
        jobs = [job for job in self.cluster.all(JOBS) if job["metadata"]["uid"] in done]
        ready = [job for job in jobs if not job["status"].get("conditions")]
        for job in ready:
            self.end_job(job["metadata"]["name"], "Complete")
        return len(ready)

    def report(self, name: str, *values: float, goal: Goal = "Maximize") -> None:
        """Let a running trial have reported these values in all."""
        columns = columns_of(curve_of(*values, goal=goal))
        self.cluster.change(HYPERDRIVE_TRIALS, name, {"status": {"curve": columns}}, subresource="status")

    def stop_jobs(self) -> int:
        """Play the Job controller: Jobs whose deadline is over fail, and their pods go."""
        late = [job for job in self.cluster.all(JOBS) if job["spec"].get("activeDeadlineSeconds") == 0]
        late = [job for job in late if not job["status"].get("conditions") and not job["spec"].get("suspend")]
        for job in late:
            name = job["metadata"]["name"]
            for pod in self.cluster.all(PODS):
                if pod["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]:
                    self.cluster.remove(PODS, pod["metadata"]["name"])
            self.end_job(name, "Failed", reason="DeadlineExceeded")
        return len(late)

    def end_job(self, name: str, how: str, reason: str = "BackoffLimitExceeded") -> None:
        """Let a Job complete or fail."""
        now = timestamps.text(self.clock.now)
        end = {"type": how, "status": "True", "lastTransitionTime": now, "reason": reason}
        status = {"conditions": [end], "ready": None, "active": None}
        self.cluster.change(JOBS, name, {"status": status}, subresource="status")

    async def run_to_the_end(self, log: Callable[[Object], str] | None = None) -> None:
        """Run all that the operator starts, until it starts no more. A second passes between an end and a start."""
        for _ in range(200):
            await self.settle()
            self.clock.advance(1)
            moved = self.start_jobs()
            await self.settle()
            self.clock.advance(self.run_seconds)
            await self.settle()
            moved += self.finish_pods(log) if log else self.finish_pods()
            await self.settle()
            self.clock.advance(1)
            moved += self.complete_jobs()
            if not moved and self.is_over:
                return
        raise AssertionError(f"not over: {self.status}")

    # --- what can be seen ---------------------------------------------------------------------------------------------

    @property
    def status(self) -> Object:
        """The sweep's status."""
        status: Object = self.cluster.one(HYPERDRIVES, self.name)["status"]
        return status

    @property
    def is_over(self) -> bool:
        """The sweep's status says that it ended."""
        return "completionTime" in self.status

    def condition(self, kind: str) -> Object:
        """Return a condition of the sweep."""
        return next(condition for condition in self.status["conditions"] if condition["type"] == kind)

    def trial_states(self) -> dict[str, str]:
        """Return the state of each trial by its name."""
        return {body["metadata"]["name"]: body["status"]["state"] for body in self.cluster.all(HYPERDRIVE_TRIALS)}

    def record(self, name: str) -> Object:
        """Return a trial's record."""
        return self.cluster.one(HYPERDRIVE_TRIALS, name)

    def writes(self) -> Counter[str]:
        """Return how often each kind of write was made, dry runs apart."""
        return Counter(write.what for write in self.cluster.writes if not write.is_dry_run)

    def warnings(self) -> list[str]:
        """Return the messages of all warning events."""
        return [message for kind, _, message in self.recorder.said if kind == "Warning"]


def replace_all(cache: Cache, kind: Kind, bodies: Iterable[Object], mark: int) -> set[Key | None]:
    """Show a cache a whole list, as a relist does; return the HyperDrives concerned."""
    seen = {body["metadata"]["uid"]: cache.observe(kind, None, body) for body in bodies}
    return {*seen.values(), *cache.forget_others(kind, set(seen), mark)} - {None}
