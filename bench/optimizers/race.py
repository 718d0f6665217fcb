"""One sampler on one problem: trials one after the other, asked for as the controller asks, without a cluster."""

import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.study import StudyDirection

from hyperdrive_operator.api.v1alpha1 import (
    BayesianOptions,
    Choice,
    HyperDriveSpec,
    LogUniform,
    Parameter,
    RandInt,
    Uniform,
)
from hyperdrive_operator.core.jobs import build_trial
from hyperdrive_operator.core.proposing import Proposal, build_request
from hyperdrive_operator.core.records import read_record
from hyperdrive_operator.core.sampling import combination, combination_key, is_proposed
from hyperdrive_operator.core.space import assemble
from hyperdrive_operator.core.trials import Trial
from hyperdrive_operator.optimizer.propose import propose

from .problems import Problem

#: Optuna's own study, run directly: what Bayesian is compared with.
OPTUNA: Final = "Optuna"
SAMPLERS: Final = ("Random", "Grid", "Sobol", "Bayesian", "CmaEs", OPTUNA)

_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)

optuna.logging.set_verbosity(optuna.logging.WARNING)  # as in the operator's process: it tells of each study


def can_run(problem: Problem, sampler: str) -> bool:
    """Tell whether a sampler can search a problem, and a search says anything."""
    if sampler == "Grid":
        return bool(problem.grid)
    return sampler != "CmaEs" or problem.suits_cma_es


def run(problem: Problem, sampler: str, seed: int, trials: int) -> list[float]:
    """Return the values of the trials in their order: fewer than asked for if the space has no more."""
    if sampler == OPTUNA:
        return run_optuna(problem, seed, trials)
    return run_ours(problem, problem.spec(sampler, seed, trials), trials)


def run_ours(problem: Problem, spec: HyperDriveSpec, trials: int, at_once: int = 1) -> list[float]:
    """Search with the operator's code; trials that run at once end together."""
    history = History(spec)
    values: list[float] = []
    while len(values) < trials:
        proposals = history.next(min(at_once, trials - len(values)))
        for parameters in proposals:
            if parameters is None:
                return values
            values.append(problem.value(parameters))
            history.add(parameters, values[-1])
    return values


class History:
    """The finished trials of one sweep, as the operator has them, and what it would run next."""

    def __init__(self, spec: HyperDriveSpec) -> None:
        self.spec = spec
        self._trials: list[Trial] = []

    def next(self, count: int = 1) -> list[Proposal]:
        """Return the combinations of the next trials."""
        numbers = range(len(self._trials) + 1, len(self._trials) + 1 + count)
        if is_proposed(self.spec):
            return propose(build_request(self.spec, self._trials, {}, numbers))
        taken = {trial.record.key for trial in self._trials}
        chosen: list[Proposal] = []
        for number in numbers:
            chosen.append(combination(self.spec, number, taken))
            taken.add(combination_key(chosen[-1] or {}))
        return chosen

    def add(self, parameters: dict[str, Any], value: float) -> None:
        """Record a finished trial."""
        self._trials.append(finished_trial(len(self._trials) + 1, parameters, value))

    def copy(self) -> "History":
        """Return the same history, to go on with apart from this one."""
        other = History(self.spec)
        other._trials = list(self._trials)
        return other

    @property
    def trials(self) -> list[Trial]:
        """All of them, in the order of their numbers."""
        return self._trials


def finished_trial(number: int, parameters: dict[str, Any], value: float) -> Trial:
    """Return a trial as the operator reads it back from its record."""
    body = build_trial(sweep_name="bench", sweep_uid="sweep", number=number, parameters=parameters)
    body["metadata"] |= {"namespace": "bench", "uid": f"trial-{number}", "resourceVersion": "1"}
    ended = (_BEGINNING + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"state": "Succeeded", "value": value, "completionTime": ended}
    return Trial(record=read_record({**body, "status": status}), job=None, pod=None)


def run_optuna(problem: Problem, seed: int, trials: int) -> list[float]:
    """Search with Optuna's own study, its space written as Optuna's users write it; the settings are Bayesian's."""
    spec = problem.spec("Random", seed, trials)
    study = optuna_study(spec, seed)

    def objective(trial: optuna.Trial) -> float:
        return problem.value(assemble(spec.search_space, suggester(trial)))

    study.optimize(objective, n_trials=trials)
    return [float(trial.value) for trial in study.trials if trial.value is not None]


def optuna_study(spec: HyperDriveSpec, seed: int) -> optuna.Study:
    """Return an empty study with Bayesian's settings. But for `group` they are Optuna's defaults."""
    options = BayesianOptions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # `group`
        sampler = optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=options.startup_trials,
            n_ei_candidates=options.candidates,
            multivariate=options.multivariate,
            group=options.multivariate and any(parameter.when for parameter in spec.search_space),
            constant_liar=True,
        )
    direction = StudyDirection.MAXIMIZE if spec.objective.goal == "Maximize" else StudyDirection.MINIMIZE
    return optuna.create_study(direction=direction, sampler=sampler)


def suggester(trial: optuna.Trial) -> Callable[[Parameter], Any]:
    """Return what asks Optuna for the value of a parameter."""

    def suggest(parameter: Parameter) -> Any:
        match parameter.expression:
            case Choice(values=values):
                return trial.suggest_categorical(parameter.name, values)
            case RandInt(lower=lower, upper=upper):
                return trial.suggest_int(parameter.name, lower, upper - 1)
            case Uniform(min=low, max=high):
                return trial.suggest_float(parameter.name, low, high)
            case LogUniform(min=low, max=high):
                return trial.suggest_float(parameter.name, low, high, log=True)
        raise ValueError(f"{parameter.name}: no problem has this expression")

    return suggest
