"""What is known of all trials of a sweep at each interval that matters: rankings that grow as trials report.

It is a cache of facts. It may be dropped at any time: built anew from the same trials it holds the same.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from hyperdrive_operator.core.trials import State, Trial

from .policies import Comparison, Policy
from .ranking import Ranking
from .schedule import same_age

#: To rank 10,000 trials anew takes some 15 ms; the trials of further intervals are judged in the next pass.
MAX_BUILDS: Final = 2
#: A ranking that no trial has needed for so many passes is dropped.
PASSES_KEPT: Final = 64


class Knowledge:
    """Rankings by group and interval, kept up to date trial by trial."""

    def __init__(self, policy: Policy, comparison: Comparison) -> None:
        self._schedule = policy.schedule
        self._sign = policy.sign
        self._comparison = comparison
        self._trials: dict[int, Trial] = {}
        self._rankings: dict[tuple[int, int], Ranking] = {}
        self._used: dict[tuple[int, int], int] = {}
        #: Intervals of each group that have a ranking, in order.
        self._intervals: defaultdict[int, list[int]] = defaultdict(list)
        self._pass = 0
        self._builds = 0

    def observe(self, trials: Sequence[Trial]) -> None:
        """Take in all trials as they are now. What has not changed since the last time costs nothing but a look."""
        self._pass += 1
        self._builds = 0
        known = self._trials
        changed = [trial for trial in trials if known.get(trial.record.number) is not trial]
        for trial in changed:
            self._replace(trial.record.number, trial)
        if len(known) > len(trials):
            for number in known.keys() - {trial.record.number for trial in trials}:
                self._replace(number, None)
        self._drop_unused()

    def ranking(self, number: int, interval: int) -> Ranking | None:
        """Return the ranking that a trial is judged by at an interval; None if it must wait for the next pass."""
        group, age = self._schedule.group(number), same_age(interval)
        self._used[group, age] = self._pass
        ranking = self._rankings.get((group, age))
        if ranking is None and self._builds < MAX_BUILDS:
            self._builds += 1
            ranking = self._rankings[group, age] = self._build(group, age)
            insort(self._intervals[group], age)
        return ranking

    def score(self, trial: Trial, interval: int) -> float | None:
        """Return what a trial contributes to the ranking at an interval: None if it has no say there."""
        age = same_age(interval)
        curve, state = trial.curve, trial.record.state
        if state is State.FAILED:  # its values never count: not as a result either
            return None
        if state is State.SUCCEEDED and not self._comparison.counts_finished:
            return None
        if curve.reports < age and not (trial.is_ended and self._comparison.counts_shorter):
            return None
        point = curve.at(age)
        if point is None:
            return None
        return self._sign * (point.mean if self._comparison.ranks == "mean" else point.best)

    def name(self, number: int) -> str:
        """Return the name of a trial that is known."""
        return self._trials[number].record.name

    def _build(self, group: int, age: int) -> Ranking:
        return Ranking(
            (score, number)
            for number, trial in self._trials.items()
            if self._schedule.group(number) == group and (score := self.score(trial, age)) is not None
        )

    def _replace(self, number: int, trial: Trial | None) -> None:
        before = self._trials.get(number)
        if trial is not None:
            self._trials[number] = trial
        else:
            del self._trials[number]
        group = self._schedule.group(number)
        for age in self._touched(group, before, trial):
            old = self.score(before, age) if before is not None else None
            new = self.score(trial, age) if trial is not None else None
            if old == new:
                continue
            ranking = self._rankings[group, age]
            if old is not None:
                ranking.remove(old, number)
            if new is not None:
                ranking.add(new, number)

    def _touched(self, group: int, before: Trial | None, after: Trial | None) -> Sequence[int]:
        """Return the intervals at which a trial's contribution may have changed: mostly those just reached."""
        intervals = self._intervals[group]
        if before is None or after is None or before.record.state is not after.record.state:
            return intervals
        old, new = before.curve, after.curve
        if before.record.uid != after.record.uid or old.stride != new.stride or old.reports > new.reports:
            return intervals
        return intervals[bisect_right(intervals, old.reports) : bisect_right(intervals, new.reports)]

    def _drop_unused(self) -> None:
        stale = [key for key, used in self._used.items() if self._pass - used > PASSES_KEPT]
        for group, age in stale:
            del self._used[group, age]
            if self._rankings.pop((group, age), None) is not None:
                self._intervals[group].remove(age)
