"""NsgaII: Optuna's NSGA-II, with generations made of the results in the order in which trials completed.

Optuna notes in its study which generation a trial was bred for, and each generation's parents. Here they follow from
the records alone: the first `populationSize` results are the first generation, and so on, whichever each was bred for.
With one trial at a time that is what Optuna notes too, and the proposals are Optuna's own.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import NSGAIISampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from hyperdrive_operator.api.v1alpha1 import NsgaIIOptions, Parameter
from hyperdrive_operator.core.proposing import Finished, Proposal, Request
from hyperdrive_operator.core.sampling import combination_key, random_combination
from hyperdrive_operator.core.space import Parameters, assemble

from .choosing import derived_seed, first_new
from .coding import Code, decode, distribution, encoded, suggested
from .goals import directions, values

Codes = dict[str, Code]


def propose(request: Request) -> list[Proposal]:
    """Propose children of the best; until the first generation is complete, combinations drawn at random.

    Trials without a result are left out: they are no generation's. What still runs counts only as taken.
    """
    options = request.spec.sampling_algorithm.nsga_ii or NsgaIIOptions()
    results = [one for one in (*request.prior, *request.finished) if values(request.spec.objective, one)]
    breeder = None if len(results) < options.population_size else _Breeder(request, options, results)
    taken = {*request.known, *request.taken.values()}
    proposals: list[Proposal] = []
    for number in request.numbers:
        chosen = random_combination(request.spec, number, taken) if breeder is None else breeder.propose(number, taken)
        if chosen is not None:
            taken.add(combination_key(chosen))
        proposals.append(chosen)
    return proposals


class _Breeder:
    """The parents of the current generation, and their children."""

    def __init__(self, request: Request, options: NsgaIIOptions, results: Sequence[Finished]) -> None:
        self._request = request
        self._options = options
        self._space = request.spec.search_space
        self._ranges = {parameter.name: distribution(parameter) for parameter in self._space}
        self._study = optuna.create_study(directions=directions(request.spec.objective))
        self._parents: list[tuple[FrozenTrial, Codes]] = []
        #: What a parent's code stands for, exactly: a clone must show as one, not differ in the last digit.
        self._inherited: dict[tuple[str, Code], Any] = {}
        for one in _parents(self._study, options.population_size, results):
            parameters = results[one.number].parameters
            codes = encoded(self._space, parameters)
            if codes is not None:  # else it is of no use in this space: somebody wrote the record by hand
                self._parents.append((one, codes))
                self._inherited |= {(name, code): parameters[name] for name, code in codes.items()}

    def propose(self, number: int, taken: set[str]) -> Proposal:
        """Propose one combination."""
        return first_new(self._request, number, taken, lambda attempt: self._ask(number, attempt))

    def _ask(self, number: int, attempt: int) -> Parameters:
        seed = derived_seed(self._request, number, attempt)
        self._study.sampler = _Breeding(
            self._parents_with_all_genes(seed),
            population_size=self._options.population_size,
            crossover_prob=self._options.crossover_probability,
            mutation_prob=self._options.mutation_probability,
            seed=seed,
        )
        trial = self._study.ask()

        def suggest(parameter: Parameter) -> Any:
            code = suggested(trial, parameter.name, self._ranges[parameter.name])
            inherited = self._inherited.get((parameter.name, code))
            return decode(parameter, code) if inherited is None else inherited

        chosen = assemble(self._space, suggest)
        self._study.tell(trial, state=TrialState.FAIL)
        return chosen

    def _parents_with_all_genes(self, seed: int) -> list[FrozenTrial]:
        """Return the parents with a value of every parameter that any of them has.

        A parameter that is not active in a parent has there the value of another parent: so a child in which it is
        active inherits one that has proved itself. Optuna would draw it at random.
        """
        random = Random(seed)  # noqa: S311  not for secrets
        known = {name: [codes[name] for _, codes in self._parents if name in codes] for name in sorted(self._ranges)}
        ranges = {name: self._ranges[name] for name, values in known.items() if values}
        whole: list[FrozenTrial] = []
        for one, codes in self._parents:
            genes = {name: codes[name] if name in codes else _drawn(known[name], random) for name in ranges}
            parent = create_trial(values=one.values, params=genes, distributions=ranges)
            parent.number = one.number
            whole.append(parent)
        return whole


def _drawn(codes: Sequence[Code], random: Random) -> Code:
    return codes[int(random.random() * len(codes))]


def _parents(study: Study, population_size: int, results: Sequence[Finished]) -> list[FrozenTrial]:
    """Return the best of all complete generations: of each, and the parents it had, as many as a population has."""
    parents: list[FrozenTrial] = []
    for start in range(0, len(results) - population_size + 1, population_size):
        generation = []
        for number in range(start, start + population_size):
            one = create_trial(values=[results[number].value or 0.0, *results[number].others])
            one.number = number
            generation.append(one)
        chosen = _Selection(generation, parents, population_size=population_size).select_parent(study, 1)
        parents = sorted(chosen, key=lambda trial: trial.number)
    return parents


class _Selection(NSGAIISampler):
    """Optuna's sampler as a judge of one generation: it gets the trials that it would look up in its study."""

    def __init__(self, generation: list[FrozenTrial], parents: list[FrozenTrial], **options: Any) -> None:
        super().__init__(**options)
        self._generation = generation
        self._parents = parents

    def get_population(self, study: Study, generation: int) -> list[FrozenTrial]:  # noqa: ARG002  the interface's
        return self._generation

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:  # noqa: ARG002  the interface's
        return self._parents


class _Breeding(NSGAIISampler):
    """Optuna's sampler as a breeder: it gets the parents that it would look up in its study."""

    def __init__(self, parents: list[FrozenTrial], **options: Any) -> None:
        super().__init__(**options)
        self._parents = parents

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002  the interface's
        ranges = self._parents[0].distributions if len(self._parents) > 1 else {}
        return {name: of for name, of in ranges.items() if not of.single()}

    def get_trial_generation(self, study: Study, trial: FrozenTrial) -> int:  # noqa: ARG002  the interface's
        return 1

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:  # noqa: ARG002  the interface's
        return self._parents if len(self._parents) > 1 else []
