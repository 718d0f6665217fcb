"""Which best values are shown, when there are more sweeps than series."""

from typing import Any

import pytest
from tests.support.builders import sweep

from hyperdrive_operator.core.bestvalues import BestValue, best_values
from hyperdrive_operator.core.sweep import Sweep


def at(minute: int) -> str:
    return f"2026-03-01T12:{minute:02}:00Z"


def found(name: str, began: int, *, ended: int | None = None, value: Any = 0.5, **given: Any) -> Sweep:
    """Build a sweep that has found something."""
    status: dict[str, Any] = {"startTime": at(began), "bestTrial": {"name": f"{name}-1", "number": 1, "value": value}}
    return sweep(name, uid=name, status=status | ({"completionTime": at(ended)} if ended else {}), **given)


def names(sweeps: list[Sweep], at_most: int = 100) -> list[str]:
    return sorted(one.sweep for one in best_values(sweeps, at_most))


def test_a_value_says_whose_it_is_and_of_what() -> None:
    goal = {"primaryMetric": "val/loss", "goal": "Minimize"}
    (one,) = best_values([found("digits", 1, value=0.25, namespace="team-a", objective=goal)], 1)
    assert one == BestValue("team-a", "digits", "val/loss", "Minimize", 0.25)


def test_those_that_go_on_come_first_and_then_the_newest() -> None:
    sweeps = [
        found("old", 1, ended=50),
        found("new", 2, ended=51),
        found("early", 3),
        found("late", 4),
    ]
    shown = [names(sweeps, at_most) for at_most in range(5)]
    assert shown == [[], ["late"], ["early", "late"], ["early", "late", "new"], ["early", "late", "new", "old"]]
    assert [names(sweeps[::-1], at_most) for at_most in range(5)] == shown


def test_what_a_running_sweep_reports_takes_no_other_its_place() -> None:
    before = [found("a", 1, value=0.1), found("b", 2, value=0.1), found("c", 3, value=0.1)]
    after = [found("a", 1, value=0.9), *before[1:]]
    assert names(before, 2) == names(after, 2) == ["b", "c"]


@pytest.mark.parametrize("best", [None, {}, {"value": None}, {"value": float("nan")}, {"value": float("inf")}, "best"])
def test_a_sweep_without_a_best_value_is_not_shown_and_takes_no_place(best: Any) -> None:
    without = [sweep("none", uid="1"), sweep("odd", uid="2", status={"startTime": at(9), "bestTrial": best})]
    assert names([*without, found("digits", 1, value=0)], 1) == ["digits"]


def test_a_sweep_whose_spec_cannot_be_read_is_not_shown() -> None:
    assert names([found("digits", 1, objective={"primaryMetric": "accuracy"})]) == []


def test_of_two_of_one_name_the_newer_is_shown_once() -> None:
    """One was deleted and is not forgotten yet."""
    old, new = found("digits", 1, value=0.1), found("digits", 2, value=0.2)
    for sweeps in ([old, new], [new, old]):
        assert [one.value for one in best_values(sweeps, 10)] == [0.2]
