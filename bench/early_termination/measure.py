"""Replays every sweep under every policy and keeps what came out, so that it is done once."""

import hashlib
import json
import random
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import hyperdrive_operator.core as core_package
from hyperdrive_operator.api.v1alpha1 import EarlyTermination
from hyperdrive_operator.core.early_termination.policies import make_policy
from hyperdrive_operator.core.metrics import Goal

from .oracle import Oracle
from .policies import policy_for
from .replay import Outcome, replay
from .sweeps import NETWORKS, Run, Task


@dataclass(frozen=True, slots=True)
class Measured:
    """One sweep with one order of its trials, under a policy and without any."""

    task: str
    seed: int
    steps_saved: float
    time_saved: float
    #: The best value that is found without a policy.
    best: float
    #: How much worse the best value that was found is, in the metric's own unit. 0 is no loss.
    loss: float
    #: The distance between the best trial and the median trial, without a policy.
    spread: float
    #: Whether every trial that would have reached the best value of all was stopped.
    is_best_stopped: bool
    #: The test score of what reported the best value, without a policy, and how much worse it is with one (it may be
    #: better). None if none was recorded.
    test: float | None = None
    test_loss: float | None = None

    @property
    def relative_loss(self) -> float:
        """The loss as a share of the distance between the best trial and the median trial."""
        return self.loss / self.spread if self.spread > 0 else float(self.loss > 0)


def measure(
    suite: str,
    tasks: Sequence[Task],
    policies: Mapping[str, Mapping[str, Any]],
    *,
    seeds: int,
    at_once: int,
    cache: Path,
) -> dict[str, list[Measured]]:
    """Return what each policy does to each sweep of a suite, with each seed. What is in the cache is not done again.

    A sweep is replayed under all policies before the next one: its curves are made once.
    """
    kept = {
        name: Kept(cache / f"{suite}-{_fingerprint(fields, seeds, at_once)}.jsonl") for name, fields in policies.items()
    }
    began = time.monotonic()
    for count, task in enumerate(tasks, 1):
        missing = [name for name in policies if task.name not in kept[name].by_task]
        found: dict[str, list[Measured]] = {name: [] for name in missing}
        judges = {name: policy_for(policies[name], task) for name in missing}
        for seed in range(seeds) if missing else ():
            runs = task.runs(seed)
            without = replay(runs, None, goal=task.goal, at_once=at_once, order=_order(seed))
            for name, policy in judges.items():
                one = compare(task, runs, without, policy, seed=seed, at_once=at_once)
                found[name] += [one] if one is not None else []
        for name, measured in found.items():
            kept[name].add(task.name, measured)
        print(
            f"\r{suite}: {count} of {len(tasks)}, {time.monotonic() - began:.0f} s", end="", file=sys.stderr, flush=True
        )
    print(file=sys.stderr)
    return {name: [one for task in tasks for one in kept[name].by_task[task.name]] for name in policies}


class Kept:
    """Results in a file, a line for each task: a run that was interrupted goes on where it was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.by_task: dict[str, list[Measured]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            if lines and not lines[-1].endswith("\n"):
                path.write_text("".join(lines[:-1]), encoding="utf-8")
                lines.pop()
            for recorded in map(json.loads, lines):
                self.by_task[recorded["task"]] = [Measured(**one) for one in recorded["measured"]]

    def add(self, task: str, measured: Sequence[Measured]) -> None:
        """Keep what was measured of a task."""
        self.by_task[task] = list(measured)
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"task": task, "measured": [asdict(one) for one in measured]}) + "\n")


def compare(
    task: Task, runs: Sequence[Run], without: Outcome, policy: EarlyTermination | Oracle, *, seed: int, at_once: int
) -> Measured | None:
    """Compare a sweep under a policy with what it is without one; None if it has no result to lose."""
    if without.best is None:
        return None
    if isinstance(policy, Oracle):
        found = policy.outcome(runs, without, task.goal)
    else:
        found = replay(runs, policy, goal=task.goal, at_once=at_once, order=_order(seed))
    bests = {
        place: best_of(run.values, task.goal) for place, run in enumerate(runs) if run.values and not run.is_failed
    }
    sign = 1 if task.goal == "Maximize" else -1
    test, test_with = (_test(runs, outcome) for outcome in (without, found))
    return Measured(
        task.name,
        seed,
        steps_saved=1 - found.reports / without.reports,
        time_saved=1 - found.seconds / max(without.seconds, 1e-9),
        best=without.best,
        loss=abs(without.best - found.best) if found.best is not None else 0.0,
        spread=abs(statistics.median(bests.values()) - without.best),
        is_best_stopped={place for place, value in bests.items() if value == without.best} <= found.stopped,
        test=test,
        test_loss=sign * (test - test_with) if test is not None and test_with is not None else None,
    )


def _order(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  an order, no secret


def _test(runs: Sequence[Run], outcome: Outcome) -> float | None:
    """Return the test score of what reported the best value."""
    if outcome.winner is None:
        return None
    place, report = outcome.winner
    tests = runs[place].tests
    return tests[report] if tests else None


def best_of(values: Iterable[float], goal: Goal) -> float:
    """Return the best of some values."""
    return max(values) if goal == "Maximize" else min(values)


#: Stands for all tasks, to see what a policy's defaults are.
_ANY = Task("any", "Maximize", lambda _: [Run("any", (0.0,) * 16, (1.0,) * 16)])


def _fingerprint(fields: Mapping[str, Any], seeds: int, at_once: int) -> str:
    """Name what a result depends on: the policy with its defaults, and the code that judges and replays."""
    core = Path(core_package.__file__).parent
    sources = [*sorted((core / "early_termination").glob("*.py")), core / "curves.py"]
    sources += [Path(__file__).with_name(f"{name}.py") for name in ("measure", "oracle", "replay", "sweeps")]
    policy = policy_for(fields, _ANY)
    made = policy if isinstance(policy, Oracle) else make_policy(policy, _ANY.goal)
    digest = hashlib.sha256(repr((fields, made, seeds, at_once)).encode())
    for source in (*sources, NETWORKS):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
