"""All that the API server has seen happen to a namespace's trials, Jobs and pods, change by change.

It is read from the API server itself, past the proxy: what the operator believes does not count.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
from typing import Any

import aiohttp

from .server import Object, RefusedError, Server

ENDED = frozenset({"Succeeded", "Failed", "EarlyStopped"})
PAUSE_SECONDS = 0.2
GONE = 410


class History:
    """An async context manager: it follows until it is left."""

    def __init__(self, server: Server, namespace: str) -> None:
        self._server = server
        self._paths = {
            "trials": f"/apis/hyperdrive.dev/v1alpha1/namespaces/{namespace}/hyperdrivetrials",
            "jobs": f"/apis/batch/v1/namespaces/{namespace}/jobs",
            "pods": f"/api/v1/namespaces/{namespace}/pods",
        }
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()
        #: How many changes of trials and Jobs there were: whoever writes them is at work.
        self.changes = 0
        self.job_uids: defaultdict[str, list[str]] = defaultdict(list)
        self.trial_uids: defaultdict[str, list[str]] = defaultdict(list)
        #: Pods that have run, by the Job they belong to.
        self.ran: defaultdict[str, set[str]] = defaultdict(set)
        #: Seconds for which each of them ran, as far as it told its end.
        self.seconds: dict[str, float] = {}
        self.finished: set[str] = set()
        self.most_at_once = 0
        #: Ends that were changed after they were written: none ever may.
        self.rewritten: list[str] = []
        self._unfinished: set[str] = set()
        self._ends: dict[str, Any] = {}
        self._gone: set[str] = set()

    async def __aenter__(self) -> "History":
        self._tasks = [asyncio.create_task(self._follow(what)) for what in self._paths]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def ended(self) -> set[str]:
        """The trials whose newest record says how they ended."""
        return {name for name, uids in self.trial_uids.items() if uids[-1] in self._ends and name not in self._gone}

    def forget(self) -> None:
        """Begin anew, with the same names: what there was is gone."""
        for known in (
            self.job_uids,
            self.trial_uids,
            self.ran,
            self.seconds,
            self.finished,
            self._unfinished,
            self._ends,
            self._gone,
        ):
            known.clear()

    async def until(self, holds: Any, seconds: float, what: str) -> None:
        """Wait for a change after which something holds."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(holds)
        except TimeoutError:
            raise AssertionError(f"after {seconds:.0f} s still not so: {what}") from None

    async def _follow(self, what: str) -> None:
        """Follow a collection for ever. A break is mended from the last version, so that nothing is missed."""
        path, version = self._paths[what], ""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError, RefusedError):
                if not version:
                    listed = await self._server.get(path)
                    for item in listed["items"]:
                        await self._take(what, "ADDED", item)
                    version = listed["metadata"]["resourceVersion"]
                async for event, body in self._server.watch(path, version):
                    if event == "ERROR":
                        version = ""
                        break
                    version = body["metadata"]["resourceVersion"]
                    if event != "BOOKMARK":
                        await self._take(what, event, body)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _take(self, what: str, event: str, body: Object) -> None:
        async with self._changed:
            {"trials": self._take_trial, "jobs": self._take_job, "pods": self._take_pod}[what](event, body)
            self._changed.notify_all()

    def _take_trial(self, event: str, trial: Object) -> None:
        name, uid = trial["metadata"]["name"], trial["metadata"]["uid"]
        self.changes += event != "DELETED"
        if uid not in self.trial_uids[name]:
            self.trial_uids[name].append(uid)
        (self._gone.add if event == "DELETED" else self._gone.discard)(name)
        status = trial.get("status") or {}
        if status.get("state") in ENDED:
            end = (status["state"], status.get("value"), status.get("reason"))
            if self._ends.setdefault(uid, end) != end:
                self.rewritten.append(f"{name}: {self._ends[uid]} became {end}")

    def _take_job(self, event: str, job: Object) -> None:
        name, uid = job["metadata"]["name"], job["metadata"]["uid"]
        if uid not in self.job_uids[name]:
            self.job_uids[name].append(uid)
            self.changes += 1
        is_finished = _is_finished(job)
        if is_finished:
            self.finished.add(name)
        if event == "DELETED" or is_finished:
            self._unfinished.discard(uid)
        else:
            self._unfinished.add(uid)
        self.most_at_once = max(self.most_at_once, len(self._unfinished))

    def _take_pod(self, _event: str, pod: Object) -> None:
        owner = next(iter(pod["metadata"].get("ownerReferences") or ()), {"name": ""})["name"]
        states = [status.get("state") or {} for status in pod["status"].get("containerStatuses") or ()]
        if any("running" in state or "terminated" in state for state in states):
            self.ran[owner].add(pod["metadata"]["uid"])
        for state in states:
            if (end := state.get("terminated") or {}).get("startedAt"):
                lasted = datetime.fromisoformat(end["finishedAt"]) - datetime.fromisoformat(end["startedAt"])
                self.seconds[pod["metadata"]["uid"]] = lasted.total_seconds()


def _is_finished(job: Object) -> bool:
    conditions = job.get("status", {}).get("conditions") or ()
    return any(c["type"] in {"Complete", "Failed"} and c["status"] == "True" for c in conditions)
