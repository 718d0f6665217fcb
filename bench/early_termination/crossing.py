"""How late the curves of a sweep cross, and when its time is spent: what a policy has to work with."""

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hyperdrive_operator.core.metrics import Goal

from .policies import Share
from .sweeps import Run, Task

#: After so many reports of each trial.
MOMENTS: Final[Mapping[str, int | Share]] = {
    "5 reports": 5,
    "1/2 of a trial's reports": Share(1 / 2),
    "2/3": Share(2 / 3),
    "4/5": Share(4 / 5),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A sweep when each trial has made so many reports."""

    #: Share of the sweep's time that is still to come.
    time_left: float
    #: The trial that is best in the end is behind another.
    is_overtaken: bool
    #: It is not among the better half of the trials.
    is_in_worse_half: bool


def crossings(tasks: Sequence[Task], seeds: int) -> str:
    """Return a table of what is known, and what is spent, some time before the end; means over all sweeps."""
    body = ""
    for name, after in MOMENTS.items():
        moments = [
            moment_of(task.runs(seed), after.reports(task) if isinstance(after, Share) else after, task.goal)
            for task, seed in _sweeps(tasks, seeds)
        ]
        cells = [
            statistics.fmean(moment.time_left for moment in moments),
            statistics.fmean(moment.is_overtaken for moment in moments),
            statistics.fmean(moment.is_in_worse_half for moment in moments),
        ]
        body += f"| {name} | {' | '.join(f'{100 * cell:.0f}' for cell in cells)} |\n"
    title = "after | time to come, % | best trial is behind another, % of sweeps | it is in the worse half, % of sweeps"
    return f"| {title} |\n|---|---|---|---|\n{body}"


def slowest(tasks: Sequence[Task], seeds: int, count: int) -> float:
    """Return the share of a sweep's time that its slowest trials take, in the mean."""
    shares = []
    for task, seed in _sweeps(tasks, seeds):
        times = sorted((math.fsum(run.seconds) for run in task.runs(seed)), reverse=True)
        shares.append(math.fsum(times[:count]) / math.fsum(times))
    return statistics.fmean(shares)


def moment_of(runs: Sequence[Run], after: int, goal: Goal) -> Moment:
    """Look at a sweep after so many reports of each trial. Of equal trials in the end the one that is ahead counts."""
    sign = 1 if goal == "Maximize" else -1
    curves = [[sign * value for value in run.values] for run in runs if run.values and not run.is_failed]
    best = max(map(max, curves))
    then = [max(curve[:after]) for curve in curves]
    own = max(value for value, curve in zip(then, curves, strict=True) if max(curve) == best)
    ahead = sum(value > own for value in then)
    spent = math.fsum(math.fsum(run.seconds[:after]) for run in runs)
    return Moment(1 - spent / math.fsum(math.fsum(run.seconds) for run in runs), ahead > 0, ahead >= len(curves) / 2)


def _sweeps(tasks: Iterable[Task], seeds: int) -> Iterator[tuple[Task, int]]:
    return ((task, seed) for task in tasks for seed in range(seeds))
