"""What goes wrong, one thing after the other: for each alert its cause, on an operator that is at work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from tests.chaos.operators import Operator
from tests.chaos.server import wait_until
from tests.chaos.sweep import IMAGE
from tests.chaos.weather import FINE, FORBIDDEN, UNAVAILABLE, Ask, Effect, Weather
from tests.chaos.world import World

from hyperdrive_operator.api import names

Object = dict[str, Any]

#: In this namespace all sweeps are.
NAMESPACE: Final = "monitored"
SWEEPS: Final = f"/apis/{names.API_VERSION}/namespaces/{NAMESPACE}/hyperdrives"
#: A sweep of this name meets a bug (bench.monitoring.operator).
BUGGY: Final = "bug"
BUGGY_WORDS: Final = "injected by bench.monitoring"
#: More than the alert's threshold, and slow enough that they do not get through.
MANY: Final = 90
SLOW_SECONDS: Final = 1.5
#: Three times the share of requests that the alert allows to fail.
UNWELL_SHARE: Final = 0.3
#: How long nothing can be created: more than the alert's threshold, which is not shortened.
LATE_SECONDS: Final = 45.0


def sweep(name: str, total: int, at_once: int, script: str = "print('score=$(params.x)')", **spec: Any) -> Object:
    """Build a sweep whose trials run a line of Python."""
    container = {
        "name": "train",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-Suc", script],
    }
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    return {
        "apiVersion": names.API_VERSION,
        "kind": "HyperDrive",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "objective": {"primaryMetric": "score", "goal": "Maximize"},
            "searchSpace": [{"name": "x", "uniform": {"min": 0, "max": 1}}],
            "samplingAlgorithm": {"type": "Random", "seed": 1},
            "limits": {"maxTotalTrials": total, "maxConcurrentTrials": at_once},
            "trialTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": pod}}},
            **spec,
        },
    }


class Faults:
    """Each is entered, lasts until its alert has fired, and is mended."""

    def __init__(self, world: World, weather: Weather, operator: Operator) -> None:
        self._world = world
        self._weather = weather
        self._operator = operator

    def all(self) -> dict[str, Callable[[], AbstractAsyncContextManager[None]]]:
        """Return the faults by the alert that each has to raise."""
        return {
            "HyperDriveSweepStalled": self._stalled,
            "HyperDriveApiRequestsRefused": self._refused,
            "HyperDriveApiServerUnwell": self._unwell,
            "HyperDriveBug": self._bug,
            "HyperDriveTrialsStartLate": self._late,
            "HyperDriveQueueGrows": self._many,
            "HyperDriveNoLeader": self._killed,
        }

    async def create(self, *sweeps: Object) -> None:
        """Apply sweeps."""
        await asyncio.gather(*(self._world.server.create(SWEEPS, one) for one in sweeps))

    async def delete(self, *sweeps: Object) -> None:
        """Delete sweeps, and with them all that is theirs."""
        await asyncio.gather(*(self._world.server.delete(f"{SWEEPS}/{one['metadata']['name']}") for one in sweeps))

    @asynccontextmanager
    async def _of(self, *sweeps: Object) -> AsyncIterator[None]:
        await self.create(*sweeps)
        try:
            yield
        finally:
            await self.delete(*sweeps)

    def _stalled(self) -> AbstractAsyncContextManager[None]:
        return self._of(sweep("stalled", 3, 1, script="print('score=$(params.typo)')"))

    def _bug(self) -> AbstractAsyncContextManager[None]:
        return self._of(sweep(BUGGY, 3, 1))

    @asynccontextmanager
    async def _refused(self) -> AsyncIterator[None]:
        """Forbid what creates Jobs."""
        with self._weather.rule("refuse", lambda ask: Effect(before=FORBIDDEN) if _creates_jobs(ask) else FINE):
            async with self._of(*(sweep(f"refused-{number}", 3, 2) for number in range(4))):
                yield

    @asynccontextmanager
    async def _unwell(self) -> AsyncIterator[None]:
        """Let a third of the requests fail, while trials come and go."""

        def fail(ask: Ask) -> Effect:
            is_unlucky = not ask.is_stream and self._weather.random.random() < UNWELL_SHARE
            return Effect(before=UNAVAILABLE) if is_unlucky else FINE

        with self._weather.rule("unwell", fail):
            async with self._of(*(sweep(f"busy-{number}", 300, 2) for number in range(3))):
                yield

    @asynccontextmanager
    async def _late(self) -> AsyncIterator[None]:
        """Let the second trial's Job come late: the API server can't take it for a while."""
        one = sweep("late", 2, 1, "import time; time.sleep(3); print('score=$(params.x)')")
        await self.create(one)
        await self._running("late")
        with self._weather.rule("no Jobs", lambda ask: Effect(before=UNAVAILABLE) if _creates_jobs(ask) else FINE):
            await asyncio.sleep(LATE_SECONDS)
        try:
            yield
        finally:
            await self.delete(one)

    @asynccontextmanager
    async def _many(self) -> AsyncIterator[None]:
        """Let an API server that is slow meet many sweeps at once."""
        with self._weather.rule("slow", lambda ask: FINE if ask.is_stream else Effect(delay=SLOW_SECONDS)):
            async with self._of(*(sweep(f"many-{number}", 1, 1) for number in range(MANY))):
                yield

    @asynccontextmanager
    async def _killed(self) -> AsyncIterator[None]:
        await self._operator.kill()
        try:
            yield
        finally:
            await self._operator.start()

    async def _running(self, name: str) -> None:
        """Wait until a trial of a sweep runs."""

        async def runs() -> bool:
            status = (await self._world.server.get(f"{SWEEPS}/{name}"))["status"]
            return bool((status.get("trials") or {}).get("running"))

        await wait_until(runs, LATE_SECONDS, f"a trial of {name} runs")


def _creates_jobs(ask: Ask) -> bool:
    return ask.method == "POST" and ask.resource == "jobs" and "dryRun" not in ask.query
