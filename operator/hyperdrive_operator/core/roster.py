"""The trials of a sweep as a pass needs them: those with which something is still to be done, and sums of the others.

A sweep has ten thousand trials and a hundred that matter now. A pass that looked at all of them would cost a hundred
times more at its end than at its beginning; so what has ended is summed up once, when it ends.
"""

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, overload

from .metrics import Goal, better
from .records import USABLE, Record, State
from .trials import Trial

_GOALS: Final[tuple[Goal, ...]] = ("Maximize", "Minimize")
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class Numbers:
    """Which numbers have a trial, and the combination of each."""

    def __init__(self) -> None:
        #: The combination's key, by number.
        self.keys: dict[int, str] = {}
        #: Numbers whose trial has gone.
        self.lost: set[int] = set()
        #: All numbers from 1 to this one have a trial.
        self.low = 0
        #: The combinations of these.
        self.below: set[str] = set()
        self._counts: Counter[str] = Counter()

    @property
    def taken(self) -> KeysView[str]:
        """The combinations of all trials."""
        return self._counts.keys()

    def put(self, record: Record) -> None:
        """Take in a trial, or another of the same number."""
        self.remove(record.number)
        self.lost.discard(record.number)
        self.keys[record.number] = record.key
        self._counts[record.key] += 1
        while (key := self.keys.get(self.low + 1)) is not None:
            self.low += 1
            self.below.add(key)

    def remove(self, number: int) -> None:
        """Forget a trial."""
        key = self.keys.pop(number, None)
        if key is None:
            return
        self.lost.add(number)
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]
        if number <= self.low:
            self.low = number - 1
            self.below = {self.keys[one] for one in range(1, number)}

    def free(self, planned: int, count: int) -> list[int]:
        """Return the lowest numbers up to `planned` that have no trial, at most so many."""
        found: list[int] = []
        for number in range(self.low + 1, planned + 1):
            if len(found) >= count:
                break
            if number not in self.keys:
                found.append(number)
        return found


@dataclass(slots=True)
class Ended:
    """What can be said of all trials that have ended. What has ended is final: it is only ever added to.

    Should one change or go all the same, another is made of those that are left.
    """

    #: In the order in which they were taken in.
    trials: list[Trial] = field(default_factory=list)
    counts: Counter[State] = field(default_factory=Counter)
    #: How many were cancelled without a value: they say nothing of the others.
    silent: int = 0
    seconds_saved: int = 0
    #: For how long they have run, and how much of each resource they have used: its unit times seconds.
    run_seconds: int = 0
    resource_seconds: dict[str, float] = field(default_factory=dict)
    #: When the first pod of any of them started.
    first_start: datetime | None = None
    #: The one that failed last.
    last_failed: Record | None = None
    #: Of those whose value counts the best; of equals the one with the lowest number.
    best: dict[Goal, Record] = field(default_factory=dict)
    #: Of these, too, the best; of equals the one that was there first.
    earliest_best: dict[Goal, Record] = field(default_factory=dict)
    #: The best single report of any whose value counts.
    best_report: dict[Goal, float] = field(default_factory=dict)
    #: How many have a value that counts, and when each of them but the cancelled was completed, in order.
    valued: int = 0
    completions: list[tuple[datetime, int]] = field(default_factory=list)
    #: Seconds that those took that ran to their end, in order.
    _runs: list[float] = field(default_factory=list)

    @property
    def usable(self) -> int:
        """How many ended so that their value counts, if they have one."""
        return sum(self.counts[state] for state in USABLE)

    def add(self, trial: Trial) -> None:
        """Take in a trial that has ended."""
        record = trial.record
        self.trials.append(trial)
        self.counts[record.state] += 1
        self.silent += record.state is State.CANCELLED and record.value is None
        self._spend(record)
        if (start := record.first_started or record.started) is not None:
            self.first_start = min(self.first_start or start, start)
        match record.state:
            case State.FAILED:
                if self.last_failed is None or completion(record) > completion(self.last_failed):
                    self.last_failed = record
            case State.EARLY_STOPPED:
                self.seconds_saved += record.seconds_saved
            case State.SUCCEEDED if record.started and record.ended:
                insort(self._runs, (record.ended - record.started).total_seconds())
        if record.state in USABLE:
            self._add_value(record)

    def _spend(self, record: Record) -> None:
        self.run_seconds += record.ran.seconds
        for resource, amount in record.requests.items():
            used = self.resource_seconds.get(resource, 0.0)
            self.resource_seconds[resource] = used + record.ran.seconds * amount

    def _add_value(self, record: Record) -> None:
        for goal in _GOALS:
            report = record.best_report
            if report is not None and better(goal, report, self.best_report.get(goal)):
                self.best_report[goal] = report
            if record.value is not None:
                self._rank(goal, record, record.value)
        if record.value is not None:
            self.valued += 1
            if record.state is not State.CANCELLED:
                insort(self.completions, completion(record))

    def _rank(self, goal: Goal, record: Record, value: float) -> None:
        best, earliest = self.best.get(goal), self.earliest_best.get(goal)
        if best is None or better(goal, value, best.value) or (value == best.value and record.number < best.number):
            self.best[goal] = record
        is_as_good = earliest is not None and value == earliest.value
        is_earlier = earliest is None or completion(record) < completion(earliest)
        if earliest is None or better(goal, value, earliest.value) or (is_as_good and is_earlier):
            self.earliest_best[goal] = record

    def completed_after(self, record: Record) -> int:
        """Return how many trials with a value (but the cancelled) were completed after one of them."""
        return len(self.completions) - bisect_right(self.completions, completion(record))

    def whole_run(self) -> timedelta | None:
        """Return how long trials take that run to their end: the median of those that have, None if there are none."""
        runs = self._runs
        if not runs:
            return None
        return timedelta(seconds=(runs[(len(runs) - 1) // 2] + runs[len(runs) // 2]) / 2)


def completion(record: Record) -> tuple[datetime, int]:
    """Return what trials are put in the order of their completion by."""
    return record.ended or _BEGINNING, record.number


class Roster(Sequence[Trial]):
    """The trials of a sweep, in the order of their numbers. To go through all of them is for what happens rarely."""

    def __init__(
        self,
        members: Mapping[str, Trial],
        live: Sequence[Trial],
        ended: Ended,
        numbers: Numbers,
        with_finished_job: Collection[Trial],
    ) -> None:
        self._members = members
        self._in_order: list[Trial] | None = None
        #: Those that have ended and whose Job, which has finished, is still there; in any order.
        self.with_finished_job = with_finished_job
        #: Those with which something is still to be done, or may be, in the order of their numbers.
        self.live = live
        self.ended = ended
        self.numbers = numbers

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> "Roster":
        """Return the roster of these trials; of a roster itself."""
        if isinstance(trials, Roster):
            return trials
        book = RosterBook()
        for trial in trials:
            book.put(trial)
        return book.roster()

    @cached_property
    def unfinished(self) -> list[Trial]:
        """Those that have not ended or whose pod may still run, in the order of their numbers."""
        return [trial for trial in self.live if trial.is_unfinished]

    @cached_property
    def unended(self) -> list[Trial]:
        """Those that have not ended, in the order of their numbers."""
        return [trial for trial in self.live if not trial.is_ended]

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._all())

    def __reversed__(self) -> Iterator[Trial]:
        return reversed(self._all())

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | Sequence[Trial]:
        return self._all()[index]

    def _all(self) -> list[Trial]:
        if self._in_order is None:
            self._in_order = sorted(self._members.values(), key=_number)
        return self._in_order


class RosterBook:
    """Keeps the roster of one sweep, trial by trial."""

    def __init__(self) -> None:
        self._members: dict[str, Trial] = {}
        self._live: dict[str, Trial] = {}
        self._with_finished_job: dict[str, Trial] = {}
        self._ended = Ended()
        self._ended_records: dict[str, Record] = {}
        self._numbers = Numbers()

    def put(self, trial: Trial) -> None:
        """Take in a trial, or what is new about it."""
        uid, record = trial.record.uid, trial.record
        before = self._members.get(uid)
        self._members[uid] = trial
        if before is None or (before.record.number, before.record.key) != (record.number, record.key):
            if before is not None:
                self._numbers.remove(before.record.number)
            self._numbers.put(record)
        if trial.is_unfinished or trial.former is not None or record.is_asked_for:
            self._live[uid] = trial
        else:
            self._live.pop(uid, None)
        if trial.is_ended and trial.job is not None and trial.job.finished and not trial.job.deleting:
            self._with_finished_job[uid] = trial
        else:
            self._with_finished_job.pop(uid, None)
        self._sum_up(trial)

    def remove(self, uid: str) -> None:
        """Forget a trial."""
        trial = self._members.pop(uid, None)
        if trial is None:
            return
        self._live.pop(uid, None)
        self._with_finished_job.pop(uid, None)
        self._numbers.remove(trial.record.number)
        if self._ended_records.pop(uid, None) is not None:
            self._sum_up_again()

    def roster(self) -> Roster:
        """Return the roster as it is now. It must not be used any more once the book has changed."""
        live = sorted(self._live.values(), key=_number)
        return Roster(self._members, live, self._ended, self._numbers, self._with_finished_job.values())

    def _sum_up(self, trial: Trial) -> None:
        record, known = trial.record, self._ended_records.get(trial.record.uid)
        if known is record:
            return
        if trial.is_ended:
            self._ended_records[record.uid] = record
        else:
            self._ended_records.pop(record.uid, None)
        if known is not None:
            self._sum_up_again()
        elif trial.is_ended:
            self._ended.add(trial)

    def _sum_up_again(self) -> None:
        self._ended = Ended()
        for uid in self._ended_records:
            self._ended.add(self._members[uid])


def _number(trial: Trial) -> int:
    return trial.record.number
