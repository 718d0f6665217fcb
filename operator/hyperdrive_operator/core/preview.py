"""What a sweep would run that is paused before its first trial: how many combinations, the first, and a rendered Job.

What depends on the spec alone is computed once for it: a sweep's spec is parsed once per generation.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, Parameter, Preview
from hyperdrive_operator.api.v1alpha1.preview import MAX_FIRST

from . import distributions, space
from .constraints import allows
from .first import missing_first
from .identity import ById
from .jobs import Manifest, build_first_job, trial_name
from .patch import without_nulls
from .prior import NO_PRIOR, Prior
from .proposing import foreseeable
from .sampling import combination, combination_key, is_proposed, planned_trials
from .space import Parameters

#: Of the rendered Job, and of the first combinations: with both a status stays far below etcd's 1.5 MiB.
MAX_BYTES: Final = 64 * 1024
#: To count the combinations that satisfy the constraints, rules are evaluated so often at most: other sweeps wait for
#: it, 0.1 s.
MAX_CHECKS: Final = 10_000
#: Beyond it JSON's numbers are no longer whole to everyone who reads them.
MAX_WHOLE: Final = 2**53
#: As many as may be paused before their first trial among 200 sweeps.
MAX_PREVIEWS: Final = 200


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is shown, and the trials whose combination is still to be proposed."""

    shown: Preview
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Count:
    """How many combinations there are (None: more than can be counted), in words too, and how many trials run."""

    combinations: int | None
    words: str
    planned: int
    is_exact: bool = False


def make_outlook(
    sweep_name: str, spec: HyperDriveSpec, ready: Mapping[int, Parameters | None], prior: Prior = NO_PRIOR
) -> Outlook:
    """Say what would run. `ready` holds what an optimiser has proposed so far, `prior` what earlier sweeps found."""
    count = _counted(ById(spec), prior.known)
    if is_proposed(spec):
        first, missing, is_all = _first_proposed(spec, ready, count, prior)
    else:
        first, missing, is_all = _first_own(ById(spec), prior.known)
    planned = len(first) if is_all else count.planned
    is_most = bool(spec.constraints) and not (is_all or count.is_exact)
    notes = [count.words, f"{'at most ' if is_most else ''}{planned} trial{'' if planned == 1 else 's'} would run"]
    if is_all and planned < count.planned:
        notes.append("no other combination was found")
    elif missing:
        notes.append("the first combinations are being proposed")
    elif len(first) < min(MAX_FIRST, planned):
        notes.append(f"what trial {len(first) + 1} runs depends on the results of those before it")
    job = _job(sweep_name, spec, first[0]) if first else None
    if job is not None and _size(job) > MAX_BYTES:
        job = None
        notes.append(f"job is left out: it is larger than {MAX_BYTES // 1024} KiB")
    shown = _within_bytes(first)
    if len(shown) < len(first):
        notes.append(f"first is cut off after {MAX_BYTES // 1024} KiB")
    preview = Preview(
        combinations=count.combinations, planned=planned, first=shown or None, job=job, message="; ".join(notes)
    )
    return Outlook(preview, missing)


# --- how many ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=MAX_PREVIEWS)
def _counted(key: ById[HyperDriveSpec], known: frozenset[str]) -> _Count:
    spec = key.value
    planned = planned_trials(spec, len(known))
    size = space.size(spec.search_space, on_grid=_is_grid(spec))
    if size is None:
        return _Count(None, f"no end of combinations: {_uncountable(spec)} has no countable values", planned)
    if not spec.constraints:
        words = _combinations(size) + (f", {len(known)} of which earlier sweeps have run" if known else "")
        return _Count(size if size <= MAX_WHOLE else None, words, planned, is_exact=True)
    if size * len(spec.constraints) > MAX_CHECKS:
        words = f"{_combinations(size)} before spec.constraints"
        return _Count(size if size <= MAX_WHOLE else None, words, planned)
    every = (space.combination_at(spec.search_space, index) for index in range(size))
    allowed = sum(allows(spec, one) and combination_key(one) not in known for one in every)
    words = f"{allowed} of {_combinations(size)} satisfy spec.constraints"
    words += " and are not run by earlier sweeps" if known else ""
    return _Count(allowed, words, min(planned, allowed), is_exact=True)


def _combinations(size: int) -> str:
    number = f"{size:,}" if size <= MAX_WHOLE else f"about 1e{len(str(size)) - 1}"
    return f"{number} combination{'' if size == 1 else 's'}"


def _uncountable(spec: HyperDriveSpec) -> str:
    """Return the first parameter without countable values, with its expression."""
    for parameter in spec.search_space:
        if distributions.count(parameter, on_grid=_is_grid(spec)) is None:
            return f"{parameter.name} ({_expression(parameter)})"
    return "a parameter"


def _expression(parameter: Parameter) -> str:
    name = type(parameter.expression).__name__
    return name[0].lower() + name[1:]


def _is_grid(spec: HyperDriveSpec) -> bool:
    return spec.sampling_algorithm.type == "Grid"


# --- the first ones ---------------------------------------------------------------------------------------------

_First = tuple[tuple[Parameters, ...], tuple[int, ...], bool]


@lru_cache(maxsize=MAX_PREVIEWS)
def _first_own(key: ById[HyperDriveSpec], known: frozenset[str]) -> _First:
    """Return the first combinations, none missing, and whether there are no others."""
    spec = key.value
    planned = _counted(key, known).planned
    first: list[Parameters] = []
    taken = set(known)
    for number in range(1, min(MAX_FIRST, planned) + 1):
        parameters = combination(spec, number, taken)
        if parameters is None:
            return tuple(first), (), True
        first.append(parameters)
        taken.add(combination_key(parameters))
    return tuple(first), (), False


def _first_proposed(
    spec: HyperDriveSpec, ready: Mapping[int, Parameters | None], count: _Count, prior: Prior
) -> _First:
    """Return the combinations that are known before any result, which are still to be proposed, and whether all are."""
    results = sum(one.value is not None for one in prior.history)
    numbers = range(1, min(MAX_FIRST, count.planned, foreseeable(spec, results)) + 1)
    decided = {**ready, **missing_first(spec, numbers, prior.known)}
    first: list[Parameters] = []
    for number in numbers:
        if number not in decided:
            return tuple(first), tuple(other for other in numbers if other not in decided), False
        parameters = decided[number]
        if parameters is None:
            return tuple(first), (), True
        first.append(parameters)
    return tuple(first), (), False


def _within_bytes(combinations: tuple[Parameters, ...]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    left = MAX_BYTES
    for parameters in combinations:
        left -= _size(parameters)
        if left < 0:
            break
        shown.append(without_nulls(parameters))
    return shown


# --- the Job ----------------------------------------------------------------------------------------------------


def _job(sweep_name: str, spec: HyperDriveSpec, parameters: Parameters) -> Manifest:
    name = trial_name(sweep_name, 1)
    job: Manifest = without_nulls(build_first_job(spec, sweep_name=sweep_name, trial=name, parameters=parameters))
    return job


def _size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
