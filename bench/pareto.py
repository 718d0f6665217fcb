"""Several objectives: how much of the best possible front each sampling algorithm finds, in how many trials.

    python -m bench.pareto [--seeds 20] [--trials 300] [--problem NAME]

Two functions of two objectives, both to be minimised: ZDT1 (Zitzler, Deb, Thiele 2000) with 10 parameters, and a
mixed one with conditional parameters. Each search runs through the operator's own code, one trial at a time, as if it
were restarted before each. Beside them Optuna's samplers run in a study of Optuna's own, with the same ranges.

The measure is the hypervolume: the area that the trials dominate, as a share of what the best possible front dominates.
"""

import argparse
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.pareto import nondominated
from hyperdrive_operator.core.proposing import Finished, Request
from hyperdrive_operator.core.sampling import combination, combination_key, is_proposed
from hyperdrive_operator.core.space import assemble
from hyperdrive_operator.optimizer.coding import decode, distribution, suggested
from hyperdrive_operator.optimizer.propose import propose

Pair = tuple[float, float]
Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """Two objectives over a search space, the point below which area counts, and the most area there can be."""

    name: str
    space: list[dict[str, Any]]
    scores: Callable[[Parameters], Pair]
    reference: Pair
    most: float


def zdt1(parameters: Parameters) -> Pair:
    """Return ZDT1: the front is where all but the first are 0."""
    first, *others = (parameters[f"x{n}"] for n in range(10))
    g = 1 + 9 * sum(others) / len(others)
    return first, g * (1 - math.sqrt(first / g))


def mixed(parameters: Parameters) -> Pair:
    """Return (error, cost) of a made-up model: a tree, cheap and coarse, or a network, whose rate must fit."""
    if parameters["model"] == "tree":
        depth, leaf = parameters["depth"], parameters["leaf"]
        return 0.15 + 0.6 * math.exp(-depth / 4) + 0.1 * (leaf - 0.3) ** 2, 0.012 * depth
    layers, units = parameters["layers"], parameters["units"]
    miss = math.log10(parameters["rate"]) + 2.5
    blunt = {"relu": 0.0, "tanh": 0.02, "none": 0.2}[parameters["activation"]]
    error = 0.04 + 0.5 * math.exp(-layers * math.log2(units) / 12) + 0.06 * miss**2 + blunt
    return error, 0.1 + layers * units / 4096


def _parameter(name: str, kind: str, when: str | None = None, **fields: Any) -> dict[str, Any]:
    condition = {"when": {"parameter": "model", "values": [when]}} if when else {}
    return {"name": name, kind: fields, **condition}


_MIXED: Final = [
    _parameter("model", "choice", values=["tree", "network"]),
    _parameter("depth", "randint", "tree", lower=1, upper=21),
    _parameter("leaf", "uniform", "tree", min=0, max=1),
    _parameter("layers", "randint", "network", lower=1, upper=7),
    _parameter("units", "qLogUniform", "network", min=8, max=512, q=8),
    _parameter("rate", "logUniform", "network", min=1e-6, max=1),
    _parameter("activation", "choice", "network", values=["relu", "tanh", "none"]),
]


def area(losses: Sequence[Pair], reference: Pair) -> float:
    """Return the area that points dominate below a reference point."""
    total, height = 0.0, reference[1]
    for first, second in sorted(losses[position] for position in nondominated(losses)):
        if first < reference[0] and second < height:
            total += (reference[0] - first) * (height - second)
            height = second
    return total


def _best_of_mixed(reference: Pair) -> float:
    """Return the area that the best front dominates: all numbers are whole, but for two whose best value is known."""
    trees: list[Parameters] = [{"model": "tree", "depth": depth, "leaf": 0.3} for depth in range(1, 21)]
    networks: list[Parameters] = [
        {"model": "network", "layers": layers, "units": units, "rate": 10**-2.5, "activation": "relu"}
        for layers in range(1, 7)
        for units in range(8, 513, 8)
    ]
    return area([mixed(one) for one in (*trees, *networks)], reference)


PROBLEMS: Final = (
    # below the front sqrt(first) + second = 1 lies a third
    Problem("ZDT1", [_parameter(f"x{n}", "uniform", min=0, max=1) for n in range(10)], zdt1, (1.0, 7.0), 7 - 1 / 3),
    Problem("mixed", _MIXED, mixed, (0.4, 0.5), _best_of_mixed((0.4, 0.5))),
)


def spec(problem: Problem, seed: int, kind: str, **options: Any) -> HyperDriveSpec:
    """Return the spec of a sweep over a problem."""
    job = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "train", "image": "train"}]}}}
    return HyperDriveSpec.model_validate(
        {
            "objective": {
                "primaryMetric": "first",
                "goal": "Minimize",
                "additionalObjectives": [{"metric": "second", "goal": "Minimize"}],
            },
            "searchSpace": problem.space,
            "samplingAlgorithm": {"type": kind, "seed": seed, **options},
            "limits": {"maxTotalTrials": 10_000},
            "trialTemplate": {"spec": job},
        }
    )


def ours(kind: str, **options: Any) -> Callable[[Problem, int, int], list[Pair]]:
    """Return a search by the operator's own code."""

    def search(problem: Problem, seed: int, trials: int) -> list[Pair]:
        of = spec(problem, seed, kind, **options)
        finished: list[Finished] = []
        found: list[Pair] = []
        taken: dict[int, str] = {}
        for number in range(1, trials + 1):
            if is_proposed(of):
                (chosen,) = propose(Request(of, (number,), tuple(finished), (), taken))
            else:
                chosen = combination(of, number, set(taken.values()))
            if chosen is None:
                raise RuntimeError("the search space has no more combinations")
            found.append(problem.scores(chosen))
            finished.append(Finished(chosen, found[-1][0], found[-1][1:]))
            taken[number] = combination_key(chosen)
        return found

    return search


def optunas(sampler: Callable[[int], BaseSampler]) -> Callable[[Problem, int, int], list[Pair]]:
    """Return a search by a study of Optuna's own."""

    def search(problem: Problem, seed: int, trials: int) -> list[Pair]:
        space = spec(problem, seed, "Random").search_space
        study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler(seed))
        found: list[Pair] = []

        def objective(trial: optuna.Trial) -> Pair:
            chosen = assemble(space, lambda one: decode(one, suggested(trial, one.name, distribution(one))))
            found.append(problem.scores(chosen))
            return found[-1]

        study.optimize(objective, n_trials=trials)
        return found

    return search


SEARCHES: Final = {
    "`Random`": ours("Random"),
    "`NsgaII`": ours("NsgaII"),
    "`NsgaII`, `populationSize: 20`": ours("NsgaII", nsgaII={"populationSize": 20}),
    "`Bayesian`": ours("Bayesian"),
    "Optuna's NSGAIISampler": optunas(lambda seed: NSGAIISampler(seed=seed)),
    "Optuna's NSGAIISampler of 20": optunas(lambda seed: NSGAIISampler(population_size=20, seed=seed)),
    "Optuna's TPESampler": optunas(lambda seed: TPESampler(seed=seed, multivariate=True, group=True)),
}


def main() -> None:
    """Print a table for each problem: median and quartiles over the seeds, in percent."""
    parser = argparse.ArgumentParser(description="Hypervolume of the sampling algorithms with two objectives.")
    parser.add_argument("--seeds", type=int, default=20, help="at least 2")
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--problem", choices=[problem.name for problem in PROBLEMS], help="without it all")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    marks = [mark for mark in (50, 100, 200, 300, 500, 1000) if mark <= options.trials]
    for problem in PROBLEMS:
        if options.problem not in {None, problem.name}:
            continue
        print(f"\n| {problem.name} | {' | '.join(f'{mark} trials' for mark in marks)} |")
        print("|---" * (len(marks) + 1) + "|")
        for name, search in SEARCHES.items():
            began = time.process_time()
            runs = [search(problem, seed, options.trials) for seed in range(options.seeds)]
            cells = [_cell([area(run[:mark], problem.reference) / problem.most for run in runs]) for mark in marks]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
            print(f"{problem.name}, {name}: {time.process_time() - began:.0f} s of CPU", file=sys.stderr, flush=True)


def _cell(shares: Sequence[float]) -> str:
    low, middle, high = statistics.quantiles(shares, n=4)
    return f"{100 * middle:.1f} ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()
