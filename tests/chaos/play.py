"""One round: a fault is played on a stage, and judged."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import aiohttp

from . import judge
from .faults import Fault
from .server import RefusedError
from .stage import Stage, staged
from .sweep import Plan
from .world import World

COMPLETE_SECONDS = 240
BRIEF = Plan(total=9, at_once=3, seconds=0.6)
LONG = Plan(total=24, at_once=3, seconds=1.5)
#: The embedded cluster has no containers to start: without this the sweep is over before a long fault is.
LONG_EMBEDDED = replace(LONG, seconds=5.0)
#: What ends a round, and not those after it. A TimeoutError is an OSError.
FAILURES: Final = (AssertionError, RefusedError, aiohttp.ClientError, OSError)


@dataclass
class Result:
    """What came of one round."""

    fault: str
    seed: int
    seconds: float = 0.0
    back_to_work: float = 0.0
    problems: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


async def play(world: World, fault: Fault, *, seed: int, folder: Path, is_brief: bool) -> Result:
    """Play a fault and judge what came of it. Its failures are in the result, never raised."""
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  nothing else runs yet
    long = LONG if world.is_real else LONG_EMBEDDED
    plan = BRIEF if is_brief else long
    result = Result(fault.name, seed)
    try:
        async with staged(
            world, folder, name=fault.name, seed=seed, plan=plan, operators=fault.operators, is_brief=is_brief
        ) as stage:
            try:
                await _tell(stage, fault, result, folder)
            except FAILURES as error:  # kept before the stage is taken down, which may fail as well
                result.problems.append(_told(error))
    except FAILURES as error:  # the stage could not be set, or not be taken down
        result.problems.append(_told(error))
    result.seconds = time.monotonic() - began
    return result


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _tell(stage: Stage, fault: Fault, result: Result, folder: Path) -> None:
    """Play it on a stage that is set, and write down what came of it."""
    try:
        await _perform(stage, fault)
        result.problems += await judge.problems(stage)
    finally:
        _write_log(stage, folder)
        result.back_to_work, result.facts, result.notes = stage.back_to_work, _facts(stage), stage.notes


async def _perform(stage: Stage, fault: Fault) -> None:
    await stage.apply()
    await stage.started(stage.random.randint(1, 4))
    await asyncio.gather(fault.play(stage), *([stage.rest()] if fault.is_paused_too else []))
    stage.ended_meanwhile = len(stage.history.ended)
    await stage.until_works(fault.bound)
    await stage.until_complete(COMPLETE_SECONDS)
    everything = stage.plan.total
    await stage.history.until(
        lambda: len(stage.history.trial_uids) >= everything, 10, "the history has seen all trials"
    )
    await asyncio.sleep(0.5)  # what is written after the end would be one write too many


def _facts(stage: Stage) -> dict[str, object]:
    history = stage.history
    return {
        "trials ended when it was over": stage.ended_meanwhile,
        "most Jobs at once": history.most_at_once,
        "kills": sum(operator.kills for operator in stage.operators),
        "effects": dict(stage.weather.used),
        "disturbed": dict(stage.disturbed),
        "lines in the worst minute": stage.log.most_a_minute(),
        "writes": stage.proxy.writes,
        "requests": stage.proxy.requests,
    }


def _write_log(stage: Stage, folder: Path) -> None:
    lines = [f"{moment:.2f} {line}" for moment, line in stage.log.lines]
    (folder / "operator.log").write_text("\n".join(lines))
