"""Sums of the trials that have ended, against their definitions, in whatever order trials come, end, change and go."""

from collections import Counter
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import NOW, curve_of, running, trial

from hyperdrive_operator.core import timestamps
from hyperdrive_operator.core.curves import columns_of
from hyperdrive_operator.core.metrics import Goal
from hyperdrive_operator.core.records import USABLE, Record, State
from hyperdrive_operator.core.roster import Numbers, Roster, RosterBook, completion
from hyperdrive_operator.core.trials import Trial

GOALS: tuple[Goal, ...] = ("Maximize", "Minimize")
VALUES = st.sampled_from([None, 0.0, 0.5, 0.75, -1.0])


@st.composite
def trials(draw: st.DrawFn, number: int) -> Trial:
    """Build a trial in any state."""
    state = draw(st.sampled_from(["Queued", "Running", "Succeeded", "Failed", "EarlyStopped", "Cancelled"]))
    status: dict[str, Any] = {"value": draw(VALUES)} if state not in {"Queued", "Running"} else {}
    if draw(st.booleans()):
        status["startTime"] = timestamps.text(NOW + timedelta(seconds=draw(st.integers(0, 9))))
    if state not in {"Queued", "Running"} and draw(st.booleans()):
        status["completionTime"] = timestamps.text(NOW + timedelta(seconds=draw(st.integers(10, 19))))
    if state == "EarlyStopped":
        status["earlyTermination"] = {"secondsSaved": draw(st.integers(0, 9))}
    if draw(st.booleans()):
        reports = draw(st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=1, max_size=3))
        status["curve"] = columns_of(curve_of(*reports))
    return trial(number, parameters={"x": draw(st.integers(0, 5))}, state=state, **status)


def best_by_definition(goal: Goal, records: list[Record], *, by_time: bool) -> Record | None:
    sign = -1 if goal == "Maximize" else 1
    valued = [one for one in records if one.value is not None]
    return min(
        valued,
        key=lambda one: (sign * (one.value or 0), completion(one) if by_time else (one.number,)),
        default=None,
    )


def check(roster: Roster, present: dict[int, Trial]) -> None:
    """Compare a roster with what its words mean."""
    in_order = [present[number] for number in sorted(present)]
    assert list(roster) == in_order
    assert list(roster.live) == [one for one in in_order if one.is_unfinished]
    assert roster.unfinished == list(roster.live)
    assert roster.unended == [one for one in in_order if not one.is_ended]
    sums, ended = roster.ended, [one.record for one in in_order if one.is_ended]
    usable = [record for record in ended if record.state in USABLE]
    valued = [record for record in usable if record.value is not None]
    assert Counter(one.record.uid for one in sums.trials) == Counter(record.uid for record in ended)
    assert +sums.counts == Counter(record.state for record in ended)
    assert sums.usable == len(usable)
    assert sums.silent == sum(record.state is State.CANCELLED and record.value is None for record in ended)
    assert sums.seconds_saved == sum(record.seconds_saved for record in ended if record.state is State.EARLY_STOPPED)
    assert sums.first_start == min((record.started for record in ended if record.started), default=None)
    failed = [record for record in ended if record.state is State.FAILED]
    assert sums.last_failed == max(failed, key=completion, default=None)
    assert sums.valued == len(valued)
    runs = [
        (record.ended - record.started).total_seconds()
        for record in ended
        if record.state is State.SUCCEEDED and record.started and record.ended
    ]
    assert sums.whole_run() == (timedelta(seconds=median(runs)) if runs else None)
    for goal in GOALS:
        assert sums.best.get(goal) == best_by_definition(goal, valued, by_time=False)
        earliest = best_by_definition(goal, valued, by_time=True)
        assert sums.earliest_best.get(goal) == earliest
        reports = [record.best_report for record in usable if record.best_report is not None]
        assert sums.best_report.get(goal) == ((max if goal == "Maximize" else min)(reports) if reports else None)
        if earliest is not None:
            others = [one for one in valued if one.state is not State.CANCELLED]
            after = sum(completion(one) > completion(earliest) for one in others)
            assert sums.completed_after(earliest) == after
    assert roster.numbers.keys == {number: one.record.key for number, one in present.items()}
    assert set(roster.numbers.taken) == {one.record.key for one in in_order}


@given(st.data())
def test_a_roster_says_what_a_look_at_all_trials_would(data: st.DataObject) -> None:
    book = RosterBook()
    present: dict[int, Trial] = {}
    for _ in range(data.draw(st.integers(1, 6))):
        for number in data.draw(st.lists(st.integers(1, 9), unique=True, max_size=5)):
            present[number] = data.draw(trials(number))
            book.put(present[number])
        for number in data.draw(st.lists(st.integers(1, 9), unique=True, max_size=2)):
            if gone := present.pop(number, None):
                book.remove(gone.record.uid)
        check(book.roster(), present)
        check(Roster.of(present.values()), present)


def test_what_has_ended_is_added_to_the_same_sums_and_what_changes_makes_others() -> None:
    book = RosterBook()
    book.put(running(1))
    book.put(trial(2, state="Succeeded", value=0.5))
    sums = book.roster().ended
    book.put(trial(1, state="Failed"))
    assert book.roster().ended is sums
    assert [one.record.number for one in sums.trials] == [2, 1]
    book.put(trial(1, state="Succeeded", value=0.5))
    assert book.roster().ended is not sums
    assert len(sums.trials) == 2, "who still has them is not surprised"


@given(st.data())
def test_free_numbers_are_the_lowest_without_a_trial(data: st.DataObject) -> None:
    numbers, taken = Numbers(), dict[int, str]()
    for number in data.draw(st.lists(st.integers(1, 12), max_size=20)):
        if number in taken and data.draw(st.booleans()):
            numbers.remove(number)
            del taken[number]
        else:
            one = trial(number, parameters={"x": data.draw(st.integers(0, 3))}).record
            numbers.put(one)
            taken[number] = one.key
    planned, count = data.draw(st.integers(0, 14)), data.draw(st.integers(0, 14))
    assert numbers.free(planned, count) == [one for one in range(1, planned + 1) if one not in taken][:count]
    assert numbers.low == next(one for one in range(1, 99) if one not in taken) - 1
    assert numbers.below == {taken[one] for one in range(1, numbers.low + 1)}
    assert set(numbers.taken) == set(taken.values())


@pytest.mark.parametrize("size", [0, 3])
def test_a_roster_is_a_sequence_of_its_trials(size: int) -> None:
    given = [trial(number) for number in range(size, 0, -1)]
    roster = Roster.of(given)
    assert (len(roster), bool(roster)) == (size, size > 0)
    assert list(roster) == given[::-1]
    assert list(reversed(roster)) == given
    assert list(roster[1:]) == given[::-1][1:]
    assert Roster.of(roster) is roster
