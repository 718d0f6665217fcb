"""Bayesian: Optuna's tree-structured Parzen estimator on a study made anew from the trials, for each request."""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import TrialState, create_trial

from hyperdrive_operator.api.v1alpha1 import BayesianOptions, Parameter
from hyperdrive_operator.core.proposing import Finished, Proposal, Request
from hyperdrive_operator.core.sampling import combination_key, random_combination
from hyperdrive_operator.core.space import Parameters, assemble

from .choosing import derived_seed, first_new
from .coding import decode, distribution, encoded, suggested
from .goals import bounded_history, directions, values
from .tpe import SeededTPESampler


def propose(request: Request) -> list[Proposal]:
    """Propose combinations one after the other; each counts as running for the next."""
    options = request.spec.sampling_algorithm.bayesian or BayesianOptions()
    results = sum(one.value is not None for one in (*request.prior, *request.finished))
    model = None if results < options.startup_trials else _Model(request, options)
    taken = {*request.known, *request.taken.values()}
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
        self._objective = request.spec.objective
        self._sampler = SeededTPESampler(options, is_conditional=any(parameter.when for parameter in self._space))
        self._study = optuna.create_study(directions=directions(self._objective), sampler=self._sampler)
        for one in bounded_history(self._objective, (*request.prior, *request.finished)):
            self._tell(one)
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
            return decode(parameter, suggested(trial, parameter.name, self._ranges[parameter.name]))

        chosen = assemble(self._space, suggest)
        # it is told again as the record will have it, so that a restart makes no difference
        self._study.tell(trial, state=TrialState.FAIL)
        return chosen

    def _tell_running(self, parameters: Mapping[str, object]) -> None:
        self._sampler.forget_models()
        self._add(parameters, TrialState.RUNNING)

    def _tell(self, one: Finished) -> None:
        found = values(self._objective, one)
        self._add(one.parameters, TrialState.FAIL if found is None else TrialState.COMPLETE, found)

    def _add(self, parameters: Mapping[str, object], state: TrialState, found: list[float] | None = None) -> None:
        codes = encoded(self._space, parameters)
        if codes is None:
            return  # it is of no use to a model of this space
        ranges = {name: self._ranges[name] for name in codes}
        self._study.add_trial(create_trial(state=state, values=found, params=codes, distributions=ranges))
