"""The heart of the optimisers: a pure function from what is known of a sweep to the combinations to try next."""

from collections.abc import Callable
from typing import Final

from hyperdrive_operator.core.proposing import Proposal, Request

from . import bayesian, cmaes, nsga, sobol

_OPTIMIZERS: Final[dict[str, Callable[[Request], list[Proposal]]]] = {
    "Bayesian": bayesian.propose,
    "CmaEs": cmaes.propose,
    "NsgaII": nsga.propose,
    "Sobol": sobol.propose,
}


def propose(request: Request) -> list[Proposal]:
    """Return a combination for each of the numbers; None where the search space has no more.

    The same request gives the same proposals, in any process; and numbers asked for together get what they would get
    one by one. No combination is proposed that a trial has.
    """
    return _OPTIMIZERS[request.spec.sampling_algorithm.type](request)
