"""The Pareto front, against its definition."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import ended, trial

from hyperdrive_operator.core.metrics import Goal
from hyperdrive_operator.core.pareto import MAX_BYTES, Archive, Point, Vector, nondominated, shown, values_of
from hyperdrive_operator.core.roster import Roster, RosterBook
from hyperdrive_operator.core.trials import Trial

GOALS: dict[str, Goal] = {"accuracy": "Maximize", "size": "Minimize"}
#: Few values, so that many are equal; some that computers are bad at.
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.0, -1.0, 1e308, -1e308, 5e-324])


def vectors(least: int = 0) -> st.SearchStrategy[list[Vector]]:
    return st.integers(1, 4).flatmap(lambda size: st.lists(st.tuples(*[NUMBERS] * size), min_size=least, max_size=30))


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    pairs = list(zip(a, b, strict=True))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def by_definition(losses: Sequence[Vector]) -> list[int]:
    return [
        position
        for position, mine in enumerate(losses)
        if not any(dominates(other, mine) for other in losses) and losses.index(mine) == position
    ]


def result(number: int, accuracy: float, size: float, **status: Any) -> Trial:
    return ended(number, accuracy, metrics={"accuracy": accuracy, "size": size, "epoch": 9}, **status)


def front(trials: Sequence[Trial]) -> Sequence[Point]:
    return Archive().front(GOALS, Roster.of(trials).ended)


def numbers(trials: Sequence[Trial]) -> list[int]:
    return [point.record.number for point in front(trials)]


class Book(RosterBook):
    """A roster that grows, and the front that an archive finds in it."""

    def __init__(self) -> None:
        super().__init__()
        self._archive = Archive()

    @property
    def numbers(self) -> list[int]:
        return [point.record.number for point in self._archive.front(GOALS, self.roster().ended)]


@given(vectors())
def test_the_front_is_what_its_definition_says(losses: list[Vector]) -> None:
    assert nondominated(losses) == by_definition(losses)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_large_front_is_what_its_definition_says(size: int) -> None:
    draws = random.Random(size)  # noqa: S311  not for secrets
    losses = [tuple(draws.random() for _ in range(size)) for _ in range(400)]
    assert nondominated(losses) == by_definition(losses)
    assert 0 < len(nondominated(losses)) < 400
    falling = [(float(n), float(-n), 0.0, 0.0)[:size] for n in range(400)]
    assert nondominated(falling) == list(range(400))


def test_each_goal_has_its_own_direction() -> None:
    assert numbers([result(1, 0.9, 50), result(2, 0.8, 10), result(3, 0.7, 20), result(4, 0.95, 90)]) == [4, 1, 2]
    assert numbers([]) == []


def test_of_equal_trials_the_lowest_number_stands_for_all_in_whatever_order_they_ended() -> None:
    book = Book()
    book.put(result(3, 0.9, 50))
    assert book.numbers == [3]
    book.put(result(2, 0.9, 50))
    assert book.numbers == [2]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ended(2, None, metrics={"accuracy": 1.0, "size": 1.0}), id="failed"),
        pytest.param(ended(2, 1.0, metrics={"accuracy": 1.0}), id="without one of the values"),
        pytest.param(ended(2, 1.0, metrics={"accuracy": 1.0, "size": "nan"}), id="with a value that is no number"),
        pytest.param(ended(2, 1.0), id="without metrics"),
        pytest.param(trial(2, state="Running", metrics={"accuracy": 1.0, "size": 1.0}), id="running"),
    ],
)
def test_a_trial_without_a_result_is_never_on_the_front(other: Trial) -> None:
    assert values_of(other.record, GOALS) is None
    assert numbers([result(1, 0.5, 100), other]) == [1]


@given(st.data())
def test_an_archive_remembers_nothing_that_is_not_so(data: st.DataObject) -> None:
    """Trials end, change and go in any order: the front is always that of the trials there are."""
    book = Book()
    present: dict[int, Trial] = {}
    small = st.integers(0, 4).map(float)
    for _ in range(data.draw(st.integers(1, 8))):
        for number in data.draw(st.lists(st.integers(1, 12), unique=True, max_size=5)):
            present[number] = result(number, data.draw(small), data.draw(small))
            book.put(present[number])
        for number in data.draw(st.lists(st.sampled_from([0, *sorted(present)]), unique=True, max_size=2)):
            if gone := present.pop(number, None):
                book.remove(gone.record.uid)
        trials = [present[number] for number in sorted(present)]
        assert book.numbers == numbers(trials) == numbers(list(reversed(trials)))


def front_of(count: int, **parameters: Any) -> list[Trial]:
    return [result(n, n, n, parameters={"x": n, **parameters}) for n in range(1, count + 1)]


def test_the_status_shows_values_and_parameters_the_best_primary_metric_first() -> None:
    found = front([result(1, 0.9, 50), ended(2, 0.8, metrics={"size": 10, "accuracy": 0.8})])
    assert [one.model_dump(by_alias=True) for one in shown(found, GOALS)] == [
        {"name": "digits-1", "number": 1, "values": {"accuracy": 0.9, "size": 50}, "parameters": {"x": 0}},
        {"name": "digits-2", "number": 2, "values": {"accuracy": 0.8, "size": 10}, "parameters": {"x": 1}},
    ]


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 250, 1000])
def test_of_a_large_front_a_hundred_are_shown_with_both_ends(count: int) -> None:
    trials = shown(front(front_of(count)), GOALS)
    found = [one.number for one in trials]
    assert len(found) == len(set(found)) == min(count, 100)
    assert (found[0], found[-1]) == (count, 1)
    assert max(a - b for a, b in pairwise(found)) <= count // 99 + 1 if count > 1 else True


def test_large_parameters_leave_room_for_fewer() -> None:
    trials = [
        ended(n, n, metrics={"accuracy": n, "size": n}, parameters={"x": "a" * (MAX_BYTES // 10)}) for n in range(1, 40)
    ]
    assert 4 < len(shown(front(trials), GOALS)) < 11
    huge = [ended(1, 1, metrics={"accuracy": 1, "size": 1}, parameters={"x": "a" * MAX_BYTES * 2})]
    assert len(shown(front(huge), GOALS)) == 1
