"""Plays a recorded sweep again under a policy: several trials at once, each judged by the operator's own rules.

The operator's judge takes all trials of a sweep as they are and finds out what has changed. A replay knows that, and
has a million sweeps to judge: it keeps the same rankings itself, and asks the same rules of those alone whom a report
concerns. tests/unit/bench holds it against the judge.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from hyperdrive_operator.api.v1alpha1 import EarlyTermination
from hyperdrive_operator.core.curves import MAX_POINTS, Curve
from hyperdrive_operator.core.early_termination.extrapolation import Extrapolation, Outlook
from hyperdrive_operator.core.early_termination.policies import Candidate, Comparison, Look, Policy, make_policy
from hyperdrive_operator.core.early_termination.ranking import Ranking
from hyperdrive_operator.core.metrics import Goal, better

from .sweeps import Run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sweep took and found."""

    reports: int
    seconds: float
    #: The best value of all trials that did not fail; None if there is none.
    best: float | None
    #: Trials that were stopped, by their place in the list of runs.
    stopped: frozenset[int]
    #: Who reported the best value: the trial's place, and which of its reports, from 0. Of equals the lowest number.
    winner: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Track:
    """What is known of a run after each report, and how long after its beginning that is."""

    curves: tuple[Curve, ...]
    bests: tuple[float, ...]
    means: tuple[float, ...]
    ends: tuple[float, ...]


@dataclass(slots=True, eq=False)
class _Trial:
    """A trial that has begun."""

    run: Run
    track: _Track
    place: int
    number: int
    began: float
    group: int
    #: The reports that come to another interval where it is judged, and its last.
    news: tuple[int, ...]
    reports: int = 0
    interval: int | None = None
    is_ended: bool = False
    is_stopped: bool = False
    #: Seconds from its beginning to its end.
    took: float = 0.0

    def reports_by(self, now: float, *, is_first: bool) -> int:
        """Return how many reports it has made since, too; with the one of this moment or without."""
        count = self.reports
        for end in self.track.ends[count:]:
            if self.began + end > now or (self.began + end == now and not is_first):
                break
            count += 1
        return count

    @property
    def is_whole(self) -> bool:
        """It ran to its end, and did not fail."""
        return self.is_ended and not self.is_stopped and not self.run.is_failed

    @property
    def is_failed(self) -> bool:
        return self.is_ended and self.run.is_failed and not self.is_stopped


@dataclass(slots=True)
class _Rankings:
    """The trials that are compared with each other, ranked at each interval at which any was judged."""

    rule: Comparison
    sign: int
    trials: list[_Trial] = field(default_factory=list)
    at: dict[int, Ranking] = field(default_factory=dict)

    def find(self, interval: int) -> Ranking:
        ranking = self.at.get(interval)
        if ranking is None:
            entries = [(self.entry(trial, interval), trial.number) for trial in self.trials]
            ranking = self.at[interval] = Ranking((entry, number) for entry, number in entries if entry is not None)
        return ranking

    def entry(self, trial: _Trial, interval: int) -> float | None:
        """Return what a trial contributes at an interval, None if nothing."""
        count = trial.reports
        if count < interval and not (trial.is_ended and self.rule.counts_shorter):
            return None
        if count == 0 or trial.is_failed:
            return None
        if trial.is_ended and not trial.is_stopped and not self.rule.counts_finished:
            return None
        values = trial.track.means if self.rule.ranks == "mean" else trial.track.bests
        return self.sign * values[min(count, interval) - 1]

    def replace(self, trial: _Trial, interval: int, before: float | None) -> bool:
        """Bring a ranking up to date after something has happened to a trial. Tell whether that changed it."""
        after = self.entry(trial, interval)
        if before == after:
            return False
        if before is not None:
            self.at[interval].remove(before, trial.number)
        if after is not None:
            self.at[interval].add(after, trial.number)
        return True


@dataclass(slots=True)
class _Sweep:
    """The state of the replay: what has happened until now."""

    goal: Goal
    waiting: list[tuple[int, Run]]
    policy: Policy | None
    trials: list[_Trial] = field(default_factory=list)
    running: list[_Trial] = field(default_factory=list)
    rankings: dict[int, _Rankings] = field(default_factory=dict)
    #: When which trial reports next: time, the trial's number, which of its reports.
    coming: list[tuple[float, int, int]] = field(default_factory=list)
    #: Groups and intervals whose rankings have changed since trials were judged by them.
    changed: set[tuple[int, int]] = field(default_factory=set)
    seconds: float = 0.0

    def start(self, now: float) -> None:
        """Begin the next trial, if there is one."""
        if not self.waiting:
            return
        place, run = self.waiting.pop()
        number = len(self.trials) + 1
        group = self.policy.schedule.group(number) if self.policy else 0
        news = _news(self.policy, number, len(run.values)) if self.policy else (len(run.values),)
        trial = _Trial(run, _track(run, self.goal), place, number, now, group, news)
        self.trials.append(trial)
        self.running.append(trial)
        if self.policy is not None and not isinstance(self.policy.rule, Look | Extrapolation):
            if group not in self.rankings:
                self.rankings[group] = _Rankings(self.policy.rule, self.policy.sign)
            self.rankings[group].trials.append(trial)
        self._expect(trial)

    def report(self, now: float, number: int, count: int) -> None:
        """Let a trial report, end it if that was its last word, and end those that are judged hopeless."""
        trial = self.trials[number - 1]
        if trial.is_ended:
            return
        self._change(trial, count, is_ended=count == len(trial.run.values))
        if trial.is_ended:
            self._leave(trial, now)
        else:
            self._expect(trial)
        while self._judge(now, number):
            pass

    def _judge(self, now: float, reporter: int) -> bool:
        """End whoever is hopeless, and tell whether anybody was: who is stopped counts differently for the others."""
        concerned = [
            trial
            for trial in self.running
            if trial.interval is not None and (trial.group, trial.interval) in self.changed
        ]
        self.changed.clear()
        hopeless = [trial for trial in concerned if self._falls_short(trial)]
        for trial in hopeless:
            trial.is_stopped = True
            self._change(trial, trial.reports_by(now, is_first=trial.number < reporter), is_ended=True)
            self._leave(trial, now)
        return bool(hopeless)

    def _falls_short(self, trial: _Trial) -> bool:
        policy, interval = self.policy, trial.interval
        if policy is None or interval is None:
            return False
        rule, sign, track = policy.rule, policy.sign, trial.track
        if isinstance(rule, Look):
            return rule.falls_short(track.curves[trial.reports - 1], interval, sign) is not None
        if isinstance(rule, Extrapolation):
            return self._is_hopeless(trial, interval, rule, sign)
        rankings = self.rankings[trial.group]
        entry = rankings.entry(trial, interval)
        if entry is None:
            return False
        candidate = Candidate(trial.number, sign * track.bests[interval - 1], entry)
        return rule.falls_short(candidate, rankings.find(interval), sign) is not None

    def _is_hopeless(self, trial: _Trial, interval: int, rule: Extrapolation, sign: int) -> bool:
        """Tell whether a trial can't become the best any more, and is worth ending."""
        whole_ones = [one for one in self.trials if one.is_whole and one.reports]
        whole = rule.options.max_interval or max((one.reports for one in whole_ones), default=0)
        reports = trial.reports
        if not rule.is_due(interval, reports, whole) or not rule.is_worth_it(self._share_left(trial, whole - reports)):
            return False
        has_a_say = [one for one in self.trials if one.reports and not one.is_failed]
        best = max(sign * one.track.bests[one.reports - 1] for one in has_a_say)
        later = [one for one in whole_ones if one.reports > reports]
        gain = max(
            (sign * (one.track.bests[one.reports - 1] - one.track.bests[reports - 1]) for one in later), default=0.0
        )
        outlook = Outlook(whole, best, 0, len(later), gain)
        return rule.falls_short(trial.track.curves[reports - 1], outlook, sign) is not None

    def _share_left(self, trial: _Trial, reports: int) -> float | None:
        ended = [one.took for one in self.trials if one.is_ended and not one.is_failed]
        if not sum(ended):
            return None
        return trial.track.ends[trial.reports - 1] / trial.reports * reports / (sum(ended) / len(ended))

    def _change(self, trial: _Trial, count: int, *, is_ended: bool) -> None:
        """Take in that a trial has made so many reports, and may have ended."""
        rankings = self.rankings.get(trial.group)
        before: dict[int, float | None] = {}
        if rankings is not None and is_ended:
            before = {at: rankings.entry(trial, at) for at in rankings.at}
        trial.reports, trial.is_ended = count, is_ended
        if self.policy is not None:
            trial.interval = self.policy.schedule.due(trial.number, count)
        if trial.interval is not None:
            self.changed.add((trial.group, trial.interval))
        if self.policy is not None and isinstance(self.policy.rule, Extrapolation):  # all look to the best of all
            self.changed |= {(0, one.interval) for one in self.running if one.interval is not None}
        if rankings is None:
            return
        if not is_ended and trial.interval is not None and trial.interval in rankings.at:
            before = {trial.interval: None}
        for interval, entry in before.items():
            if rankings.replace(trial, interval, entry):
                self.changed.add((trial.group, interval))

    def _leave(self, trial: _Trial, now: float) -> None:
        self.running.remove(trial)
        trial.took = now - trial.began
        self.seconds += trial.took
        self.start(now)

    def _expect(self, trial: _Trial) -> None:
        """Wait for the next report that matters."""
        count = next((count for count in trial.news if count > trial.reports), 0)
        end = trial.track.ends[count - 1] if count else 0.0  # it has nothing to report at all
        heapq.heappush(self.coming, (trial.began + end, trial.number, count))


def replay(
    runs: Sequence[Run], policy: EarlyTermination | None, *, goal: Goal, at_once: int, order: random.Random
) -> Outcome:
    """Run a sweep's trials in random order, `at_once` at a time. A curve has no more points than the operator keeps."""
    if any(len(run.values) > MAX_POINTS for run in runs):
        raise ValueError(f"the operator keeps {MAX_POINTS} points of a curve: a longer one is not replayed here")
    waiting = list(enumerate(runs))
    order.shuffle(waiting)
    sweep = _Sweep(goal, waiting, make_policy(policy, goal) if policy else None)
    for _ in range(at_once):
        sweep.start(0.0)
    while sweep.coming:
        sweep.report(*heapq.heappop(sweep.coming))
    stopped = frozenset(trial.place for trial in sweep.trials if trial.is_stopped)
    winner, best = _winner(sweep.trials, goal)
    return Outcome(sum(trial.reports for trial in sweep.trials), sweep.seconds, best, stopped, winner)


def _winner(trials: Sequence[_Trial], goal: Goal) -> tuple[tuple[int, int] | None, float | None]:
    """Return who reported the best value, and the value: of equals the trial that began first."""
    winner: tuple[int, int] | None = None
    best: float | None = None
    for trial in trials:
        if trial.reports and not trial.is_failed:
            own = trial.track.bests[trial.reports - 1]
            if better(goal, own, best):
                winner, best = (trial.place, trial.run.values.index(own)), own
    return winner, best


@lru_cache(maxsize=512)
def _track(run: Run, goal: Goal) -> _Track:
    """Return what every policy gets to know of a run."""
    curve, curves = Curve(), []
    for value in run.values:
        curve = curve.reported(value, goal)
        curves.append(curve)
    newest = [point for curve in curves if (point := curve.newest) is not None]
    return _Track(
        tuple(curves),
        tuple(point.best for point in newest),
        tuple(point.mean for point in newest),
        tuple(accumulate(run.seconds)),
    )


def _news(policy: Policy, number: int, reports: int) -> tuple[int, ...]:
    """Return the reports at which a trial comes to another interval where it is judged, and its last."""
    if isinstance(policy.rule, Extrapolation):
        return tuple(range(1, reports + 1))  # others look at its best value, whatever its interval
    due = policy.schedule.due
    intervals = [due(number, count) for count in range(reports + 1)]
    return tuple(
        count for count in range(1, reports + 1) if count == reports or intervals[count] != intervals[count - 1]
    )
