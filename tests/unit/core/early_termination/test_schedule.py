"""When a trial is judged, and among whom."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperdrive_operator.core.curves import Curve
from hyperdrive_operator.core.early_termination.schedule import Multiples, halving, hyperband, same_age


@pytest.mark.parametrize(
    ("every", "delay", "due"),
    [
        pytest.param(1, 0, [None, 1, 2, 3, 4, 5, 6, 7, 8], id="each report"),
        pytest.param(1, 5, [None, None, None, None, None, 5, 6, 7, 8], id="from the fifth"),
        pytest.param(
            3, 0, [None, None, None, 3, 3, 3, 6, 6, 6], id="every third; one passed in a burst is not skipped"
        ),
        pytest.param(3, 4, [None, None, None, None, None, None, 6, 6, 6], id="every third from the fourth"),
    ],
)
def test_due_intervals_are_the_multiples_from_the_delay_on(every: int, delay: int, due: list[int | None]) -> None:
    schedule = Multiples(every, delay)
    assert [schedule.due(1, reports) for reports in range(9)] == due


@given(st.integers(1, 20), st.integers(0, 40), st.integers(0, 200))
def test_the_newest_due_interval_is_azures(every: int, delay: int, reports: int) -> None:
    wanted = [n for n in range(1, reports + 1) if n % every == 0 and n >= delay]
    assert Multiples(every, delay).due(1, reports) == (wanted[-1] if wanted else None)


def test_rungs_of_successive_halving() -> None:
    assert halving(4, 1, 100).rungs == ((1, 4, 16, 64),)
    assert halving(3, 2, 54).rungs == ((2, 6, 18),), "there is no rung at the end: it would stop nobody in time"
    assert len(halving(2, 1, None).rungs[0]) == 30
    schedule = halving(4, 2, None)
    assert [schedule.due(7, reports) for reports in (0, 1, 2, 7, 8, 31, 32)] == [None, None, 2, 2, 8, 8, 32]


def test_brackets_of_hyperband_are_the_papers() -> None:
    schedule = hyperband(81, 3, None)
    assert schedule.rungs == ((1, 3, 9, 27), (3, 9, 27), (9, 27), (27,), ())
    shares = Counter(schedule.group(number) for number in range(1, 82 + 34 + 15 + 8 + 5))
    assert [shares[bracket] for bracket in range(5)] == [81, 34, 15, 8, 5], "the paper's table for R = 81 and eta = 3"


def test_brackets_take_turns_so_that_a_short_sweep_has_some_of_most() -> None:
    schedule = hyperband(27, 3, None)
    first = [schedule.group(number) for number in range(1, 11)]
    assert len(set(first)) >= 3
    assert first.count(0) in {4, 5, 6}
    assert first == [hyperband(27, 3, None).group(number) for number in range(1, 11)], "a function of the number alone"


def test_fewer_brackets_are_the_hastiest() -> None:
    assert hyperband(81, 3, 1).rungs == ((1, 3, 9, 27),)
    assert hyperband(81, 3, 2).rungs == ((1, 3, 9, 27), (3, 9, 27))
    assert hyperband(81, 3, 31).rungs == hyperband(81, 3, None).rungs
    assert hyperband(2, 3, None).rungs == ((),), "a trial of two reports is not worth a rung"


@given(st.integers(2, 10**9), st.integers(2, 100), st.none() | st.integers(1, 31))
def test_any_hyperband_has_rungs_in_order_and_each_bracket_its_turn(
    whole: int, reduction: int, most: int | None
) -> None:
    schedule = hyperband(whole, reduction, most)
    assert set(schedule.turns) <= set(range(len(schedule.rungs)))
    for rungs in schedule.rungs:
        assert list(rungs) == sorted(set(rungs))
        assert all(1 <= rung < whole for rung in rungs)


@given(st.integers(1, 10**9))
def test_others_are_looked_at_where_a_curve_still_has_a_point(interval: int) -> None:
    age = same_age(interval)
    assert age == interval if interval <= 64 else interval * 31 / 32 <= age <= interval


def test_a_curve_of_that_length_has_that_very_point() -> None:
    curve = Curve()
    for report in range(1, 500):
        curve = curve.reported(float(report), "Maximize")
        point = curve.at(same_age(report))
        assert point is not None
        assert point.interval == same_age(report)
