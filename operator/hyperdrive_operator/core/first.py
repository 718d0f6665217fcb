"""The combinations that a user wants tried first: what is wrong with them, and which trial runs which.

What an entry leaves out is drawn from the seed and the entry's number, so the list is a function of the spec alone.
"""

from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from random import Random
from typing import Any, Final

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, Parameter, canonical

from . import distributions, space
from .constraints import broken_rule
from .fitting import fit
from .identity import ById
from .problems import Problem
from .space import Parameters

#: So many draws of what an entry leaves out, all of which break a constraint or are in the list: there is no other.
MAX_DRAWS: Final = 1_000
#: As many live sweeps as the operator is designed for.
MAX_LISTS: Final = 200

_FIELD: Final = "spec.firstCombinations"


def first_problems(spec: HyperDriveSpec) -> tuple[Problem, ...]:
    """Find entries that are not in the space, break a constraint, or stand twice."""
    return _list(ById(spec))[1]


def first_combinations(spec: HyperDriveSpec) -> tuple[Parameters, ...]:
    """Return the combinations to try first, whole, in order. Of a spec without problems."""
    return _list(ById(spec))[0] if spec.first_combinations else ()


def first_keys(spec: HyperDriveSpec) -> tuple[str, ...]:
    """Return the keys of the combinations to try first, in order."""
    return _list(ById(spec))[2] if spec.first_combinations else ()


def next_first(spec: HyperDriveSpec, taken: Set[str]) -> Parameters | None:
    """Return the first of the list that no trial has and no earlier sweep is known for, if there is any left."""
    for key, parameters in zip(first_keys(spec), first_combinations(spec), strict=True):
        if key not in taken:
            return dict(parameters)
    return None


def missing_first(spec: HyperDriveSpec, numbers: Sequence[int], taken: Set[str]) -> dict[int, Parameters]:
    """Return which of these numbers, the lowest that have no trial, run which of the list."""
    waiting = [
        parameters
        for key, parameters in zip(first_keys(spec), first_combinations(spec), strict=True)
        if key not in taken
    ]
    return {number: dict(parameters) for number, parameters in zip(numbers, waiting, strict=False)}


_List = tuple[tuple[Parameters, ...], tuple[Problem, ...], tuple[str, ...]]


@lru_cache(maxsize=MAX_LISTS)
def _list(of: ById[HyperDriveSpec]) -> _List:
    """Return the combinations, what is wrong with their entries, and their keys."""
    spec = of.value
    problems: list[Problem] = []
    entries: list[Parameters] = []
    for index, entry in enumerate(spec.first_combinations):
        fitting, wrong = fit(spec.search_space, entry, on_grid=_is_grid(spec), is_whole=False)
        problems += [_problem(f"{_FIELD}[{index}].{one.name}", one.message) for one in wrong]
        entries.append(fitting)
    problems += _duplicates(entries) if not problems else ()
    if problems:
        return (), tuple(problems), ()
    return _completed(spec, entries)


def _duplicates(entries: Sequence[Parameters]) -> list[Problem]:
    seen: dict[str, int] = {}
    problems = []
    for index, entry in enumerate(entries):
        earlier = seen.setdefault(canonical(entry), index)
        if earlier != index:
            problems.append(_problem(f"{_FIELD}[{index}]", f"is the same as entry {earlier}: remove one"))
    return problems


def _completed(spec: HyperDriveSpec, entries: Sequence[Parameters]) -> _List:
    """Draw what is left out, so that no combination stands twice and none breaks a constraint."""
    problems: list[Problem] = []
    whole = [not fit(spec.search_space, entry, on_grid=_is_grid(spec), is_whole=True)[1] for entry in entries]
    taken = {canonical(entry) for entry, is_whole in zip(entries, whole, strict=True) if is_whole}
    combinations: list[Parameters] = []
    keys: list[str] = []
    for index, (entry, is_whole) in enumerate(zip(entries, whole, strict=True)):
        drawn = entry if is_whole else _drawn(spec, entry, index + 1, taken)
        rule = broken_rule(spec, drawn) if drawn is not None else None
        if drawn is None:
            message = (
                "no combination with these values was found that satisfies spec.constraints and stands nowhere else in "
                "the list: change a value, or leave the entry out"
            )
            problems.append(_problem(f"{_FIELD}[{index}]", message))
            break  # each try is a thousand draws
        if rule is not None:
            problems.append(_problem(f"{_FIELD}[{index}]", f"breaks the constraint {rule!r}: change a value"))
            continue
        combinations.append(drawn)
        keys.append(canonical(drawn))
        taken.add(keys[-1])
    return (tuple(combinations), (), tuple(keys)) if not problems else ((), tuple(problems), ())


def _drawn(spec: HyperDriveSpec, entry: Mapping[str, Any], number: int, taken: Set[str]) -> Parameters | None:
    for attempt in range(MAX_DRAWS):
        random = Random(f"{spec.sampling_algorithm.seed}/{number}/{attempt}")  # noqa: S311  not for secrets

        def choose(parameter: Parameter, random: Random = random) -> Any:
            if parameter.name in entry:
                return entry[parameter.name]
            return _draw(parameter, random, on_grid=_is_grid(spec))

        candidate = space.assemble(spec.search_space, choose)
        if canonical(candidate) not in taken and broken_rule(spec, candidate) is None:
            return candidate
    return None


def _draw(parameter: Parameter, random: Random, *, on_grid: bool) -> Any:
    values = distributions.count(parameter, on_grid=True) if on_grid else None
    if values is None:
        return distributions.draw(parameter, random)
    return distributions.value_at(parameter, distributions.index_below(values, random))


def _is_grid(spec: HyperDriveSpec) -> bool:
    return spec.sampling_algorithm.type == "Grid"


def _problem(field: str, message: str) -> Problem:
    return Problem(names.REASON_INVALID_SPEC, field, message)
