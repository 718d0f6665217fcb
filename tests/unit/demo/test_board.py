"""Reading a sweep and its trials."""

from typing import Any

import pytest

from hyperdrive_demo.board import read_sweep, read_trial

from .boards import best, board, hyperdrive, trial


def test_a_status_about_an_earlier_spec_says_nothing_about_this_one() -> None:
    body = hyperdrive(state="Complete", bestTrial=best(1, 0.9))
    assert read_sweep(body).is_finished
    body["metadata"]["generation"] = 2
    assert not read_sweep(body).is_finished
    assert read_sweep(body).best is None


def test_planned_trials_are_the_operators_count_once_it_has_one() -> None:
    assert read_sweep(hyperdrive()).planned == 3
    assert read_sweep(hyperdrive(trials={"planned": 2})).planned == 2


@pytest.mark.parametrize(
    ("goal", "order"),
    [pytest.param("Maximize", [2, 3, 1], id="highest first"), pytest.param("Minimize", [1, 2, 3], id="lowest first")],
)
def test_trials_are_ranked_by_the_goal_and_equal_ones_by_number(goal: str, order: list[int]) -> None:
    trials = [trial(1, value=0.1), trial(3, value=0.5), trial(2, value=0.5), trial(4)]
    assert [each.number for each in board(hyperdrive(goal=goal), *trials).by_value()] == order


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"metadata": None, "spec": None, "status": None},
        {"spec": {"searchSpace": None, "limits": None}, "status": {"conditions": None, "bestTrial": {"value": "high"}}},
    ],
)
def test_what_is_missing_or_of_another_form_is_absent(body: dict[str, Any]) -> None:
    assert read_sweep(body).best is None
    assert read_trial(body).value is None


def test_stalled_is_the_operators_message_while_it_holds() -> None:
    condition = {"type": "Stalled", "reason": "PodWaiting", "message": "digits-1 can't pull its image"}
    assert read_sweep(hyperdrive(conditions=[{**condition, "status": "True"}])).stalled == condition["message"]
    assert read_sweep(hyperdrive(conditions=[{**condition, "status": "False"}])).stalled == ""
