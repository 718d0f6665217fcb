"""Requests to an optimiser, and whole searches by asking it again and again, as one operator after another would."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.support.builders import expression, limits, sweep_manifest

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.proposing import Finished, Request
from hyperdrive_operator.core.sampling import combination, combination_key, is_proposed
from hyperdrive_operator.optimizer.propose import propose

PLANE = (expression("x", "uniform", min=-5, max=5), expression("y", "uniform", min=-5, max=5))
Score = Callable[[Mapping[str, Any]], float | None]


def quadratic(parameters: Mapping[str, Any]) -> float:
    """Return the distance from (1, -2), squared."""
    return float((parameters["x"] - 1) ** 2 + (parameters["y"] + 2) ** 2)


def spec(algorithm: str, *space: Any, seed: int = 0, goal: str = "Minimize", **options: Any) -> HyperDriveSpec:
    """Parse a spec with that algorithm and search space."""
    return HyperDriveSpec.model_validate(
        sweep_manifest(
            objective={"primaryMetric": "loss", "goal": goal},
            searchSpace=list(space or PLANE),
            samplingAlgorithm={"type": algorithm, "seed": seed, **options},
            limits=limits(10_000, 1),
        )["spec"]
    )


def request(
    of: HyperDriveSpec, numbers: Sequence[int], finished: Sequence[Finished] = (), running: Sequence[Any] = ()
) -> Request:
    """Build a request in which trials are numbered as they stand: the finished first."""
    keys = [combination_key(dict(one)) for one in (*(one.parameters for one in finished), *running)]
    return Request(of, tuple(numbers), tuple(finished), tuple(running), dict(enumerate(keys, 1)))


def search(of: HyperDriveSpec, score: Score, trials: int) -> list[Finished]:
    """Run trials one after the other; ends early when the space has no more."""
    finished: list[Finished] = []
    for number in range(1, trials + 1):
        if is_proposed(of):
            (parameters,) = propose(request(of, [number], finished))
        else:
            parameters = combination(of, number, {combination_key(dict(one.parameters)) for one in finished})
        if parameters is None:
            break
        finished.append(Finished(parameters, score(parameters)))
    return finished


def best(finished: Sequence[Finished]) -> float:
    """Return the lowest value."""
    return min(one.value for one in finished if one.value is not None)
