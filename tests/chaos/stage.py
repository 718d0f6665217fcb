"""Where one fault is played: a namespace with a sweep, the operator behind its proxy, the history of it all."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .history import History
from .operators import Log, Operator
from .proxy import Proxy
from .server import Object, RefusedError
from .sweep import NAME, Plan, manifest
from .weather import Weather
from .world import World

HYPERDRIVES = "/apis/hyperdrive.dev/v1alpha1/namespaces/{}/hyperdrives"
TRIALS = "/apis/hyperdrive.dev/v1alpha1/namespaces/{}/hyperdrivetrials"
JOBS = "/apis/batch/v1/namespaces/{}/jobs"
PODS = "/api/v1/namespaces/{}/pods"
START_SECONDS = 60
#: None of them may end a trial or a sweep, whatever befalls it.
LIMITS: Final = {
    "timeout": "2h",
    "trialTimeout": "10m",
    "maxTotalTrialTime": "2h",
    "maxFailedTrials": 20,
    "maxTrialsWithoutImprovement": 100,
}


@dataclass
class Stage:
    """What a fault may use."""

    world: World
    namespace: str
    plan: Plan
    proxy: Proxy
    weather: Weather
    history: History
    operators: list[Operator]
    log: Log
    #: The short form: for the test suites.
    is_brief: bool
    #: Trials whose record, Job or pod was taken away, and how often: these may end in any way, or run once more.
    disturbed: Counter[str] = field(default_factory=Counter)
    #: Those of them whose pod was evicted while it ran.
    evicted: Counter[str] = field(default_factory=Counter)
    #: Seconds from the end of the fault to the operator's next step.
    back_to_work: float = 0.0
    #: How many trials had ended when the fault was over: those that came after it show that the operator works.
    ended_meanwhile: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def random(self) -> random.Random:
        """Chance, from the seed."""
        return self.weather.random

    async def pause(self, brief: float, long: float) -> None:
        """Let the fault last: so long in the short form, so long in the long one."""
        await asyncio.sleep(brief if self.is_brief else long)

    def times(self, brief: int, long: int) -> int:
        """How often to do something."""
        return brief if self.is_brief else long

    async def apply(self) -> None:
        """Create the sweep."""
        path = HYPERDRIVES.format(self.namespace)
        await self.world.server.create(path, manifest(self.plan, self.namespace, **LIMITS))

    async def rest(self) -> None:
        """Pause the sweep for some seconds, as a person does, in the midst of it all."""
        await asyncio.sleep(self.random.uniform(0.0, 2.0))
        await self._set_state("Paused")
        await asyncio.sleep(self.random.uniform(1.0, 4.0))
        await self._set_state("Running")

    async def _set_state(self, state: str) -> None:
        path = f"{HYPERDRIVES.format(self.namespace)}/{NAME}"
        await self.world.server.patch(path, {"spec": {"state": state}})
        self.notes.append(f"spec.state: {state}")

    async def sweep(self) -> Object:
        """Return the sweep as it is."""
        return await self.world.server.get(f"{HYPERDRIVES.format(self.namespace)}/{NAME}")

    async def all(self, path: str) -> list[Object]:
        """Return all objects of a kind in the namespace."""
        items: list[Object] = (await self.world.server.get(path.format(self.namespace)))["items"]
        return items

    async def take_away(self, path: str, *, running: bool = True) -> str:
        """Delete an object by hand: of a trial that runs, or of any. Returns its name, empty if there was none."""
        candidates = await self.all(path)
        if running:
            ended = self.history.finished
            candidates = [item for item in candidates if trial_of(item) not in ended]
        if not candidates:
            return ""
        victim = self.random.choice(sorted(candidates, key=trial_of))
        self.disturbed[trial_of(victim)] += 1
        await self.world.server.delete(f"{path.format(self.namespace)}/{victim['metadata']['name']}")
        self.notes.append(
            f"deleted {victim['kind'] if 'kind' in victim else path.rsplit('/', 1)[1]} {trial_of(victim)}"
        )
        return trial_of(victim)

    async def started(self, count: int) -> None:
        """Wait until so many Jobs have been created."""
        await self.history.until(
            lambda: len(self.history.job_uids) >= count, START_SECONDS, f"{count} Jobs have been created"
        )

    async def until_works(self, seconds: float) -> None:
        """Wait until the operator does something, or has nothing to do any more; keep how long it took."""
        began, before = time.monotonic(), self.history.changes
        everything = self.plan.total
        await self.history.until(
            lambda: self.history.changes > before or len(self.history.ended) >= everything,
            seconds,
            "the operator works again",
        )
        self.back_to_work = max(self.back_to_work, time.monotonic() - began)

    async def until_complete(self, seconds: float) -> None:
        """Wait until the sweep says that it is complete."""

        async def is_complete() -> bool:
            try:
                status = (await self.sweep()).get("status") or {}
            except RefusedError:
                return False
            return any(c["type"] == "Complete" and c["status"] == "True" for c in status.get("conditions") or ())

        deadline = time.monotonic() + seconds
        while not await is_complete():
            if time.monotonic() > deadline:
                raise AssertionError(f"not complete after {seconds:.0f} s: {(await self.sweep()).get('status')}")
            await asyncio.sleep(0.2)


def trial_of(body: Object) -> str:
    """Return the name of the trial that an object belongs to."""
    labels = body["metadata"].get("labels") or {}
    return str(labels.get("hyperdrive.dev/trial") or body["metadata"]["name"])


@asynccontextmanager
async def staged(
    world: World, folder: Path, *, name: str, seed: int, plan: Plan, operators: int, is_brief: bool
) -> AsyncIterator[Stage]:
    """Set a stage: namespace, proxy, operators. The sweep is not applied yet."""
    namespace = f"chaos-{name}-{seed}"
    weather, log = Weather(seed), Log()
    proxy = Proxy(world.operators, weather, folder)
    await world.make_namespace(namespace)
    await proxy.start()
    crew = [Operator(proxy.kubeconfig, log) for _ in range(operators)]
    try:
        async with History(world.server, namespace) as history:
            for operator in crew:
                await operator.start()
            yield Stage(world, namespace, plan, proxy, weather, history, crew, log, is_brief)
    finally:
        weather.clear()
        for operator in crew:
            await operator.stop()
        await proxy.stop()
        await world.remove_namespace(namespace)
