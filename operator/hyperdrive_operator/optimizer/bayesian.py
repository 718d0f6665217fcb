"""Bayesian: Optuna's tree-structured Parzen estimator on a study made anew from the trials, for each request."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from hyperdrive_operator.api.v1alpha1 import BayesianOptions, Parameter
from hyperdrive_operator.core.proposing import Proposal, Request
from hyperdrive_operator.core.sampling import combination_key, random_combination
from hyperdrive_operator.core.space import Parameters, assemble

from .choosing import derived_seed, first_new
from .coding import decode, distribution, encode
from .tpe import SeededTPESampler


def propose(request: Request) -> list[Proposal]:
    """Propose combinations one after the other; each counts as running for the next."""
    options = request.spec.sampling_algorithm.bayesian or BayesianOptions()
    results = sum(one.value is not None for one in request.finished)
    model = None if results < options.startup_trials else _Model(request, options)
    taken = set(request.taken.values())
    proposals: list[Proposal] = []
    for number in request.numbers:
        chosen = random_combination(request.spec, number, taken) if model is None else model.propose(number, taken)
        if chosen is not None:
            taken.add(combination_key(chosen))
        proposals.append(chosen)
    return proposals


class _Model:
    """An Optuna study of the trials of one request."""

    def __init__(self, request: Request, options: BayesianOptions) -> None:
        self._request = request
        self._space = request.spec.search_space
        self._ranges = {parameter.name: distribution(parameter) for parameter in self._space}
        goal = request.spec.objective.goal
        self._sampler = SeededTPESampler(options, is_conditional=any(parameter.when for parameter in self._space))
        self._study = optuna.create_study(
            direction="maximize" if goal == "Maximize" else "minimize", sampler=self._sampler
        )
        for one in request.finished:
            self._tell(one.parameters, one.value)
        for parameters in request.running:
            self._tell_running(parameters)

    def propose(self, number: int, taken: set[str]) -> Proposal:
        """Propose one combination, and count it as running."""
        chosen = first_new(self._request, number, taken, lambda attempt: self._ask(number, attempt))
        if chosen is not None:
            self._tell_running(chosen)
        return chosen

    def _ask(self, number: int, attempt: int) -> Parameters:
        self._sampler.seed(derived_seed(self._request, number, attempt))
        trial = self._study.ask()

        def suggest(parameter: Parameter) -> Any:
            return decode(parameter, _suggested(trial, parameter.name, self._ranges[parameter.name]))

        chosen = assemble(self._space, suggest)
        # it is told again as the record will have it, so that a restart makes no difference
        self._study.tell(trial, state=TrialState.FAIL)
        return chosen

    def _tell_running(self, parameters: Mapping[str, object]) -> None:
        self._add(parameters, TrialState.RUNNING)

    def _tell(self, parameters: Mapping[str, object], value: float | None) -> None:
        if value is None or not math.isfinite(value):
            self._add(parameters, TrialState.FAIL)
        else:
            self._add(parameters, TrialState.COMPLETE, float(value))

    def _add(self, parameters: Mapping[str, object], state: TrialState, value: float | None = None) -> None:
        codes = dict(_encoded(self._space, parameters))
        if None in codes.values():
            return  # it is of no use to a model of this space: somebody wrote the record by hand
        ranges = {name: self._ranges[name] for name in codes}
        self._study.add_trial(create_trial(state=state, value=value, params=codes, distributions=ranges))


def _suggested(trial: optuna.Trial, name: str, of: BaseDistribution) -> Any:
    match of:
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(name, choices)
        case IntDistribution(low=low, high=high, log=log):
            return trial.suggest_int(name, low, high, log=log)
        case FloatDistribution(low=low, high=high):
            return trial.suggest_float(name, low, high)
    raise TypeError(f"coding.py makes no {of}")


def _encoded(space: Iterable[Parameter], parameters: Mapping[str, object]) -> Iterable[tuple[str, Any]]:
    for parameter in space:
        if parameter.name in parameters:
            yield parameter.name, encode(parameter, parameters[parameter.name])
