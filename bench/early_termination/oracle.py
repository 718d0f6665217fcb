"""What can be saved at most: a sweep is ended by someone who knows its future, and loses nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from hyperdrive_operator.core.metrics import Goal, better

from .replay import Outcome
from .sweeps import Run


@dataclass(frozen=True, slots=True)
class Oracle:
    """Knows which trial will report the best value, lets it run to that report, and ends the others.

    No policy that finds the same best value saves more than the first kind. The second kind shows what is left of it
    for whoever can only compare: it ends a trial when it is worse than the future best trial was at the same age.
    """

    by_comparison: bool
    #: Reports that every trial may make, as delayEvaluation says.
    delay: int = 1

    def outcome(self, runs: Sequence[Run], without: Outcome, goal: Goal) -> Outcome:
        """Return what is left of a sweep. `without` is the same sweep to its end; it has a result."""
        ends = {
            place: run.values.index(without.best)
            for place, run in enumerate(runs)
            if not run.is_failed and without.best in run.values
        }
        best = min(ends, key=lambda place: sum(runs[place].seconds[: ends[place] + 1]))  # of equals the cheapest
        made = [self._made(run, runs[best], goal) for run in runs]
        made[best] = ends[best] + 1
        stopped = frozenset(place for place, run in enumerate(runs) if made[place] < len(run.values))
        seconds = sum(sum(run.seconds[:count]) for run, count in zip(runs, made, strict=True))
        return Outcome(sum(made), seconds, without.best, stopped - {best}, (best, ends[best]))

    def _made(self, run: Run, rival: Run, goal: Goal) -> int:
        """Return how many reports a trial makes that is not the best."""
        if not self.by_comparison:
            return min(self.delay, len(run.values))
        own: float | None = None
        others: float | None = None
        for count, (value, other) in enumerate(zip(run.values, rival.values, strict=False), 1):
            own = value if better(goal, value, own) else own
            others = other if better(goal, other, others) else others
            if count >= self.delay and others is not None and own is not None and better(goal, others, own):
                return count
        return len(run.values)
