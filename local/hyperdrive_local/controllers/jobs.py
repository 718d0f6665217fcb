"""The Job controller: watches Jobs and their pods, asks `job_rules` what to do, does it."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from typing import Any

from hyperdrive_local import times
from hyperdrive_local.controllers import job_per_index, job_pods
from hyperdrive_local.controllers.follow import follow
from hyperdrive_local.controllers.job_decision import Backoff, Decision
from hyperdrive_local.controllers.job_rules import decide
from hyperdrive_local.controllers.recorder import EventRecorder
from hyperdrive_local.errors import ApiError
from hyperdrive_local.objects import Object
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import JOBS, PODS

logger = logging.getLogger(__name__)

MANAGED_BY = "kubernetes.io/job-controller"
RETRY_SECONDS = 1.0  # after a refusal that is no race: a quota, a template that no pod can be made of
MAX_STEPS = (
    20  # of one Job at a time: its pods ended, were counted, the Job ended: four; more is a refusal that repeats
)
MERGE_PATCH = "application/merge-patch+json"

Key = tuple[str, str]


class JobController:
    """Brings every Job's pods and status to what its spec asks for. Level-triggered: any step may run at any time."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._recorder = EventRecorder(registry, "job-controller")
        self._jobs: dict[str, Key | None] = {}  # None: another controller's
        self._pods: defaultdict[str, dict[str, Object]] = defaultdict(dict)
        self._backoffs: dict[str, Backoff] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._due: set[str] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(follow(self._registry, PODS, self._on_pod))
                tasks.create_task(follow(self._registry, JOBS, self._on_job))
                tasks.create_task(self._work())
        finally:
            for timer in self._timers.values():
                timer.cancel()

    def _on_job(self, kind: str, job: Object) -> None:
        uid = job["metadata"]["uid"]
        if kind == "DELETED":
            self._jobs.pop(uid, None)
            self._backoffs.pop(uid, None)
            if timer := self._timers.pop(uid, None):
                timer.cancel()
        else:
            ours = job["spec"].get("managedBy") in {None, MANAGED_BY}
            self._jobs[uid] = (job["metadata"]["namespace"], job["metadata"]["name"]) if ours else None
        self._enqueue(uid)

    def _on_pod(self, kind: str, pod: Object) -> None:
        owner = next((o for o in pod["metadata"].get("ownerReferences", ()) if o.get("controller")), None)
        if owner is None or owner["kind"] != "Job":
            return
        pods = self._pods[owner["uid"]]
        if kind == "DELETED":
            pods.pop(pod["metadata"]["uid"], None)
            if not pods:
                del self._pods[owner["uid"]]
        else:
            pods[pod["metadata"]["uid"]] = pod
        self._enqueue(owner["uid"])

    def _enqueue(self, uid: str) -> None:
        self._due.add(uid)
        self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            # the followers' turn: a Job that is reconciled before its pods are known would make them again
            await asyncio.sleep(0)
            while self._due:
                uid = self._due.pop()
                try:
                    self._reconcile(uid)
                except ApiError as error:
                    self._refused(uid, error)
                except Exception:
                    logger.exception("a Job could not be reconciled", extra={"uid": uid})
                    self._check_after(uid, RETRY_SECONDS)

    def _refused(self, uid: str, error: ApiError) -> None:
        if error.code in {404, 409}:
            # someone was faster, and their change is on its way here; the timer is for the case that it came already
            logger.debug("a Job has changed meanwhile", extra={"uid": uid, "error": error.message})
        else:
            logger.warning("a Job is refused something", extra={"uid": uid, "error": error.message})
        self._check_after(uid, RETRY_SECONDS)

    def _reconcile(self, uid: str) -> None:
        """Take one Job as far as it can go now. No await inside, so nobody else acts in between."""
        if uid not in self._jobs:
            self._let_orphans_go(uid)
        if not (key := self._jobs.get(uid)):
            return
        for _ in range(MAX_STEPS):
            job = self._registry.get(JOBS, *key)
            if job["metadata"]["uid"] != uid:
                return
            decision = decide(job, self._current_pods(uid), times.now(), self._backoffs.get(uid))
            self._backoffs[uid] = decision.backoff
            if not self._apply(job, decision):
                if decision.check_after is not None:
                    self._check_after(uid, decision.check_after)
                return
        self._check_after(uid, RETRY_SECONDS)

    def _current_pods(self, uid: str) -> list[Object]:
        """The Job's pods as they are at this moment: watch events may still be on their way."""
        pods = []
        for pod in list(self._pods.get(uid, {}).values()):
            metadata = pod["metadata"]
            with contextlib.suppress(ApiError):
                current = self._registry.get(PODS, metadata["namespace"], metadata["name"])
                if current["metadata"]["uid"] == metadata["uid"]:
                    pods.append(current)
        return pods

    def _apply(self, job: Object, decision: Decision) -> bool:
        """Carry a decision out; returns whether anything was changed."""
        namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
        if decision.remove:
            self._registry.delete(JOBS, namespace, name, uid=job["metadata"]["uid"], propagation="Foreground")
            return False
        created = [self._create_pod(job, index) for index in decision.create]
        changed = bool(created)
        if decision.status != job.get("status", {}):
            # the version makes a user's change in between a conflict, and there is no "in between"
            body = {**job, "status": decision.status}
            self._registry.update(JOBS, namespace, name, body, subresource="status")
            changed = True
        for pod_name in decision.release:
            self._release(namespace, pod_name)
        for pod_name in decision.discard:
            self._release(namespace, pod_name)
        for pod_name in (*decision.discard, *decision.delete):
            with contextlib.suppress(ApiError):
                self._registry.delete(PODS, namespace, pod_name)
            self._recorder.record(job, "Normal", "SuccessfulDelete", f"Deleted pod: {pod_name}")
        for event in decision.events:
            self._recorder.record(job, event.type, event.reason, event.message)
        return changed or bool(decision.release or decision.discard or decision.delete)

    def _create_pod(self, job: Object, index: int | None) -> Object:
        try:
            body = job_pods.build_pod(job, index, self._annotations(job, index))
            pod = self._registry.create(PODS, job["metadata"]["namespace"], body)
        except ApiError as error:
            self._recorder.record(job, "Warning", "FailedCreate", f"Error creating: {error.message}")
            raise
        self._pods[job["metadata"]["uid"]][pod["metadata"]["uid"]] = pod
        self._recorder.record(job, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        return pod

    def _annotations(self, job: Object, index: int | None) -> dict[str, str]:
        """What a pod is told of the tries before it, where each index has tries of its own."""
        if job_per_index.limit_of(job) is None:
            return {}
        return job_per_index.tries_before(index, job, self._current_pods(job["metadata"]["uid"])).annotations

    def _release(self, namespace: str, name: str) -> None:
        """Take the tracking finalizer off a pod."""
        with contextlib.suppress(ApiError):
            pod = self._registry.get(PODS, namespace, name)
            kept = [f for f in pod["metadata"].get("finalizers", ()) if f != job_pods.TRACKING_FINALIZER]
            patch: dict[str, Any] = {"metadata": {"finalizers": kept or None}}
            self._registry.patch(PODS, namespace, name, patch, content_type=MERGE_PATCH)

    def _let_orphans_go(self, uid: str) -> None:
        """A pod whose Job is gone is nobody's to count: without this its deletion would never end."""
        for pod in list(self._pods.get(uid, {}).values()):
            if job_pods.is_tracked(pod):
                self._release(pod["metadata"]["namespace"], pod["metadata"]["name"])

    def _check_after(self, uid: str, seconds: float) -> None:
        if timer := self._timers.pop(uid, None):
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[uid] = loop.call_later(seconds, self._enqueue, uid)
