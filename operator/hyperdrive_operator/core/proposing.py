"""What an optimiser is asked: all that it may know of a sweep, as one value that another process can take.

It is made from the trials' records alone, so a restart loses nothing: the same results in the same order give the same
proposals.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from hyperdrive_operator.api.v1alpha1 import BayesianOptions, CmaEsOptions, HyperDriveSpec, NsgaIIOptions

from .first import missing_first
from .pareto import values_of
from .records import USABLE, Record, State
from .sampling import combination_key
from .space import Parameters
from .trials import Trial

#: What Bayesian is told at most: its cost grows with it (docs/sampling.md).
MAX_HISTORY: Final = 1_000
#: So many of them are the best: the model of what is promising is made of the best 25.
MAX_BEST: Final = 100

#: A combination, or None when the search space has no more.
Proposal = Parameters | None

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that has ended: with a value, or (None) without a usable one."""

    parameters: Mapping[str, Any]
    value: float | None
    #: With several objectives: its values of the additional ones, in the order of the spec.
    others: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """Which trials to propose, and what is known: `finished` in the order of completion, then what still runs.

    `taken` holds the key of every combination that a trial has, by the trial's number; `known` of those not to run,
    since earlier sweeps have run them. `prior` is what those sweeps found.
    """

    spec: HyperDriveSpec
    numbers: tuple[int, ...]
    finished: tuple[Finished, ...]
    running: tuple[Mapping[str, Any], ...]
    taken: Mapping[int, str]
    prior: tuple[Finished, ...] = ()
    known: frozenset[str] = frozenset()


def build_request(
    spec: HyperDriveSpec,
    trials: Sequence[Trial],
    proposed: Mapping[int, Proposal],
    numbers: Sequence[int],
    *,
    prior: Sequence[Finished] = (),
    known: frozenset[str] = frozenset(),
) -> Request:
    """Build the request for the next trials. What is proposed already counts as running, and so does what is to be
    tried first.
    """
    taken = {trial.record.number: trial.record.key for trial in trials}
    waiting = {number: one for number, one in sorted(proposed.items()) if one is not None and number not in taken}
    running = [trial.record.parameters for trial in trials if not trial.is_ended]
    ended = sorted((trial for trial in trials if trial.is_ended and not _says_nothing(trial)), key=_completion)
    waiting |= _first(spec, taken, known)
    before, finished = _history(spec, list(prior), [finished_of(spec, trial.record) for trial in ended])
    return Request(
        spec=spec,
        numbers=tuple(numbers),
        finished=finished,
        running=(*running, *waiting.values()),
        taken=taken | {number: combination_key(one) for number, one in waiting.items()},
        prior=before,
        known=known,
    )


def _first(spec: HyperDriveSpec, taken: Mapping[int, str], known: frozenset[str]) -> dict[int, Parameters]:
    """Return what is to be tried first and has no trial yet: perhaps it gets one while the optimiser thinks."""
    if not spec.first_combinations:
        return {}
    numbers = [number for number in range(1, spec.limits.max_total_trials + 1) if number not in taken]
    return missing_first(spec, numbers, known | set(taken.values()))


def _says_nothing(trial: Trial) -> bool:
    """Tell whether a trial was ended before it could report: it is no bad result."""
    return trial.record.state is State.CANCELLED and trial.record.value is None


def _completion(trial: Trial) -> tuple[datetime, int]:
    return trial.record.ended or _BEGINNING, trial.record.number


def finished_of(spec: HyperDriveSpec, record: Record) -> Finished:
    """Return what an optimiser of that spec is told of a trial that has ended."""
    if spec.objective.additional_objectives:
        value, *others = values_of(record, spec.objective.goals) or (None,)
        return Finished(record.parameters, value, tuple(others))
    return Finished(record.parameters, record.value if record.state in USABLE else None)


_Histories = tuple[tuple[Finished, ...], tuple[Finished, ...]]


def _history(spec: HyperDriveSpec, prior: Sequence[Finished], own: Sequence[Finished]) -> _Histories:
    """Return what the algorithm can use of the earlier sweeps and of this one.

    That is all; or the best and the newest of them together, in their order: the earlier sweeps' stand first. Which are
    the best of several objectives is found out by the optimiser: that takes numerical libraries, and time.
    """
    if spec.sampling_algorithm.type == "Sobol":
        return (), ()
    finished = [*prior, *own]
    is_bounded = spec.sampling_algorithm.type == "Bayesian" and not spec.objective.additional_objectives
    if not is_bounded or len(finished) <= MAX_HISTORY:
        return tuple(prior), tuple(own)
    sign = -1 if spec.objective.goal == "Maximize" else 1

    def rank(index: int) -> tuple[float, int]:
        value = finished[index].value
        return (math.inf if value is None else sign * value), index

    kept = set(sorted(range(len(finished)), key=rank)[:MAX_BEST])
    for index in range(len(finished) - 1, -1, -1):
        if len(kept) == MAX_HISTORY:
            break
        kept.add(index)
    in_order = sorted(kept)
    return (
        tuple(finished[index] for index in in_order if index < len(prior)),
        tuple(finished[index] for index in in_order if index >= len(prior)),
    )


def foreseeable(spec: HyperDriveSpec, known: int = 0) -> int:
    """Return how many of the first trials get the same combination whatever the results of those before them.

    They are those that start together, those that are given, and those for which the algorithm has not seen enough to
    learn from; `known` is the number of earlier sweeps' results.
    """
    algorithm = spec.sampling_algorithm
    together = max(spec.limits.max_concurrent_trials, len(spec.first_combinations))
    match algorithm.type:
        case "Bayesian":
            return max(together, (algorithm.bayesian or BayesianOptions()).startup_trials - known)
        case "CmaEs":
            modelled = sum(one.choice is None and one.when is None for one in spec.search_space)
            return max(together, first_population(algorithm.cma_es, modelled))
        case "NsgaII":
            return max(together, (algorithm.nsga_ii or NsgaIIOptions()).population_size - known)
    return spec.limits.max_total_trials


def first_population(options: CmaEsOptions | None, dimensions: int) -> int:
    """Return how many results CmaEs takes for its first step."""
    return (options or CmaEsOptions()).population_size or 4 + int(3 * math.log(dimensions))
