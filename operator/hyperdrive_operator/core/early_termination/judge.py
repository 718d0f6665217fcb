"""Judges the running trials of a sweep: a function of the facts alone, with a cache that makes it cheap.

Each trial is judged at its newest due interval, against what is known of the others (up to that interval, but for
Extrapolation), in every pass:
so a restart, a burst of reports or one that came late makes no difference, and what others report later counts too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hyperdrive_operator.api.v1alpha1 import EarlyTermination, HyperDriveSpec
from hyperdrive_operator.core.metrics import Goal
from hyperdrive_operator.core.roster import Roster
from hyperdrive_operator.core.trials import Trial

from .experience import Experience
from .extrapolation import Extrapolation
from .knowledge import Knowledge
from .policies import Candidate, Comparison, Look, Policy, make_policy
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
        self._bench = _bench(self._policy)

    def judge(self, trials: Roster) -> Judgement:
        self._bench.observe(trials)
        verdicts: dict[int, Verdict] = {}
        is_complete = True
        for trial in trials.unended:
            if not trial.is_running or trial.record.deleting:
                continue  # what is queued or preempted is not judged by what it had before
            interval = self._policy.schedule.due(trial.record.number, trial.curve.reports)
            if interval is None:
                continue
            finding = self._bench.find(trial, interval)
            if finding is None:
                is_complete = False
            elif isinstance(finding, Shortfall):
                verdicts[trial.record.number] = self._verdict(interval, finding)
        return Judgement(verdicts, is_complete)

    def _verdict(self, interval: int, shortfall: Shortfall) -> Verdict:
        rivals = tuple(self._bench.name(number) for number in shortfall.rivals)
        interval = shortfall.interval or interval
        return Verdict(
            policy=self.given.type,
            interval=interval,
            value=shortfall.value,
            threshold=shortfall.threshold,
            compared_with=rivals,
            message=f"at interval {interval} {shortfall.sentence.format(' and '.join(rivals))}",
        )


#: What a trial falls short of, True if it may go on, None if it must wait for the next pass.
_Finding = Shortfall | bool | None


class _Bench(Protocol):
    """Those who judge a trial by one kind of rule, with what they know of the others."""

    def observe(self, trials: Roster) -> None:
        """Take in all trials as they are now."""

    def find(self, trial: Trial, interval: int) -> _Finding:
        """Judge a trial at an interval."""

    def name(self, number: int) -> str:
        """Return the name of a trial that it was compared with."""


def _bench(policy: Policy) -> _Bench:
    rule = policy.rule
    if isinstance(rule, Look):
        return _Looking(rule, policy.sign)
    if isinstance(rule, Extrapolation):
        return _Foreseeing(rule, policy.sign)
    return _Comparing(rule, policy)


class _Looking:
    """By its own curve."""

    def __init__(self, rule: Look, sign: int) -> None:
        self._rule = rule
        self._sign = sign

    def observe(self, trials: Roster) -> None:
        """Nobody else matters."""

    def find(self, trial: Trial, interval: int) -> _Finding:
        return self._rule.falls_short(trial.curve, interval, self._sign) or True

    def name(self, number: int) -> str:
        raise KeyError(number)


class _Comparing:
    """By the ranking of all at its age."""

    def __init__(self, rule: Comparison, policy: Policy) -> None:
        self._rule = rule
        self._sign = policy.sign
        self._knowledge = Knowledge(policy, rule)
        self.observe = self._knowledge.observe
        self.name = self._knowledge.name

    def find(self, trial: Trial, interval: int) -> _Finding:
        number, sign = trial.record.number, self._sign
        ranking = self._knowledge.ranking(number, interval)
        if ranking is None:
            return None
        best, entry = trial.curve.best_at(interval), self._knowledge.score(number, interval)
        if best is None or entry is None:
            return True  # so long a curve no longer says what was at so early an interval
        return self._rule.falls_short(Candidate(number, sign * best, entry), ranking, sign) or True


class _Foreseeing:
    """By what is to be expected until its end."""

    def __init__(self, rule: Extrapolation, sign: int) -> None:
        self._rule = rule
        self._sign = sign
        self._experience = Experience(rule, sign)
        self.observe = self._experience.observe
        self.name = self._experience.name

    def find(self, trial: Trial, interval: int) -> _Finding:
        rule, experience = self._rule, self._experience
        reports = trial.curve.reports
        if not rule.is_due(interval, reports, experience.whole):
            return True
        if not rule.is_worth_it(experience.share_left(trial)):
            return True
        outlook = experience.outlook(reports)
        if outlook is None:
            return None
        return rule.falls_short(trial.curve, outlook, self._sign) or True
