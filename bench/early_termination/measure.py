"""Replays every sweep under every policy and keeps what came out, a line for each sweep, so that it is done once."""

import hashlib
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import hyperdrive_operator.core as core_package
from hyperdrive_operator.api.v1alpha1 import EarlyTermination
from hyperdrive_operator.core.early_termination.policies import make_policy
from hyperdrive_operator.core.metrics import Goal, better

from .policies import policy_for
from .replay import replay
from .sweeps import NETWORKS, Run, Task


@dataclass(frozen=True, slots=True)
class Measured:
    """One sweep with one order of its trials, under a policy and without any."""

    task: str
    seed: int
    steps_saved: float
    time_saved: float
    #: How much worse the best value that was found is, in the metric's own unit. 0 is no loss.
    loss: float
    #: The same, as a share of the distance between the best trial and the median trial.
    relative_loss: float
    #: Whether every trial that would have reached the best value of all was stopped.
    is_best_stopped: bool


def measure(
    suite: str, tasks: Iterable[Task], name: str, fields: Mapping[str, Any], *, seeds: int, at_once: int, cache: Path
) -> list[Measured]:
    """Return what a policy does to each sweep of a suite, with each seed; from the cache if it is there."""
    tasks = list(tasks)
    path = cache / f"{suite}-{_fingerprint(fields, tasks, seeds, at_once)}.jsonl"
    if path.exists():
        return [Measured(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    found = list(_measured(f"{suite}: {name}", tasks, fields, seeds=seeds, at_once=at_once))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text("".join(f"{json.dumps(asdict(one))}\n" for one in found), encoding="utf-8")
    part.replace(path)
    return found


def compare(task: Task, runs: Sequence[Run], policy: EarlyTermination, *, seed: int, at_once: int) -> Measured | None:
    """Compare a sweep under a policy with what it is without one; None if it has no result to lose."""
    bests = {
        place: best_of(run.values, task.goal) for place, run in enumerate(runs) if run.values and not run.is_failed
    }
    if not bests:
        return None
    best = best_of(bests.values(), task.goal)
    order = random.Random(seed)  # noqa: S311  an order
    outcome = replay(runs, policy, goal=task.goal, at_once=at_once, order=order)
    loss = abs(best - outcome.best) if outcome.best is not None and better(task.goal, best, outcome.best) else 0.0
    spread = abs(statistics.median(bests.values()) - best)
    winners = {place for place, value in bests.items() if value == best}
    return Measured(
        task.name,
        seed,
        steps_saved=1 - outcome.reports / sum(len(run.values) for run in runs),
        time_saved=1 - outcome.seconds / max(math.fsum(math.fsum(run.seconds) for run in runs), 1e-9),
        loss=loss,
        relative_loss=loss / spread if spread > 0 else float(loss > 0),
        is_best_stopped=winners <= outcome.stopped,
    )


def best_of(values: Iterable[float], goal: Goal) -> float:
    """Return the best of some values."""
    return max(values) if goal == "Maximize" else min(values)


def _measured(
    title: str, tasks: Iterable[Task], fields: Mapping[str, Any], *, seeds: int, at_once: int
) -> Iterator[Measured]:
    began = time.monotonic()
    for count, task in enumerate(tasks, 1):
        policy = policy_for(fields, task)
        for seed in range(seeds):
            found = compare(task, task.runs(seed), policy, seed=seed, at_once=at_once)
            if found is not None:
                yield found
        print(f"\r{title}: {count} sweeps, {time.monotonic() - began:.0f} s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _fingerprint(fields: Mapping[str, Any], tasks: Sequence[Task], seeds: int, at_once: int) -> str:
    """Name what a result depends on: the policy with its defaults, and the code that judges and replays."""
    core = Path(core_package.__file__).parent
    sources = [*sorted((core / "early_termination").glob("*.py")), core / "curves.py"]
    sources += [Path(__file__).with_name(f"{name}.py") for name in ("measure", "replay", "sweeps")]
    policy = repr(make_policy(policy_for(fields, tasks[0]), tasks[0].goal))
    digest = hashlib.sha256(
        json.dumps([fields, policy, seeds, at_once, [task.name for task in tasks]], sort_keys=True).encode()
    )
    for source in (*sources, NETWORKS):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
