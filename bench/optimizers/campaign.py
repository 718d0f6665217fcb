"""All races: which there are, and their regrets, computed or known already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from .bound import Bound, compare
from .problems import Problem, functions
from .race import SAMPLERS, can_run, run
from .results import Key, Results
from .tables import tables

#: Regrets by seed, then by trial.
Runs = list[list[float]]

#: Searches of thousands of trials: from each family some whose search does not end at the best value there is.
LONG_PROBLEMS: Final = ("hartmann6", "ackley10", "log-bowl", "two-branches", "kc1", "protein-structure")
#: A function, a conditional space and a table: each search with the real bound takes minutes.
REAL_BOUND_PROBLEMS: Final = (
    "protein-structure",
    "hartmann6",
    "slice-localization",
    "naval-propulsion",
    "two-branches",
    "parkinsons-telemonitoring",
)


@dataclass(frozen=True, slots=True)
class Race:
    """The regrets of every sampler that can run a problem."""

    problem: Problem
    runs: dict[str, Runs]


def problems() -> dict[str, Callable[[], Problem]]:
    """Return all problems by their names: functions, then tables."""
    return {**functions(), **tables()}


def race_all(results: Results, names: Sequence[str], *, seeds: int, trials: int, jobs: int) -> list[Race]:
    """Let every sampler search every problem with every seed."""
    keys: list[Key] = [
        ("race", name, sampler, seed, trials)
        for name in names
        for sampler in SAMPLERS
        if can_run(_problem(name), sampler)
        for seed in range(1 if sampler == "Grid" else seeds)  # a grid is the same with every seed
    ]
    results.complete(keys, _race, jobs, "race")
    races = []
    for name in names:
        of: dict[str, Runs] = {}
        for key in keys:
            if key[1] == name:
                of.setdefault(str(key[2]), []).append(results[key])
        races.append(Race(_problem(name), of))
    return races


def bound_all(
    results: Results, names: Sequence[str], seeds: int, trials: int, *, bound: Bound, jobs: int
) -> dict[str, list[dict[str, list[float]]]]:
    """Compare Bayesian with and without a bound of its history on each problem, with every seed."""
    keys: list[Key] = [
        ("bound", name, seed, trials, bound.history, bound.best) for seed in range(seeds) for name in names
    ]
    results.complete(keys, partial(_bound, bound=bound), jobs, f"bound {bound.history}")
    return {name: [results[key] for key in keys if key[1] == name] for name in names}


@lru_cache(maxsize=2)
def _problem(name: str) -> Problem:
    return problems()[name]()


def _race(key: Key) -> list[float]:
    _, name, sampler, seed, trials = key
    problem = _problem(str(name))
    return [problem.regret(value) for value in run(problem, str(sampler), int(seed), int(trials))]


def _bound(key: Key, bound: Bound) -> dict[str, list[float]]:
    _, name, seed, trials, *_ = key
    return compare(_problem(str(name)), int(seed), int(trials), bound)
