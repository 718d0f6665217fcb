"""Sobol: number n runs point n of a quasi-random sequence over all parameters. It needs no results."""

from functools import partial

from scipy.stats import qmc

from hyperdrive_operator.api.v1alpha1 import Parameter, SobolOptions
from hyperdrive_operator.core.distributions import value_at_share
from hyperdrive_operator.core.proposing import Proposal, Request
from hyperdrive_operator.core.sampling import combination_key, is_new, random_combination, skips_known
from hyperdrive_operator.core.space import assemble


def propose(request: Request) -> list[Proposal]:
    """Propose each number's point, or where that combination has run before, one drawn at random.

    Only trials with lower numbers count, so that a number has the same combination whenever it is asked for.
    """
    space = request.spec.search_space
    options = request.spec.sampling_algorithm.sobol or SobolOptions()
    seed = request.spec.sampling_algorithm.seed
    sequence = qmc.Sobol(len(space), scramble=options.scramble, rng=seed)
    # those tried first have no point; where some are skipped, which ones are may change: then all numbers have one
    tried_first = 0 if skips_known(request.spec) else len(request.spec.first_combinations)
    taken = dict(request.taken)
    proposals: list[Proposal] = []
    for number in request.numbers:
        sequence.reset()
        if number - tried_first > 1:
            sequence.fast_forward(number - tried_first - 1)  # it takes no zero
        shares = {one.name: float(share) for one, share in zip(space, sequence.random(1)[0], strict=True)}
        chosen: Proposal = assemble(space, partial(_value, shares))
        before = {*request.known, *(key for other, key in taken.items() if other < number or request.known)}
        if chosen is not None and not is_new(request.spec, chosen, before):
            chosen = random_combination(request.spec, number, before)
        if chosen is not None:
            taken[number] = combination_key(chosen)
        proposals.append(chosen)
    return proposals


def _value(shares: dict[str, float], parameter: Parameter) -> object:
    return value_at_share(parameter, shares[parameter.name])
