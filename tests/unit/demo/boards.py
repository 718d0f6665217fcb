"""Sweeps and trials as the API server gives them."""

from typing import Any

from hyperdrive_demo.board import Board, read_sweep, read_trial


def hyperdrive(*, goal: str = "Maximize", **status: Any) -> dict[str, Any]:
    """A HyperDrive of three trials whose status is about its spec."""
    return {
        "metadata": {"name": "digits", "uid": "1", "generation": 1},
        "spec": {
            "objective": {"primaryMetric": "accuracy", "goal": goal},
            "searchSpace": [{"name": "learning-rate", "logUniform": {}}, {"name": "batch-size", "choice": {}}],
            "limits": {"maxTotalTrials": 3, "maxConcurrentTrials": 2},
        },
        "status": {"observedGeneration": 1, **status} if status else {},
    }


def trial(number: int, state: str = "Queued", value: float | None = None, **status: Any) -> dict[str, Any]:
    """A HyperDriveTrial."""
    return {
        "metadata": {"name": f"digits-{number}"},
        "spec": {"number": number, "parameters": {"learning-rate": 0.0312345, "batch-size": 32}},
        "status": {"state": state, "value": value, **status},
    }


def best(number: int, value: float) -> dict[str, Any]:
    """status.bestTrial."""
    return {
        "name": f"digits-{number}",
        "number": number,
        "value": value,
        "parameters": trial(number)["spec"]["parameters"],
    }


def board(sweep: dict[str, Any], *trials: dict[str, Any]) -> Board:
    """A board with these on it."""
    result = Board(read_sweep(sweep))
    for each in trials:
        result = result.with_trial(read_trial(each))
    return result
