"""Which combination trial number n runs: a pure function of the spec, n, and what trials 1 to n-1 run.

So a restarted operator, a re-created resource or a record deleted by hand all lead to the same trials. Algorithms that
need more than that (results, or a numerical library) are not here: they make proposals (proposing.py).
"""

from collections.abc import Callable, Set
from functools import lru_cache, partial
from random import Random

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, canonical

from . import distributions, space
from .constraints import allows
from .first import first_combinations, first_keys, next_first
from .identity import ById
from .space import Parameters

#: After so many draws that were all taken, the space is nearly used up: the rest is walked instead.
MAX_DRAWS = 100
#: Constraints may leave little of a space: so many draws that all break them, and it counts as used up.
MAX_CONSTRAINED_DRAWS = 1_000
#: Combinations of a grid looked at, one after the other, for the next that satisfies the constraints.
MAX_WALK = 100_000
#: As many live sweeps as the operator is designed for.
MAX_GRIDS = 200

Sampler = Callable[[int, Set[str]], Parameters | None]


def combination_key(parameters: Parameters) -> str:
    """Return what two combinations have in common exactly when they are the same."""
    return canonical(parameters)


def planned_trials(spec: HyperDriveSpec, known: int = 0) -> int:
    """Return how many trials the sweep runs in all: its limit, or fewer if the space has fewer combinations.

    So many combinations of the space are not to be run, since earlier sweeps have run them.
    """
    combinations = space.size(spec.search_space, on_grid=spec.sampling_algorithm.type == "Grid")
    limit = spec.limits.max_total_trials
    return limit if combinations is None else min(limit, max(combinations - known, 0))


def skips_known(spec: HyperDriveSpec) -> bool:
    """Tell whether combinations that earlier sweeps have run are not run again."""
    return spec.warm_start is not None and spec.warm_start.skip_known


def combination(spec: HyperDriveSpec, number: int, taken: Set[str]) -> Parameters | None:
    """Return the parameters of trial `number` (from 1), or None when no combination is left.

    `taken` holds the keys of the combinations of all trials with lower numbers, and of those not to run again.
    """
    return sampler(spec)(number, taken)


def sampler(spec: HyperDriveSpec) -> Sampler:
    """Return `combination` of a spec for numbers that are asked for in their order."""
    rest = _SAMPLERS[spec.sampling_algorithm.type](spec)

    def choose(number: int, taken: Set[str]) -> Parameters | None:
        return next_first(spec, taken) or rest(number, taken)

    return choose if spec.first_combinations else rest


def _grid(spec: HyperDriveSpec) -> Sampler:
    if skips_known(spec):
        return _UnknownGrid(_allowed_grid(ById(spec))).next
    before = len(first_combinations(spec))
    if spec.constraints or before:
        return lambda number, _: _allowed_grid(ById(spec)).at(number - before - 1)
    size = space.size(spec.search_space, on_grid=True) or 0
    return lambda number, _: space.combination_at(spec.search_space, number - 1) if number <= size else None


class _AllowedGrid:
    """The combinations of a grid that satisfy the constraints and are not tried first, as far as they are asked for."""

    def __init__(self, spec: HyperDriveSpec) -> None:
        self._spec = spec
        self._size = space.size(spec.search_space, on_grid=True) or 0
        self._first = frozenset(first_keys(spec))
        self._indices: list[int] = []
        self._keys: list[str] = []
        self._next = 0

    def at(self, position: int) -> Parameters | None:
        """Return the combination at a position; None if there are not so many."""
        if not self._reaches(position):
            return None
        return space.combination_at(self._spec.search_space, self._indices[position])

    def key_at(self, position: int) -> str | None:
        """Return the key of the combination at a position; None if there are not so many."""
        return self._keys[position] if self._reaches(position) else None

    def _reaches(self, position: int) -> bool:
        end = min(self._size, self._next + MAX_WALK)
        while len(self._indices) <= position and self._next < end:
            self._look_at(self._next)
            self._next += 1
        return position < len(self._indices)

    def _look_at(self, index: int) -> None:
        candidate = space.combination_at(self._spec.search_space, index)
        key = combination_key(candidate)
        if key not in self._first and allows(self._spec, candidate):
            self._indices.append(index)
            self._keys.append(key)


class _UnknownGrid:
    """The combinations of a grid that are not taken, in their order: what is known may grow from pass to pass."""

    def __init__(self, grid: _AllowedGrid) -> None:
        self._grid = grid
        self._position = 0

    def next(self, _: int, taken: Set[str]) -> Parameters | None:
        """Return the next that is not taken. What was taken at the last call still is."""
        while (key := self._grid.key_at(self._position)) is not None:
            self._position += 1
            if key not in taken:
                return self._grid.at(self._position - 1)
        return None


@lru_cache(maxsize=MAX_GRIDS)
def _allowed_grid(key: ById[HyperDriveSpec]) -> _AllowedGrid:
    return _AllowedGrid(key.value)


def is_proposed(spec: HyperDriveSpec) -> bool:
    """Tell whether the combinations of a sweep come as proposals, from outside the event loop."""
    return spec.sampling_algorithm.type not in _SAMPLERS


def random_combination(spec: HyperDriveSpec, number: int, taken: Set[str]) -> Parameters | None:
    """Draw until a combination is new and allowed, so that none runs twice."""
    seed = spec.sampling_algorithm.seed
    for attempt in range(MAX_CONSTRAINED_DRAWS if spec.constraints else MAX_DRAWS):
        drawn = space.draw(spec.search_space, Random(f"{seed}/{number}/{attempt}"))  # noqa: S311  not for secrets
        if is_new(spec, drawn, taken):
            return drawn
    return _walk(spec, number, taken)


def _walk(spec: HyperDriveSpec, number: int, taken: Set[str]) -> Parameters | None:
    """Return the first combination that is new and allowed, counted from a random one."""
    combinations = space.size(spec.search_space)
    if combinations is None:
        return None
    start = distributions.index_below(combinations, Random(f"{spec.sampling_algorithm.seed}/{number}"))  # noqa: S311  not for secrets
    steps = MAX_WALK if spec.constraints else len(taken) + 1
    for step in range(min(combinations, steps)):
        candidate = space.combination_at(spec.search_space, (start + step) % combinations)
        if is_new(spec, candidate, taken):
            return candidate
    return None


def is_new(spec: HyperDriveSpec, parameters: Parameters, taken: Set[str]) -> bool:
    """Tell whether a combination may be run: no trial has it, and it satisfies the constraints."""
    return combination_key(parameters) not in taken and allows(spec, parameters)


def _random(spec: HyperDriveSpec) -> Sampler:
    return partial(random_combination, spec)


_SAMPLERS: dict[str, Callable[[HyperDriveSpec], Sampler]] = {"Grid": _grid, "Random": _random}
