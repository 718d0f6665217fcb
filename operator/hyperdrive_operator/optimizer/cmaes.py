"""CmaEs: the covariance matrix adaptation evolution strategy on shares of the numeric parameters.

Results are told in populations, in the order in which trials completed, whichever generation proposed them: so the
state follows from the records alone, and no result of a trial that took long is wasted. Optuna's CmaEsSampler, which is
made from the same library, keeps its state in the study and can't be rebuilt from values.
"""

from collections.abc import Mapping
from random import Random

import numpy as np
from cmaes import CMA, get_warm_start_mgd
from numpy.typing import NDArray

from hyperdrive_operator.api.v1alpha1 import CmaEsOptions, Parameter
from hyperdrive_operator.core import space as spaces
from hyperdrive_operator.core.distributions import value_at_share
from hyperdrive_operator.core.proposing import Proposal, Request, first_population
from hyperdrive_operator.core.sampling import combination_key
from hyperdrive_operator.core.space import Parameters

from .choosing import derived_seed, first_new
from .shares import share_of

Vector = NDArray[np.float64]


def propose(request: Request) -> list[Proposal]:
    """Propose combinations; what the strategy does not model is drawn at random."""
    modelled = [one for one in request.spec.search_space if one.choice is None and one.when is None]
    strategy = _replayed(request, modelled)
    taken = {*request.known, *request.taken.values()}
    proposals: list[Proposal] = []
    for number in request.numbers:

        def ask(attempt: int, number: int = number) -> Parameters:
            strategy.reseed_rng(derived_seed(request, number, attempt))
            shares = {one.name: float(share) for one, share in zip(modelled, strategy.ask(), strict=True)}
            random = Random(f"{request.spec.sampling_algorithm.seed}/{number}/{attempt}")  # noqa: S311  not for secrets

            def choose(parameter: Parameter) -> object:
                share = shares.get(parameter.name)
                return value_at_share(parameter, random.random() if share is None else share)

            return spaces.assemble(request.spec.search_space, choose)

        chosen = first_new(request, number, taken, ask)
        if chosen is not None:
            taken.add(combination_key(chosen))
        proposals.append(chosen)
    return proposals


def _replayed(request: Request, modelled: list[Parameter]) -> CMA:
    """Return the strategy after all results. Failed trials are left out: they say nothing about the values around."""
    sign = -1.0 if request.spec.objective.goal == "Maximize" else 1.0
    restarts = 0
    strategy = _warm(request, modelled) or _begun(request, len(modelled), restarts)
    population: list[tuple[Vector, float]] = []
    for one in request.finished:
        vector = _vector(modelled, one.parameters)
        if one.value is None or vector is None:
            continue
        population.append((vector, sign * one.value))
        if len(population) < strategy.population_size:
            continue
        strategy.tell(population)
        population = []
        if strategy.should_stop():  # it has converged: again from elsewhere, with twice the population
            restarts += 1
            strategy = _begun(request, len(modelled), restarts)
    return strategy


def _warm(request: Request, modelled: list[Parameter]) -> CMA | None:
    """Return the strategy begun where earlier sweeps found the best; None if they found nothing.

    That is the distribution of the best tenth of their results, widened by a tenth of each range (Nomura et al., Warm
    Starting CMA-ES for Hyperparameter Optimization, 2021): made for ranges from 0 to 1, as shares are.
    """
    sign = -1.0 if request.spec.objective.goal == "Maximize" else 1.0
    vectors = ((_vector(modelled, one.parameters), one.value) for one in request.prior)
    results = [(vector, sign * value) for vector, value in vectors if vector is not None and value is not None]
    if not results:
        return None
    results.sort(key=lambda result: result[1])
    best = results[: max(1, len(results) // 10)]
    mean, sigma, covariance = get_warm_start_mgd(best, gamma=1.0, alpha=0.1)
    return CMA(
        mean=mean,
        sigma=sigma,
        cov=covariance,
        bounds=np.tile([0.0, 1.0], (len(modelled), 1)),
        population_size=first_population(request.spec.sampling_algorithm.cma_es, len(modelled)),
        seed=0,  # seeded anew for each proposal
    )


def _begun(request: Request, dimensions: int, restarts: int) -> CMA:
    options = request.spec.sampling_algorithm.cma_es or CmaEsOptions()
    size = first_population(request.spec.sampling_algorithm.cma_es, dimensions)
    start = np.random.default_rng(derived_seed(request, "restart", restarts)).random(dimensions)
    return CMA(
        mean=start if restarts else np.full(dimensions, 0.5),
        sigma=float(options.initial_step or 1 / 6),
        bounds=np.tile([0.0, 1.0], (dimensions, 1)),
        population_size=min(size * 2 ** min(restarts, 10), 10_000),
        seed=0,  # seeded anew for each proposal
    )


def _vector(modelled: list[Parameter], parameters: Mapping[str, object]) -> Vector | None:
    shares = [share_of(one, parameters.get(one.name)) for one in modelled]
    return None if None in shares else np.array(shares, dtype=np.float64)
