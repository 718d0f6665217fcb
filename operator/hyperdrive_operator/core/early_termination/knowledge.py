"""What is known of all trials of a sweep at each interval that matters: rankings that grow as trials report.

It is a cache of facts. It may be dropped at any time: built anew from the same trials it holds the same.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hyperdrive_operator.core.curves import Curve
from hyperdrive_operator.core.records import State
from hyperdrive_operator.core.roster import Ended, Roster
from hyperdrive_operator.core.trials import Trial

from .policies import Comparison, Policy
from .ranking import Ranking
from .schedule import same_age

#: To rank 10,000 trials anew takes some 15 ms; the trials of further intervals are judged in the next pass.
MAX_BUILDS: Final = 2
#: A ranking that no trial has needed for so many passes is dropped.
PASSES_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class _Peer:
    """What a trial may contribute."""

    name: str
    curve: Curve
    has_a_say: bool
    #: It counts also at intervals that it will never reach.
    counts_shorter: bool

    def score(self, age: int, sign: int, *, by_mean: bool) -> float | None:
        """Return what it contributes to the ranking at an interval, None if nothing."""
        if not self.has_a_say or (not self.counts_shorter and self.curve.reports < age):
            return None
        value = self.curve.mean_at(age) if by_mean else self.curve.best_at(age)
        return sign * value if value is not None else None


@dataclass(slots=True)
class _Group:
    """The trials that are compared with each other, and their rankings by interval."""

    peers: dict[int, _Peer] = field(default_factory=dict)
    rankings: dict[int, Ranking] = field(default_factory=dict)
    #: When each was last asked for.
    used: dict[int, int] = field(default_factory=dict)
    #: Intervals that have a ranking, in order.
    intervals: list[int] = field(default_factory=list)


class Knowledge:
    """Rankings by group and interval, kept up to date trial by trial."""

    def __init__(self, policy: Policy, comparison: Comparison) -> None:
        self._schedule = policy.schedule
        self._sign = policy.sign
        self._by_mean = comparison.ranks == "mean"
        self._comparison = comparison
        self._trials: dict[int, Trial] = {}
        self._ended: Ended | None = None
        self._seen = 0
        self._groups: defaultdict[int, _Group] = defaultdict(_Group)
        self._pass = 0
        self._builds = 0

    def observe(self, trials: Roster) -> None:
        """Take in all trials as they are now. What has ended is looked at once."""
        self._pass += 1
        self._builds = 0
        known = self._trials
        if trials.ended is not self._ended:  # one that had ended has gone or changed
            self._ended, self._seen = trials.ended, 0
        news = [*trials.ended.trials[self._seen :], *trials.unended]
        self._seen = len(trials.ended.trials)
        for trial in news:
            if known.get(trial.record.number) is trial:
                continue
            known[trial.record.number] = trial
            self._replace(trial.record.number, self._peer(trial))
        if len(known) > len(trials):
            for number in known.keys() - {trial.record.number for trial in trials}:
                del known[number]
                self._replace(number, None)
        for group in self._groups.values():
            self._drop_unused(group)

    def ranking(self, number: int, interval: int) -> Ranking | None:
        """Return the ranking that a trial is judged by at an interval; None if it must wait for the next pass."""
        group, age = self._groups[self._schedule.group(number)], same_age(interval)
        ranking = group.rankings.get(age)
        if ranking is None:
            if self._builds == MAX_BUILDS:
                return None
            self._builds += 1
            ranking = group.rankings[age] = self._build(group, age)
            insort(group.intervals, age)
        group.used[age] = self._pass
        return ranking

    def score(self, number: int, interval: int) -> float | None:
        """Return what a trial contributes to the ranking at an interval: None if it has no say there."""
        peer = self._groups[self._schedule.group(number)].peers[number]
        return peer.score(same_age(interval), self._sign, by_mean=self._by_mean)

    def name(self, number: int) -> str:
        """Return the name of a trial that is known."""
        return self._trials[number].record.name

    def _peer(self, trial: Trial) -> _Peer:
        state = trial.record.state
        # what a failed trial reported never counts: not as a result either
        has_a_say = state is not State.FAILED and (state is not State.SUCCEEDED or self._comparison.counts_finished)
        return _Peer(trial.record.name, trial.curve, has_a_say, trial.is_ended and self._comparison.counts_shorter)

    def _build(self, group: _Group, age: int) -> Ranking:
        sign, by_mean = self._sign, self._by_mean
        return Ranking(
            (score, number)
            for number, peer in group.peers.items()
            if (score := peer.score(age, sign, by_mean=by_mean)) is not None
        )

    def _replace(self, number: int, peer: _Peer | None) -> None:
        group = self._groups[self._schedule.group(number)]
        before = group.peers.pop(number, None)
        if peer is not None:
            group.peers[number] = peer
        for age in _touched(group.intervals, before, peer):
            old = before.score(age, self._sign, by_mean=self._by_mean) if before is not None else None
            new = peer.score(age, self._sign, by_mean=self._by_mean) if peer is not None else None
            if old == new:
                continue
            if old is not None:
                group.rankings[age].remove(old, number)
            if new is not None:
                group.rankings[age].add(new, number)

    def _drop_unused(self, group: _Group) -> None:
        for age in [age for age, used in group.used.items() if self._pass - used > PASSES_KEPT]:
            del group.used[age], group.rankings[age]
            group.intervals.remove(age)


def _touched(intervals: Sequence[int], before: _Peer | None, after: _Peer | None) -> Sequence[int]:
    """Return the intervals at which a trial's contribution may have changed: mostly those just reached."""
    if before is None or after is None or before.name != after.name:
        return intervals
    if (before.has_a_say, before.counts_shorter) != (after.has_a_say, after.counts_shorter):
        return intervals
    old, new = before.curve, after.curve
    if old is new:
        return ()
    if not new.goes_on_from(old):
        return intervals
    return intervals[bisect_right(intervals, old.reports) : bisect_right(intervals, new.reports)]
