"""Which trials to start next: the numbers that are free, and the combination of each."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .first import missing_first
from .roster import Numbers, Roster
from .sampling import LATER, Effort, combination_key, is_proposed, sampler, skips_known
from .space import Parameters


@dataclass(frozen=True, slots=True)
class Next:
    """The trials to start, the numbers that lack a proposal, and whether the search space has no more."""

    trials: tuple[tuple[int, Parameters], ...] = ()
    missing: tuple[int, ...] = ()
    is_exhausted: bool = False
    #: It takes longer than one pass may to find the others.
    is_unfinished: bool = False
    #: Those after them, for the places that are about to be free.
    soon: tuple[tuple[int, Parameters], ...] = ()


class Taken(Set[str]):
    """Combinations that are not to be run: sets that others own, and what is added here."""

    def __init__(self, *sets: Set[str]) -> None:
        self._added: set[str] = set()
        self._sets = (*sets, self._added)

    def add(self, key: str) -> None:
        """Take a combination too."""
        self._added.add(key)

    def __contains__(self, key: object) -> bool:
        return any(key in one for one in self._sets)

    def __iter__(self) -> Iterator[str]:
        return iter(set().union(*self._sets))

    def __len__(self) -> int:
        return len(set().union(*self._sets))


def next_trials(
    spec: HyperDriveSpec,
    trials: Roster,
    planned: int,
    ready: Mapping[int, Parameters | None],
    known: frozenset[str],
    *,
    starting: frozenset[int] = frozenset(),
) -> Next:
    """Return the trials to start, lowest numbers first. `known` holds the combinations not to run again.

    Where no result decides about them, also those of the places that are about to be free: they can be recorded before.

    A number without a record (deleted by hand, say) runs again: with the same combination as before, or with a new
    proposal. Those that are `starting`, with or without a record so far, have their places.
    """
    # where its result decides what is started next, or whether anything is, a trial keeps its place until it is known
    learns = is_proposed(spec)
    waits = awaits_ends(spec)
    placed = {
        trial.record.number for trial in trials.live if trial.is_active or (waits and not trial.is_ended)
    } | starting
    free = spec.limits.max_concurrent_trials - len(placed)
    soon_free = free + (0 if waits else sum(trial.leaves_soon for trial in trials.live))
    # what is being started and has no record yet is chosen once more: others must differ from it
    unrecorded = sum(number not in trials.numbers.keys for number in starting)
    count = max(soon_free, 0) + unrecorded
    if count == 0 or len(trials) >= planned:
        return Next(is_exhausted=planned == 0)  # the earlier sweeps have run all there is
    numbers = trials.numbers.free(planned, count)
    if learns:
        found = _proposed(spec, numbers, Taken(known, trials.numbers.taken), ready)
    else:
        found = _sampled(spec, numbers, trials.numbers, known)
    new, now = [number for number, _ in found.trials if number not in starting], max(free, 0)
    at_once, soon = starting.union(new[:now]), new[now : max(soon_free, 0)]
    return replace(
        found,
        trials=tuple(one for one in found.trials if one[0] in at_once),
        soon=tuple(one for one in found.trials if one[0] in soon),
    )


def awaits_ends(spec: HyperDriveSpec) -> bool:
    """Tell whether the place of a trial is free only when its end is recorded, and not already when its Job is over."""
    return is_proposed(spec) or _may_end_by_results(spec)


def _may_end_by_results(spec: HyperDriveSpec) -> bool:
    """Tell whether the next result may end the sweep: a trial started before it would be cancelled at once."""
    limits = spec.limits
    given = (spec.objective.target, limits.max_failed_trials, limits.max_trials_without_improvement)
    return any(limit is not None for limit in given)


def _sampled(spec: HyperDriveSpec, numbers: Sequence[int], given: Numbers, known: Set[str]) -> Next:
    """Return the trials with these numbers, each as those below it leave it."""
    choose = sampler(spec, Effort())
    # where what is known is skipped, it may have grown since a number was first given: then no trial's may run twice
    taken = Taken(known, given.taken if skips_known(spec) else given.below)
    looked_at = given.low
    new: list[tuple[int, Parameters]] = []
    for number in numbers:
        for lower in range(looked_at + 1, number):
            taken.add(given.keys[lower])
        looked_at = number
        parameters = choose(number, taken)
        if parameters is LATER:
            return Next(tuple(new), is_unfinished=True)
        if parameters is None:
            return Next(tuple(new), is_exhausted=True)
        new.append((number, parameters))
        taken.add(combination_key(parameters))
    return Next(tuple(new))


def _proposed(
    spec: HyperDriveSpec, numbers: Sequence[int], running: Set[str], ready: Mapping[int, Parameters | None]
) -> Next:
    """Return the trials whose combination is given or has been proposed, and which are to be asked for."""
    first = missing_first(spec, numbers, running)
    taken = Taken(running, {*map(combination_key, first.values())})
    new: list[tuple[int, Parameters]] = []
    missing: list[int] = []
    for number in numbers:
        parameters = ready.get(number)
        if number in first:
            new.append((number, first[number]))
        elif parameters is not None and (key := combination_key(parameters)) not in taken:
            new.append((number, parameters))
            taken.add(key)
        elif number in ready and parameters is None:
            return Next(tuple(new), tuple(missing), is_exhausted=not missing)
        else:
            missing.append(number)
    return Next(tuple(new), tuple(missing))
