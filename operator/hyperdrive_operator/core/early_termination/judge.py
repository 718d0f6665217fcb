"""Judges the running trials of a sweep: a function of the facts alone, with a cache that makes it cheap.

Each trial is judged at its newest due interval, against what is known of the others up to that interval, in every pass:
so a restart, a burst of reports or one that came late makes no difference, and what others report later counts too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hyperdrive_operator.api.v1alpha1 import EarlyTermination, HyperDriveSpec
from hyperdrive_operator.core.curves import Curve
from hyperdrive_operator.core.metrics import Goal
from hyperdrive_operator.core.roster import Roster
from hyperdrive_operator.core.trials import Trial

from .knowledge import Knowledge
from .policies import Candidate, Look, make_policy
from .verdict import Shortfall, Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """The trials to be ended, by number, and whether all could be judged: if not, the next pass does."""

    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    is_complete: bool = True


class Judge:
    """One sweep's. Holds nothing that can't be found again in the trials."""

    def __init__(self) -> None:
        self._court: _Court | None = None

    def judge(self, spec: HyperDriveSpec, trials: Sequence[Trial]) -> Judgement:
        """Return which trials are to be ended. `trials` are all of the sweep's."""
        given, goal = spec.early_termination, spec.objective.goal
        if given is None:
            self._court = None
            return Judgement()
        if self._court is None or (self._court.given, self._court.goal) != (given, goal):
            self._court = _Court(given, goal)
        return self._court.judge(Roster.of(trials))


class _Court:
    """A judge under one policy."""

    def __init__(self, given: EarlyTermination, goal: Goal) -> None:
        self.given = given
        self.goal = goal
        self._policy = make_policy(given, goal)
        rule = self._policy.rule
        self._knowledge = Knowledge(self._policy, rule) if not isinstance(rule, Look) else None

    def judge(self, trials: Roster) -> Judgement:
        if self._knowledge is not None:
            self._knowledge.observe(trials)
        verdicts: dict[int, Verdict] = {}
        is_complete = True
        for trial in trials.unended:
            if not trial.is_running or trial.record.deleting:
                continue  # what is queued or preempted is not judged by what it had before
            curve = trial.curve
            interval = self._policy.schedule.due(trial.record.number, curve.reports)
            if interval is None:
                continue
            finding = self._find(trial.record.number, curve, interval)
            if finding is None:
                is_complete = False
            elif isinstance(finding, Shortfall):
                verdicts[trial.record.number] = self._verdict(interval, finding)
        return Judgement(verdicts, is_complete)

    def _find(self, number: int, curve: Curve, interval: int) -> Shortfall | bool | None:
        """Return what a trial falls short of, True if it may go on, None if it must wait for the next pass."""
        rule, knowledge, sign = self._policy.rule, self._knowledge, self._policy.sign
        if isinstance(rule, Look):
            return rule.falls_short(curve, interval, sign) or True
        if knowledge is None:
            return True
        ranking = knowledge.ranking(number, interval)
        if ranking is None:
            return None
        best, entry = curve.best_at(interval), knowledge.score(number, interval)
        if best is None or entry is None:
            return True  # so long a curve no longer says what was at so early an interval
        return rule.falls_short(Candidate(number, sign * best, entry), ranking, sign) or True

    def _verdict(self, interval: int, shortfall: Shortfall) -> Verdict:
        rivals = tuple(self._knowledge.name(number) for number in shortfall.rivals) if self._knowledge else ()
        return Verdict(
            policy=self.given.type,
            interval=interval,
            value=shortfall.value,
            threshold=shortfall.threshold,
            compared_with=rivals,
            message=f"at interval {interval} {shortfall.sentence.format(' and '.join(rivals))}",
        )
