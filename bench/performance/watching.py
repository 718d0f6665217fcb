"""What one watcher saw of a run's Jobs: when each came, and when each was finished."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from hyperdrive_operator.kube.kinds import JOBS
from hyperdrive_operator.kube.transport import Request, Transport


@dataclass
class JobTimes:
    """Seconds on one clock, in the order seen."""

    created: dict[str, float] = field(default_factory=dict)
    finished: dict[str, float] = field(default_factory=dict)

    def see(self, job: dict[str, Any], now: float) -> bool:
        """Take in a Job; tell whether it has just been seen to have finished."""
        name = job["metadata"]["name"]
        self.created.setdefault(name, now)
        conditions = job.get("status", {}).get("conditions") or ()
        is_finished = any(c["type"] in {"Complete", "Failed"} and c["status"] == "True" for c in conditions)
        if is_finished and name not in self.finished:
            self.finished[name] = now
            return True
        return False

    def makespan(self) -> float:
        """Return the seconds from the first creation to the last completion."""
        return max(self.finished.values()) - min(self.created.values())

    def in_flight(self) -> float:
        """Return how many Jobs were unfinished, averaged over the makespan."""
        busy = sum(self.finished[name] - created for name, created in self.created.items() if name in self.finished)
        return busy / self.makespan()

    def most_in_flight(self) -> int:
        """Return how many Jobs were unfinished at most, as the watcher saw it."""
        steps = [(at, 1) for at in self.created.values()] + [(at, -1) for at in self.finished.values()]
        now = most = 0
        for _, step in sorted(steps):
            now += step
            most = max(most, now)
        return most

    def refills(self, parallel: int) -> list[float]:
        """Return the seconds from the k-th completion to the (parallel + k)-th creation."""
        created, finished = sorted(self.created.values()), sorted(self.finished.values())
        return [later - earlier for earlier, later in zip(finished, created[parallel:], strict=False)]


def percentile(values: list[float], share: float) -> float:
    """Return the value below which that share of them lies."""
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


async def watch_jobs(transport: Transport, namespace: str) -> AsyncIterator[tuple[dict[str, Any], float]]:
    """Yield each Job that the API server tells of, and when; from now on, until cancelled."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    request = Request(
        "watch", "GET", JOBS, JOBS.path(namespace), query={"watch": "true", "timeoutSeconds": "3000"}, timeout=timeout
    )
    async with transport.stream(request) as chunks:
        rest = b""
        async for chunk in chunks:
            now = time.monotonic()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                event = json.loads(line)
                if event["type"] in {"ADDED", "MODIFIED"}:
                    yield event["object"], now


async def collect(transport: Transport, namespace: str, total: int, begun: asyncio.Event) -> JobTimes:
    """Watch a namespace until so many Jobs have finished."""
    times = JobTimes()
    begun.set()
    async for job, now in watch_jobs(transport, namespace):
        times.see(job, now)
        if len(times.finished) >= total:
            break
    return times
