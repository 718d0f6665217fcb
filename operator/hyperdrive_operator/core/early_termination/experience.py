"""What the trials of a sweep have come to until now: the best, and what those gained that ran to their end.

It is a cache of facts, as knowledge.py is: built anew from the same trials it holds the same.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from hyperdrive_operator.core.curves import Curve
from hyperdrive_operator.core.records import State
from hyperdrive_operator.core.roster import Ended, Roster
from hyperdrive_operator.core.trials import Trial

from .extrapolation import Extrapolation, Outlook
from .schedule import same_age

#: To look at 10,000 finished trials at another interval takes some 10 ms; the next pass goes on.
MAX_BUILDS: Final = 2


def _starts_with(trials: Sequence[Trial], known: Sequence[Trial]) -> bool:
    """Tell whether these are known trials, and maybe others after them."""
    return len(trials) >= len(known) and all(one is other for one, other in zip(trials, known, strict=False))


#: A score, and the negative number of the trial that has it: of equals the lowest number is the best.
_Best = tuple[float, int]


class _Gains:
    """What finished trials gained after an interval: of how many that went beyond it, and the most."""

    __slots__ = ("count", "most")

    def __init__(self) -> None:
        self.count = 0
        self.most = 0.0

    def add(self, curve: Curve, age: int, sign: int) -> None:
        newest, then = curve.newest, curve.best_at(age)
        if newest is not None and then is not None and newest.interval > age:
            self.count += 1
            self.most = max(self.most, sign * (newest.best - then))


class Experience:
    """The outlook of a trial at any interval, kept up to date trial by trial."""

    def __init__(self, rule: Extrapolation, sign: int) -> None:
        self._rule = rule
        self._sign = sign
        self._builds = 0
        self._live: dict[int, tuple[Trial, _Best | None]] = {}
        self._best: _Best | None = None
        self._forget(Ended())

    def _forget(self, ended: Ended) -> None:
        self._ended, self._seen = ended, 0
        self._best_ended: _Best | None = None
        self._holder_ended = ""
        self._finished: list[Curve] = []
        self._longest = 0
        self._gains: dict[int, _Gains] = {}
        self._run_time, self._timed = timedelta(), 0

    def observe(self, trials: Roster) -> None:
        """Take in all trials as they are now. What has ended is looked at once."""
        self._builds = 0
        if trials.ended is not self._ended:
            taken_in, self._ended = self._ended.trials[: self._seen], trials.ended
            if not _starts_with(trials.ended.trials, taken_in):  # one that had ended has gone or changed
                self._forget(trials.ended)
        for trial in trials.ended.trials[self._seen :]:
            self._take_in(trial)
        self._seen = len(trials.ended.trials)
        known = self._live
        self._live = {}
        for trial in trials.unended:
            number = trial.record.number
            before = known.get(number)
            self._live[number] = before if before is not None and before[0] is trial else (trial, self._best_of(trial))
        bests = [best for _, best in self._live.values() if best is not None]
        self._best = max([*bests, *([self._best_ended] if self._best_ended else [])], default=None)

    def outlook(self, reports: int) -> Outlook | None:
        """Return what is to be expected after so many reports; None if it must wait for the next pass."""
        age = same_age(reports)
        gains = self._gains.get(age)
        if gains is None:
            if self._builds == MAX_BUILDS:
                return None
            self._builds += 1
            gains = self._gains[age] = _Gains()
            for curve in self._finished:
                gains.add(curve, age, self._sign)
        best, holder = self._best or (0.0, 0)  # whoever asks has reported
        return Outlook(self.whole, best, -holder, gains.count, gains.most)

    @property
    def whole(self) -> int:
        """Reports of a whole trial, as far as that is known; else 0."""
        return self._rule.options.max_interval or self._longest

    def share_left(self, trial: Trial) -> float | None:
        """Return a trial's time to its end as a share of others' mean run time; None if either is unknown."""
        record = trial.record
        if not self._run_time or record.started is None or record.reported is None or not record.curve.reports:
            return None
        time_of_report = (record.reported - record.started) / record.curve.reports
        return time_of_report * (self.whole - trial.curve.reports) / (self._run_time / self._timed)

    def name(self, number: int) -> str:
        """Return the name of the trial that has the best value."""
        live = self._live.get(number)
        return live[0].record.name if live is not None else self._holder_ended

    def _take_in(self, trial: Trial) -> None:
        record = trial.record
        if record.state is State.FAILED:
            return  # what it reported is no result
        best = self._best_of(trial)
        if best is not None and (self._best_ended is None or best > self._best_ended):
            self._best_ended, self._holder_ended = best, record.name
        if record.started is not None and record.ended is not None:
            self._run_time += record.ended - record.started
            self._timed += 1
        if record.state is not State.SUCCEEDED or not record.curve.reports:
            return
        self._finished.append(record.curve)
        self._longest = max(self._longest, record.curve.reports)
        for age, gains in self._gains.items():
            gains.add(record.curve, age, self._sign)

    def _best_of(self, trial: Trial) -> _Best | None:
        newest = trial.curve.newest
        return (self._sign * newest.best, -trial.record.number) if newest is not None else None
