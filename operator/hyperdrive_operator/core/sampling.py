"""Which combination trial number n runs: a pure function of the spec, n, and what trials 1 to n-1 run.

So a restarted operator, a re-created resource or a record deleted by hand all lead to the same trials. Algorithms that
need more than that (results, or a numerical library) are not here: they make proposals (proposing.py).
"""

from collections.abc import Callable, Set
from random import Random

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, canonical

from . import distributions, space
from .space import Parameters

#: After so many draws that were all taken, the space is nearly used up: the rest is walked instead.
MAX_DRAWS = 100

Sampler = Callable[[HyperDriveSpec, int, Set[str]], Parameters | None]


def combination_key(parameters: Parameters) -> str:
    """Return what two combinations have in common exactly when they are the same."""
    return canonical(parameters)


def planned_trials(spec: HyperDriveSpec) -> int:
    """Return how many trials the sweep runs in all: its limit, or fewer if the space has fewer combinations."""
    combinations = space.size(spec.search_space, on_grid=spec.sampling_algorithm.type == "Grid")
    limit = spec.limits.max_total_trials
    return limit if combinations is None else min(limit, combinations)


def combination(spec: HyperDriveSpec, number: int, taken: Set[str]) -> Parameters | None:
    """Return the parameters of trial `number` (from 1), or None when no combination is left.

    `taken` holds the keys of the combinations of all trials with lower numbers.
    """
    return _SAMPLERS[spec.sampling_algorithm.type](spec, number, taken)


def _grid(spec: HyperDriveSpec, number: int, taken: Set[str]) -> Parameters | None:  # noqa: ARG001  a Sampler
    if number > planned_trials(spec):
        return None
    return space.combination_at(spec.search_space, number - 1)


def is_proposed(spec: HyperDriveSpec) -> bool:
    """Tell whether the combinations of a sweep come as proposals, from outside the event loop."""
    return spec.sampling_algorithm.type not in _SAMPLERS


def random_combination(spec: HyperDriveSpec, number: int, taken: Set[str]) -> Parameters | None:
    """Draw until a combination is new, so that none runs twice."""
    seed = spec.sampling_algorithm.seed
    for attempt in range(MAX_DRAWS):
        drawn = space.draw(spec.search_space, Random(f"{seed}/{number}/{attempt}"))  # noqa: S311  not for secrets
        if combination_key(drawn) not in taken:
            return drawn
    return _walk(spec, number, taken)


def _walk(spec: HyperDriveSpec, number: int, taken: Set[str]) -> Parameters | None:
    """Return the first combination not taken, counted from a random one; at most len(taken) + 1 steps."""
    combinations = space.size(spec.search_space)
    if combinations is None:
        return None
    start = distributions.index_below(combinations, Random(f"{spec.sampling_algorithm.seed}/{number}"))  # noqa: S311  not for secrets
    for step in range(min(combinations, len(taken) + 1)):
        candidate = space.combination_at(spec.search_space, (start + step) % combinations)
        if combination_key(candidate) not in taken:
            return candidate
    return None


_SAMPLERS: dict[str, Sampler] = {"Grid": _grid, "Random": random_combination}
