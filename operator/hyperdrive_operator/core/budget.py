"""The budget of a sweep: how much its trials may run in all, what of it is used now, and when the rest will be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import (
    BudgetStatus,
    HyperDriveSpec,
    Limits,
    Spending,
    amount_of,
    duration_of,
    length_of,
    written_as,
)

from .problems import Problem
from .requests import PODS_RESOURCE, named_resources
from .roster import Roster
from .usage import requests_of, run_seconds

#: What is used is told so often while trials run, if nothing else is.
REFRESH: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)
#: Later than any sweep.
_FAR: Final = 10.0**9
#: What a pod may request without its template saying so: a LimitRange gives it.
_GIVEN: Final = frozenset({PODS_RESOURCE, "cpu", "memory", "ephemeral-storage"})


@dataclass(frozen=True, slots=True)
class Item:
    """One limit of a budget. Amounts are seconds, or the resource's own unit times seconds."""

    #: The resource, or nothing for the time of the trials itself.
    resource: str
    given: int | str
    limit: float
    used: float
    #: How much of it is used in a second now.
    rate: float

    @property
    def is_spent(self) -> bool:
        """Nothing is left of it."""
        return self.used >= self.limit

    @property
    def seconds_left(self) -> float:
        """For how long it lasts, if all goes on as now."""
        return min((self.limit - self.used) / self.rate, _FAR) if self.rate else _FAR

    @property
    def spending(self) -> Spending:
        """What is used and left, in the unit of the limit."""
        used, left = self.used, max(self.limit - self.used, 0.0)
        if not self.resource:
            return Spending(used=duration_of(used), left=duration_of(left))
        return Spending(used=written_as(used / 3600, self.given), left=written_as(left / 3600, self.given))


@dataclass(frozen=True, slots=True)
class Budget:
    """All limits of a sweep's budget."""

    items: tuple[Item, ...]

    @property
    def why_spent(self) -> str:
        """Which limit is used up, as a sentence; nothing if none is."""
        item = next((item for item in self.items if item.is_spent), None)
        if item is None:
            return ""
        if item.resource:
            return f"limits.maxResourceHours of {item.resource} ({item.given}) is spent"
        return f"limits.maxTotalTrialTime ({item.given}) is spent"

    @property
    def seconds_left(self) -> float | None:
        """For how long the first of its limits lasts, if all goes on as now; None while nothing runs."""
        return min((item.seconds_left for item in self.items if item.rate), default=None)

    @property
    def shown(self) -> BudgetStatus:
        """What the status says of it."""
        of_resources = {item.resource: item.spending for item in self.items if item.resource}
        of_time = next((item.spending for item in self.items if not item.resource), None)
        return BudgetStatus(trial_time=of_time, resource_hours=of_resources or None)


def budget_of(limits: Limits, trials: Roster, now: datetime) -> Budget | None:
    """Return what the trials have used of a budget by now; None if the limits give none."""
    if limits.max_total_trial_time is None and not limits.max_resource_hours:
        return None
    ended, resources = trials.ended, limits.max_resource_hours
    used = {"": float(ended.run_seconds), **{name: ended.resource_seconds.get(name, 0.0) for name in resources}}
    rates = dict.fromkeys(used, 0.0)
    for trial in trials.unended:
        seconds = run_seconds(trial, now)
        rate = run_seconds(trial, now + _SECOND) - seconds
        requests = {"": 1.0, **requests_of(trial)}
        for name in used:
            used[name] += seconds * requests.get(name, 0.0)
            rates[name] += rate * requests.get(name, 0.0)
    return Budget(tuple(_items(limits, used, rates)))


def next_look(budget: Budget | None, now: datetime) -> datetime | None:
    """Return when a budget will be spent that is not, or its use is to be told anew: no event will tell."""
    if budget is None or budget.why_spent or (seconds := budget.seconds_left) is None:
        return None
    # a little later than it is spent, whatever a float says of that
    return min(now + timedelta(seconds=seconds, milliseconds=1), now + REFRESH)


def budget_problems(spec: HyperDriveSpec) -> tuple[Problem, ...]:
    """Find resources that no pod requests: a budget of them would never be spent."""
    named = named_resources(spec.trial_template.spec)
    if named is None:
        return ()
    return tuple(
        Problem(
            names.REASON_INVALID_SPEC,
            f"spec.limits.maxResourceHours[{name}]",
            "no container of spec.trialTemplate requests it, so it would never be spent: "
            "mend the name, or add it to a container's resources",
        )
        for name in spec.limits.max_resource_hours
        if name not in named | _GIVEN
    )


def _items(limits: Limits, used: Mapping[str, float], rates: Mapping[str, float]) -> Iterator[Item]:
    if (given := limits.max_total_trial_time) is not None:
        yield Item("", given, length_of(given).total_seconds(), used[""], rates[""])
    for name, amount in limits.max_resource_hours.items():
        yield Item(name, amount, amount_of(amount) * 3600, used[name], rates[name])
