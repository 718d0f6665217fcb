"""What the earlier sweeps of spec.warmStart are worth to a sweep: results to learn from, and combinations to skip.

A trial counts when it has a value, of the same primary metric and goal, and its combination is in this sweep's space.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, WarmStartStatus

from .fitting import fit
from .proposing import Finished, finished_of
from .records import Record
from .roster import Roster
from .sampling import combination_key, planned_trials, skips_known
from .sweep import Sweep
from .trials import Trial

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
#: Causes that the status tells of each earlier sweep.
_CAUSES: Final = 3
_MESSAGE_LIMIT: Final = 4096
#: They learn from results; to the others only skipKnown matters.
_LEARNERS: Final = frozenset({"Bayesian", "CmaEs", "NsgaII"})


@dataclass(frozen=True, slots=True)
class Fit:
    """An ended trial of an earlier sweep: what is known by it, or why it is left out."""

    at: tuple[datetime, int]
    finished: Finished
    key: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One of the earlier sweeps: None if there is none of that name, and its ended trials."""

    name: str
    sweep: Sweep | None
    fits: Sequence[Fit] = ()


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known before a sweep begins. `known` holds the keys of combinations that are not to run again."""

    history: tuple[Finished, ...] = ()
    known: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
    status: WarmStartStatus | None = None


#: Of a sweep without a warm start.
NO_PRIOR: Final = Prior()


def judge(spec: HyperDriveSpec, record: Record) -> Fit:
    """Tell what an ended trial of an earlier sweep is worth to a sweep."""
    at = (record.ended or _BEGINNING, record.number)
    finished = finished_of(spec, record)
    if finished.value is None:
        return Fit(at, finished, record.key, "no value")
    on_grid = spec.sampling_algorithm.type == "Grid"
    parameters, wrong = fit(spec.search_space, record.parameters, on_grid=on_grid, is_whole=True)
    if wrong:
        return Fit(at, finished, record.key, wrong[0].cause)
    if parameters == record.parameters:
        return Fit(at, finished, record.key)
    return Fit(at, replace(finished, parameters=parameters), combination_key(parameters))


def join(spec: HyperDriveSpec, sources: Sequence[Source]) -> Prior:
    """Return all that the earlier sweeps are worth, in the order in which their trials completed."""
    taken: list[Fit] = []
    left_out = 0
    texts = []
    for source in sources:
        useful, causes, text = _sift(spec, source)
        taken += useful
        left_out += causes.total()
        texts.append(f"{source.name}: {text}")
    taken.sort(key=lambda one: one.at)
    kind = spec.sampling_algorithm.type
    if kind not in _LEARNERS:
        texts.append(
            f"{kind} does not learn from results" + ("" if skips_known(spec) else ": set skipKnown, or remove")
        )
    return Prior(
        history=tuple(one.finished for one in taken),
        known=frozenset(one.key for one in taken) if skips_known(spec) else frozenset(),
        missing=tuple(source.name for source in sources if source.sweep is None),
        status=WarmStartStatus(taken=len(taken), left_out=left_out, message="; ".join(texts)[:_MESSAGE_LIMIT]),
    )


def planned(sweep: Sweep, spec: HyperDriveSpec, trials: Roster, prior: Prior) -> int:
    """Return how many trials the sweep runs in all, without those that earlier sweeps have run."""
    if not skips_known(spec):
        return planned_trials(spec)
    run = sum(key in prior.known for key in trials.numbers.keys.values())  # by us too
    number = planned_trials(spec, len(prior.known) - run)
    if prior.missing and sweep.status.get("observedGeneration") == sweep.generation:
        # what a deleted sweep had run is forgotten: that must not set a sweep going again that has ended
        before = (sweep.status.get("trials") or {}).get("planned")
        return min(number, before) if isinstance(before, int) else number
    return number


def obstacle(sweep: Sweep, trials: Sequence[Trial], prior: Prior) -> str:
    """Return why a sweep can't begin; what has begun goes on with what is left."""
    if not prior.missing or trials or "completionTime" in sweep.status:
        return ""
    missing = ", ".join(repr(name) for name in prior.missing)
    return (
        f"spec.warmStart.from: no HyperDrive {missing} in namespace {sweep.namespace!r}: create it (its trials count "
        "from then on), or create this HyperDrive anew without it; until then no trial starts"
    )


def _sift(spec: HyperDriveSpec, source: Source) -> tuple[list[Fit], Counter[str], str]:
    """Return the trials of an earlier sweep that count, why the others don't, and both in words."""
    if source.sweep is None:
        return [], Counter(), "not found: what it had found is not known"
    unlike = _unlike(spec, source.sweep.spec)
    if unlike:
        return [], Counter({unlike: len(source.fits)}), f"all {len(source.fits)} ended trials left out: {unlike}"
    useful = [one for one in source.fits if not one.cause]
    causes = Counter(one.cause for one in source.fits if one.cause)
    text = f"{len(useful)} taken"
    if causes:
        told = ", ".join(f"{cause} ({count})" for cause, count in sorted(causes.items(), key=_commonest)[:_CAUSES])
        others = f", {len(causes) - _CAUSES} causes more" if len(causes) > _CAUSES else ""
        text += f", {causes.total()} left out: {told}{others}"
    return useful, causes, text


def _commonest(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _unlike(spec: HyperDriveSpec, other: HyperDriveSpec | None) -> str:
    """Return why the values of two sweeps cannot be compared."""
    if other is None:
        return "its spec is not valid"
    if other.objective.primary_metric != spec.objective.primary_metric:
        return f"its primary metric is {other.objective.primary_metric!r}"
    for metric, goal in spec.objective.goals.items():
        theirs = other.objective.goals.get(metric, goal)  # any metric of a trial is known, an objective or not
        if theirs != goal:
            return f"its goal for {metric!r} is {theirs}"
    return ""
