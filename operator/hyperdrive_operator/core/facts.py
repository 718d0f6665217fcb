"""All that the status of a sweep is made from, and what can be said of it at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hyperdrive_operator.api.v1alpha1 import BestTrial

from .actions import STARTS
from .endings import Ending
from .metrics import Goal, better
from .pareto import Archive, Point
from .patch import without_nulls
from .planning import Hold, Plan, is_paused
from .prior import NO_PRIOR, Prior
from .records import Record
from .roster import Roster
from .sweep import Sweep


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the status is made from."""

    sweep: Sweep
    trials: Roster
    plan: Plan
    hold: Hold | None
    is_template_checked: bool
    #: What is known of the Pareto front already.
    archive: Archive = field(default_factory=Archive)
    prior: Prior = NO_PRIOR

    @property
    def is_over(self) -> bool:
        """Nothing runs and nothing more will be started."""
        if self.trials.unfinished:
            return False
        if self.ending is not None:
            return True  # whatever keeps trials from being started
        if self.sweep.problems or self.hold is not None:
            return False
        if any(isinstance(action, STARTS) for action in self.plan.actions):
            return False
        no_more = self.plan.is_hopeless or self.plan.is_exhausted
        return no_more or (0 < self.plan.planned <= len(self.trials))

    @property
    def ending(self) -> Ending | None:
        """What ends the sweep before it has run all its trials."""
        return self.plan.course.ending

    @property
    def is_paused(self) -> bool:
        """No more trials shall be started for now."""
        return self.sweep.spec is not None and is_paused(self.sweep.spec)

    @property
    def has_result(self) -> bool:
        """At least one trial gave a value."""
        return bool(self.trials.ended.valued)

    @property
    def is_all_known(self) -> bool:
        """It is over without a trial, since the earlier sweeps have run all that there is."""
        return self.is_over and not self.trials and bool(self.prior.known or self.prior.missing)

    @property
    def is_complete(self) -> bool:
        """It is over, and it is no failure."""
        if self.ending is not None and (self.ending.is_wanted or self.ending.is_failure):
            return self.is_over and self.ending.is_wanted
        return self.is_over and (self.has_result or self.is_all_known)

    @property
    def front(self) -> Sequence[Point] | None:
        """The Pareto front; None where there is but one objective."""
        if self.sweep.spec is None or not self.sweep.spec.objective.additional_objectives:
            return None
        return self.archive.front(self.sweep.spec.objective.goals, self.trials.ended)


def best_trial(facts: Facts) -> BestTrial | None:
    """Return the trial with the best value, be it stopped before its time; of equals the one on the front, or with the
    lowest number.
    """
    if facts.sweep.spec is None:
        return None
    goal = facts.sweep.spec.objective.goal
    best = _best_of(goal, front) if (front := facts.front) else facts.trials.ended.best.get(goal)
    if best is None or best.value is None:
        return None
    return BestTrial(name=best.name, number=best.number, value=best.value, parameters=without_nulls(best.parameters))


def _best_of(goal: Goal, front: Sequence[Point]) -> Record | None:
    best: Record | None = None
    for point in front:
        if point.record.value is not None and better(goal, point.record.value, best.value if best else None):
            best = point.record
    return best
