"""The faults: each a function that plays it on a stage and returns when it is over. What must hold, `judge` says."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from .operators import Operator
from .server import RefusedError, wait_until
from .stage import JOBS, PODS, TRIALS, Stage
from .weather import FORBIDDEN, Ask, Effect, Weather

Play = Callable[[Stage], Awaitable[None]]
#: After so long a silent watch has been given up and opened again.
SILENCE_SECONDS: Final = 100.0
ALL: Final = frozenset({"hyperdrives", "hyperdrivetrials", "jobs", "pods"})


@dataclass(frozen=True)
class Fault:
    """One fault. `bound` is the time that the operator has to be at work again, once the fault is over."""

    name: str
    how: str
    play: Play
    bound: float = 75.0
    operators: int = 1
    #: Only a real cluster has what it takes.
    only_real: bool = False
    #: The sweep is paused and goes on in the midst of it; not where it is deleted, or its condition is waited for.
    is_paused_too: bool = True


# --- the process ----------------------------------------------------------------------------------------------------


async def killed(stage: Stage) -> None:
    """SIGKILL at random instants: at work, at rest, while it starts."""
    (operator,) = stage.operators
    for _ in range(stage.times(3, 8)):
        await asyncio.sleep(stage.random.uniform(0.2, 2.5 if stage.is_brief else 4.0))
        await operator.kill()
        await asyncio.sleep(stage.random.uniform(0.0, 1.0))
        await operator.start()


async def two(stage: Stage) -> None:
    """Two operators all the time; the one and the other are killed and come back."""
    for _ in range(stage.times(1, 3)):
        victim: Operator = stage.random.choice(stage.operators)
        await asyncio.sleep(stage.random.uniform(1.0, 4.0))
        await victim.kill()
        await asyncio.sleep(stage.random.uniform(0.0, 2.0))
        await victim.start()


# --- the API server -------------------------------------------------------------------------------------------------


async def _down(stage: Stage, seconds: float) -> None:
    await stage.proxy.refuse()
    await asyncio.sleep(seconds)
    await stage.proxy.start()


async def down(stage: Stage) -> None:
    """Connections are reset, new ones refused."""
    await _down(stage, 3 if stage.is_brief else 10)


async def down_long(stage: Stage) -> None:
    """The same, for two minutes."""
    await _down(stage, 10 if stage.is_brief else 120)


async def errors(stage: Stage) -> None:
    """A third of all requests fails before it is applied, a sixth of the rest after it: the answer is lost."""
    with stage.weather.rule("errors", stage.weather.refusals(0.33, 0.16)):
        await stage.pause(6, 25)


async def slow(stage: Stage) -> None:
    """Every answer takes up to three seconds; in the long form some never come."""
    with stage.weather.rule("slow", stage.weather.slowness(3.0)):
        await stage.pause(5, 15)
    if not stage.is_brief:
        with stage.weather.rule("hanging", _hanging(stage.weather)):
            await asyncio.sleep(20)


def _hanging(weather: Weather) -> Callable[[Ask], Effect | None]:
    return lambda ask: Effect(delay=3600) if not ask.is_stream and weather.random.random() < 0.3 else None


# --- watches --------------------------------------------------------------------------------------------------------


async def cut(stage: Stage) -> None:
    """All connections are reset, again and again."""
    for _ in range(stage.times(6, 20)):
        stage.proxy.cut()
        await asyncio.sleep(stage.random.uniform(0.1, 1.5))


async def stalled(stage: Stage) -> None:
    """All watches that are open go silent, their connections standing; Jobs end meanwhile."""
    for _ in range(stage.times(1, 2)):
        stage.notes.append(f"{stage.proxy.stall()} watches stalled")
        await stage.until_works(SILENCE_SECONDS)


async def stale(stage: Stage) -> None:
    """Every event of a watch comes five seconds late."""
    stage.weather.stale_seconds = 5.0
    await stage.pause(8, 25)
    stage.weather.stale_seconds = 0.0


async def compacted(stage: Stage) -> None:
    """What is deleted by hand while the watches are silent is compacted before they are opened again: 410."""
    for _ in range(stage.times(1, 3)):
        stage.proxy.stall()
        await stage.take_away(JOBS)
        await stage.take_away(PODS)
        if stage.world.embedded is not None:
            stage.world.embedded.call(lambda registry: registry.store.forget_changes())
        stage.weather.gone |= ALL
        stage.proxy.cut()
        await asyncio.sleep(stage.random.uniform(1.0, 3.0))


# --- people ---------------------------------------------------------------------------------------------------------


async def by_hand(stage: Stage) -> None:
    """Somebody deletes Jobs, records and pods, of trials that run and of others."""
    for _ in range(stage.times(2, 5)):
        await stage.take_away(stage.random.choice([JOBS, PODS]))
        await asyncio.sleep(stage.random.uniform(0.2, 1.5))
        await stage.take_away(TRIALS, running=stage.random.random() < 0.5)
        await asyncio.sleep(stage.random.uniform(0.2, 1.5))


async def evicted(stage: Stage) -> None:
    """Pods are evicted through the Eviction API, as a drain does."""
    for _ in range(stage.times(2, 4)):
        running = [pod for pod in await stage.all(PODS) if pod["status"].get("phase") == "Running"]
        for pod in running[:1]:
            name, trial = pod["metadata"]["name"], pod["metadata"]["labels"]["hyperdrive.dev/trial"]
            body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
            with suppress(RefusedError):  # it has ended meanwhile
                await stage.world.server.create(f"{PODS.format(stage.namespace)}/{name}/eviction", body)
                stage.disturbed[trial] += 1
                stage.evicted[trial] += 1
                stage.notes.append(f"evicted {trial}")
        await asyncio.sleep(stage.random.uniform(0.5, 2.0))


async def quota(stage: Stage) -> None:
    """A quota takes all room for Jobs, and is lifted."""
    path = f"/api/v1/namespaces/{stage.namespace}/resourcequotas"
    hard = {"count/jobs.batch": str(len(stage.history.job_uids))}
    await stage.world.server.create(path, {"metadata": {"name": "full"}, "spec": {"hard": hard}})
    await wait_until(lambda: _says(stage, "QuotaExceeded"), 60, "the sweep says that the quota is used up")
    await stage.pause(2, 20)
    await stage.world.server.delete(f"{path}/full")


async def _says(stage: Stage, reason: str) -> bool:
    conditions = ((await stage.sweep()).get("status") or {}).get("conditions") or ()
    return any(condition["reason"] == reason for condition in conditions)


async def permissions(stage: Stage) -> None:
    """The operator's permissions are taken away and given back."""
    if stage.world.is_real:
        await stage.world.revoke()
        await stage.pause(5, 45)
        await stage.world.grant()
    else:
        with stage.weather.rule("forbidden", stage.weather.answer(FORBIDDEN)):
            stage.proxy.cut()
            await stage.pause(5, 45)


async def crds(stage: Stage) -> None:
    """Both CRDs are deleted, with every sweep and trial, and come back; then the same sweep is applied again."""
    await stage.world.remove_crds()

    async def is_empty() -> bool:
        return not await stage.all(JOBS)

    await wait_until(is_empty, 60, "the Jobs of the sweep are gone with it")
    await stage.pause(2, 20)
    await stage.world.install_crds()
    stage.history.forget()
    await stage.apply()


async def clocks(stage: Stage) -> None:
    """The clocks of the nodes are an hour fast, then an hour slow."""
    stage.has_wrong_clocks = True
    for hours in (1, -1):
        stage.weather.skew_seconds = hours * 3600
        stage.proxy.cut()
        await stage.pause(3, 12)


FAULTS: Final = (
    Fault("killed", "SIGKILL to the operator's process at random instants, then a new process", killed),
    Fault("two", "two operator processes at once, without an election; one or the other is killed", two, operators=2),
    Fault("down", "API server gone for 10 s: connections reset, new ones refused", down),
    Fault("down-long", "API server gone for 2 minutes", down_long),
    Fault("errors", "409, 429 with Retry-After, 500, 503 and resets, before and after a request was applied", errors),
    Fault("slow", "answers up to 3 s late, and answers that never come", slow),
    Fault("cut", "all connections reset, again and again", cut),
    Fault("stalled", "watches go silent, their connections standing", stalled),
    Fault("stale", "watch events 5 s late", stale),
    Fault("compacted", "410 Gone, after deletions that the watches did not tell", compacted),
    Fault("by-hand", "Jobs, trials and pods deleted with kubectl's requests", by_hand),
    Fault("evicted", "pods evicted through the Eviction API", evicted, only_real=True),
    Fault("quota", "a ResourceQuota without room for Jobs, later deleted", quota, only_real=True, is_paused_too=False),
    Fault("permissions", "the operator's rights removed and restored (RBAC; embedded: 403)", permissions),
    Fault("crds", "both CRDs deleted and created again", crds, is_paused_too=False),
    Fault("clocks", "nodes' clocks an hour fast and an hour slow: times in pod statuses", clocks),
)
