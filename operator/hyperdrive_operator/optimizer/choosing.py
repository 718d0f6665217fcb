"""What all optimisers share: seeds, and proposals that may be run."""

import hashlib
from collections.abc import Callable, Set
from typing import Final

from hyperdrive_operator.core.proposing import Proposal, Request
from hyperdrive_operator.core.sampling import is_new, random_combination
from hyperdrive_operator.core.space import Parameters

#: A model that proposes so many combinations in a row that are all taken has nothing new to say.
MAX_ATTEMPTS: Final = 10


def derived_seed(request: Request, *parts: object) -> int:
    """Return a seed of 32 bits for one purpose, the same on every machine."""
    text = "/".join(str(part) for part in (request.spec.sampling_algorithm.seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def first_new(request: Request, number: int, taken: Set[str], propose: Callable[[int], Parameters]) -> Proposal:
    """Return the first proposal that is not taken; `propose` gets the attempt, from 0. Else one drawn at random.

    None only when the search space has no other combination.
    """
    for attempt in range(MAX_ATTEMPTS):
        candidate = propose(attempt)
        if is_new(request.spec, candidate, taken):
            return candidate
    return random_combination(request.spec, number, taken)
