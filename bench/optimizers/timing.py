"""What it costs to propose: through the function, through the optimiser's process, and beside Optuna without a bound.

CPU time is measured, of both processes where there are two, so that other work on the machine counts little.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import optuna

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.proposing import build_request
from hyperdrive_operator.core.sampling import combination, combination_key
from hyperdrive_operator.core.space import assemble, draw
from hyperdrive_operator.core.trials import Trial
from hyperdrive_operator.optimizer.process import Lane
from hyperdrive_operator.optimizer.propose import propose

from .problems import Parameters, Problem
from .race import finished_trial, optuna_study, suggester

FINISHED: Final = (100, 1_000, 10_000)
TOGETHER: Final = (1, 10)
DRAWN: Final = ("Random", "Grid")
PROPOSED: Final = ("Sobol", "Bayesian", "CmaEs")
#: Optuna's study keeps its trials and is told of all; ours is made anew from the records for each question.
OPTUNA: Final = "Optuna, unbounded"
_ROUNDS: Final = 5
_PATIENCE: Final = 600.0
_LIMIT: Final = 10_000  # of a spec
_RATE: Final = {"min": 1e-5, "max": 1}

#: Milliseconds a trial, by what was measured: sampler, way and number asked for together, with "/" between them.
Times = dict[str, float]


def seven() -> Problem:
    """Return a problem with seven parameters of all kinds, whose values lie all over the place."""
    space: tuple[dict[str, Any], ...] = (
        {"name": "rate", "logUniform": _RATE},
        {"name": "decay", "logUniform": _RATE},
        {"name": "dropout", "uniform": {"min": 0, "max": 0.8}},
        {"name": "momentum", "uniform": {"min": 0, "max": 1}},
        {"name": "layers", "randint": {"lower": 1, "upper": 9}},
        {"name": "width", "randint": {"lower": 1, "upper": 513}},
        {"name": "activation", "choice": {"values": ["relu", "tanh", "gelu"]}},
    )

    def value(of: Parameters) -> float:
        return float((of["dropout"] - 0.2) ** 2 + (of["momentum"] - 0.9) ** 2 + of["layers"] * of["rate"])

    about = "2 logUniform, 2 uniform, 2 randint, 1 choice"
    points = dict.fromkeys(("rate", "decay", "dropout", "momentum"), 10)
    return Problem("seven", about, space, value, 0.0, grid=points)


def measure(finished: int) -> Times:
    """Measure all samplers after so many finished trials, one after the other in one go."""
    problem = seven()
    trials = _drawn(problem, finished)
    times: Times = {}
    for sampler in (*DRAWN, *PROPOSED):
        spec = problem.spec(sampler, 0, _LIMIT)
        for together in TOGETHER:
            ask = _asking(spec, trials, range(finished + 1, finished + 1 + together))
            times[f"{sampler}/function/{together}"] = _median(ask, time.process_time) / together
    times |= _through_process(problem, trials)
    times |= _optuna(problem, trials)
    spec = problem.spec("Bayesian", 0, _LIMIT)
    times["request"] = _median(lambda: build_request(spec, trials, {}, [finished + 1]), time.process_time)
    return times


def _drawn(problem: Problem, count: int) -> list[Trial]:
    """Return finished trials with combinations drawn at random."""
    source = random.Random(0)  # noqa: S311  not for secrets
    space = problem.spec("Random", 0, 1).search_space
    combinations = (draw(space, source) for _ in range(count))
    return [finished_trial(number, chosen, problem.value(chosen)) for number, chosen in enumerate(combinations, 1)]


def _asking(spec: HyperDriveSpec, trials: Sequence[Trial], numbers: range) -> Callable[[], object]:
    if spec.sampling_algorithm.type in DRAWN:
        taken = {trial.record.key for trial in trials}
        # a grid has no more than the limit; which of its combinations are asked for makes no difference
        within = range(min(numbers.start, _LIMIT - len(numbers)), min(numbers.stop, _LIMIT))

        def draw_all() -> None:
            known = set(taken)
            for number in within:
                known.add(combination_key(combination(spec, number, known) or {}))

        return draw_all
    request = build_request(spec, trials, {}, numbers)
    return lambda: propose(request)


def _median(act: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the milliseconds of the median round, after one that does not count."""
    act()
    rounds = []
    for _ in range(_ROUNDS):
        started = clock()
        act()
        rounds.append((clock() - started) * 1000)
    return sorted(rounds)[_ROUNDS // 2]


def _through_process(problem: Problem, trials: Sequence[Trial]) -> Times:
    """Measure what both processes compute for a question: to write, send, answer and read it."""

    async def ask_all() -> Times:
        lane = Lane(_PATIENCE)
        times: Times = {}
        try:
            for sampler in PROPOSED:
                spec = problem.spec(sampler, 0, _LIMIT)
                for together in TOGETHER:
                    request = build_request(spec, trials, {}, range(len(trials) + 1, len(trials) + 1 + together))
                    await lane.propose(request)
                    started = _cpu_seconds(lane.pid)
                    for _ in range(_ROUNDS):
                        await lane.propose(request)
                    spent = _cpu_seconds(lane.pid) - started
                    times[f"{sampler}/process/{together}"] = spent * 1000 / _ROUNDS / together
        finally:
            await lane.close()
        return times

    return asyncio.run(ask_all())


def _cpu_seconds(pid: int | None) -> float:
    """Return the CPU time of this process and of that one, as Linux tells it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # utime and stime, the 14th and 15th of all
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _optuna(problem: Problem, trials: Sequence[Trial]) -> Times:
    """Measure Optuna's own study, which has all trials in memory already."""
    spec = problem.spec("Random", 0, 1)
    study = optuna_study(spec, 0)
    probe = study.ask()
    assemble(spec.search_space, suggester(probe))
    study.tell(probe, state=optuna.trial.TrialState.FAIL)
    for trial in trials:
        parameters = dict(trial.record.parameters)
        told = optuna.create_trial(
            params=parameters, distributions=probe.distributions, value=problem.value(parameters)
        )
        study.add_trial(told)
    times: Times = {}
    for together in TOGETHER:

        def ask(together: int = together) -> None:
            running = []
            for _ in range(together):
                running.append(study.ask())
                assemble(spec.search_space, suggester(running[-1]))
            for one in running:
                study.tell(one, state=optuna.trial.TrialState.FAIL)

        times[f"{OPTUNA}/function/{together}"] = _median(ask, time.process_time) / together
    return times
