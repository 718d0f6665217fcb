"""Which combination trial number n runs: a pure function of the spec, n, and what trials 1 to n-1 run.

So a restarted operator, a re-created resource or a record deleted by hand all lead to the same trials. Algorithms that
need more than that (results, or a numerical library) are not here: they make proposals (proposing.py).
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from random import Random
from typing import Final, Literal

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
#: Combinations held against constraints in one pass, some 50 ms of it: meanwhile the other sweeps wait.
A_PASS = 500
#: As many live sweeps as the operator is designed for.
MAX_GRIDS = 200
#: Trials whose combination is being searched for, of all sweeps together.
MAX_SEARCHES = 4_096


class Unknown(Enum):
    """The third answer, beside a combination and None, which is that there is no other."""

    LATER = "ask again"


LATER: Final = Unknown.LATER
Answer = Parameters | Literal[Unknown.LATER] | None
Sampler = Callable[[int, Set[str]], Answer]


@dataclass(slots=True)
class Effort:
    """How many combinations may still be held against constraints."""

    left: int = A_PASS


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
    """Return the parameters of trial `number` (from 1), or None when no combination is left, however long it takes.

    `taken` holds the keys of the combinations of all trials with lower numbers, and of those not to run again.
    """
    while (found := sampler(spec, Effort())(number, taken)) is LATER:
        pass
    return found


def sampler(spec: HyperDriveSpec, effort: Effort) -> Sampler:
    """Return `combination` of a spec for numbers that are asked for in their order; with LATER when the effort ends.

    The next to be asked goes on from there.
    """
    rest = _SAMPLERS[spec.sampling_algorithm.type](spec, effort)

    def choose(number: int, taken: Set[str]) -> Answer:
        return next_first(spec, taken) or rest(number, taken)

    return choose if spec.first_combinations else rest


def _grid(spec: HyperDriveSpec, effort: Effort) -> Sampler:
    if skips_known(spec):
        return _UnknownGrid(_allowed_grid(ById(spec)), effort).next
    before = len(first_combinations(spec))
    if spec.constraints or before:
        return lambda number, _: _allowed_grid(ById(spec)).at(number - before - 1, effort)
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
        #: Combinations looked at since the last that satisfied them.
        self._barren = 0

    def at(self, position: int, effort: Effort) -> Answer:
        """Return the combination at a position; None if there are not so many."""
        reached = self._reaches(position, effort)
        return space.combination_at(self._spec.search_space, self._indices[position]) if reached is True else reached

    def key_at(self, position: int, effort: Effort) -> str | Literal[Unknown.LATER] | None:
        """Return the key of the combination at a position; None if there are not so many."""
        reached = self._reaches(position, effort)
        return self._keys[position] if reached is True else reached

    def _reaches(self, position: int, effort: Effort) -> Literal[True, Unknown.LATER] | None:
        while len(self._indices) <= position:
            if self._next >= self._size or self._barren >= MAX_WALK:
                return None
            if effort.left <= 0:
                return LATER
            effort.left -= 1
            self._look_at(self._next)
            self._next += 1
        return True

    def _look_at(self, index: int) -> None:
        candidate = space.combination_at(self._spec.search_space, index)
        key = combination_key(candidate)
        self._barren += 1
        if key not in self._first and allows(self._spec, candidate):
            self._indices.append(index)
            self._keys.append(key)
            self._barren = 0


class _UnknownGrid:
    """The combinations of a grid that are not taken, in their order: what is known may grow from pass to pass."""

    def __init__(self, grid: _AllowedGrid, effort: Effort) -> None:
        self._grid = grid
        self._effort = effort
        self._position = 0

    def next(self, _: int, taken: Set[str]) -> Answer:
        """Return the next that is not taken. What was taken at the last call still is."""
        while isinstance(key := self._grid.key_at(self._position, self._effort), str):
            self._position += 1
            if key not in taken:
                return self._grid.at(self._position - 1, self._effort)
        return key


@lru_cache(maxsize=MAX_GRIDS)
def _allowed_grid(key: ById[HyperDriveSpec]) -> _AllowedGrid:
    return _AllowedGrid(key.value)


def is_proposed(spec: HyperDriveSpec) -> bool:
    """Tell whether the combinations of a sweep come as proposals, from outside the event loop."""
    return spec.sampling_algorithm.type not in _SAMPLERS


def random_combination(spec: HyperDriveSpec, number: int, taken: Set[str]) -> Parameters | None:
    """Return a random combination that is new and allowed, so that none runs twice, however long it takes."""
    while (found := _random(spec, Effort())(number, taken)) is LATER:
        pass
    return found


class _Search:
    """A trial's random combinations, one after the other: drawn, and if all those are refused, in order from one on.

    What was refused is not looked at again: it breaks a constraint, or a trial of a lower number has it.
    """

    def __init__(self, spec: HyperDriveSpec, number: int) -> None:
        self._spec = spec
        self._seed = f"{spec.sampling_algorithm.seed}/{number}"
        self._draws = MAX_CONSTRAINED_DRAWS if spec.constraints else MAX_DRAWS
        self._cost = 1 + len(spec.search_space) // 8
        self._refused = 0

    def next(self, taken: Set[str], effort: Effort) -> Answer:
        """Return the next that is new and allowed; None if there is none."""
        while (candidate := self._at(self._refused, taken)) is not None:
            if is_new(self._spec, candidate, taken):
                return candidate
            self._refused += 1
            if self._spec.constraints:
                effort.left -= self._cost
                if effort.left <= 0:
                    return LATER
        return None

    def _at(self, position: int, taken: Set[str]) -> Parameters | None:
        if position < self._draws:
            return space.draw(self._spec.search_space, Random(f"{self._seed}/{position}"))  # noqa: S311  not for secrets
        combinations, step = space.size(self._spec.search_space), position - self._draws
        steps = MAX_WALK if self._spec.constraints else len(taken) + 1
        if combinations is None or step >= min(combinations, steps):
            return None
        start = distributions.index_below(combinations, Random(self._seed))  # noqa: S311  not for secrets
        return space.combination_at(self._spec.search_space, (start + step) % combinations)


def is_new(spec: HyperDriveSpec, parameters: Parameters, taken: Set[str]) -> bool:
    """Tell whether a combination may be run: no trial has it, and it satisfies the constraints."""
    return combination_key(parameters) not in taken and allows(spec, parameters)


def _random(spec: HyperDriveSpec, effort: Effort) -> Sampler:
    if spec.constraints:
        return lambda number, taken: _search(ById(spec), number).next(taken, effort)
    return lambda number, taken: _Search(spec, number).next(taken, effort)


@lru_cache(maxsize=MAX_SEARCHES)
def _search(key: ById[HyperDriveSpec], number: int) -> _Search:
    return _Search(key.value, number)


_SAMPLERS: dict[str, Callable[[HyperDriveSpec, Effort], Sampler]] = {"Grid": _grid, "Random": _random}
