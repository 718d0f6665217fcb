"""What is searched: functions whose minimum is known, with search spaces as a manifest has them.

None has its minimum in the middle of its ranges: CmaEs and the prior of Bayesian begin there.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

Parameters = Mapping[str, Any]

_TEMPLATE: Final = {
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "train", "image": "train:1"}]}}}
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A search space, the value of each combination, and the best value there is."""

    name: str
    about: str
    space: tuple[Mapping[str, Any], ...]
    value: Callable[[Parameters], float]
    optimum: float
    goal: Literal["Minimize", "Maximize"] = "Minimize"
    #: For Grid: points of the continuous parameters. Without them a grid makes no sense here.
    grid: Mapping[str, int] = field(default_factory=dict)
    #: CmaEs refuses a spec without two numbers that have no condition.
    suits_cma_es: bool = True

    def spec(self, sampler: str, seed: int, trials: int) -> HyperDriveSpec:
        """Return the spec that a user would write, judged by the models."""
        space = [dict(parameter) for parameter in self.space]
        for parameter in space:
            if sampler == "Grid" and parameter["name"] in self.grid:
                parameter["gridPoints"] = self.grid[parameter["name"]]
        return HyperDriveSpec.model_validate(
            {
                "objective": {"primaryMetric": "value", "goal": self.goal},
                "searchSpace": space,
                "samplingAlgorithm": {"type": sampler, "seed": seed},
                "limits": {"maxTotalTrials": trials, "maxConcurrentTrials": 1},
                "trialTemplate": _TEMPLATE,
            }
        )

    def regret(self, value: float) -> float:
        """Return how much worse a value is than the best there is. 0 or more, but for rounding."""
        return max(value - self.optimum if self.goal == "Minimize" else self.optimum - value, 0.0)


def functions() -> dict[str, Callable[[], Problem]]:
    """Return the functions by their names."""
    return {
        "branin": _branin,
        "hartmann6": _hartmann6,
        "rosenbrock4": _rosenbrock4,
        "ackley10": _ackley10,
        "log-bowl": _log_bowl,
        "func2c": _func2c,
        "tree": _tree,
        "two-branches": _two_branches,
    }


def _uniform(name: str, low: float, high: float, **rest: Any) -> dict[str, Any]:
    return {"name": name, "uniform": {"min": low, "max": high}, **rest}


def _log_uniform(name: str, low: float, high: float, **rest: Any) -> dict[str, Any]:
    return {"name": name, "logUniform": {"min": low, "max": high}, **rest}


def _choice(name: str, *values: Any, **rest: Any) -> dict[str, Any]:
    return {"name": name, "choice": {"values": list(values)}, **rest}


def _when(parameter: str, *values: Any) -> dict[str, Any]:
    return {"parameter": parameter, "values": list(values)}


def _branin() -> Problem:
    def value(of: Parameters) -> float:
        x, y = of["x"], of["y"]
        bent = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
        return float(bent**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)

    space = (_uniform("x", -5, 10), _uniform("y", 0, 15))
    optimum = 5 / (4 * math.pi)  # where the square is 0 and the cosine -1
    return Problem("branin", "2 uniform", space, value, optimum, grid={"x": 10, "y": 10})


_HARTMANN_A: Final = (
    (10, 3, 17, 3.5, 1.7, 8),
    (0.05, 10, 17, 0.1, 8, 14),
    (3, 3.5, 1.7, 10, 17, 8),
    (17, 8, 0.05, 10, 0.1, 14),
)
_HARTMANN_P: Final = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)
_HARTMANN_WEIGHTS: Final = (1, 1.2, 3, 3.2)


def _hartmann6() -> Problem:
    names = [f"x{index}" for index in range(6)]

    def value(of: Parameters) -> float:
        at = [of[name] for name in names]
        return -sum(
            weight * math.exp(-sum(a * (x - p) ** 2 for a, x, p in zip(row, at, middle, strict=True)))
            for weight, row, middle in zip(_HARTMANN_WEIGHTS, _HARTMANN_A, _HARTMANN_P, strict=True)
        )

    return Problem("hartmann6", "6 uniform", tuple(_uniform(name, 0, 1) for name in names), value, -3.322368011415515)


def _rosenbrock4() -> Problem:
    names = [f"x{index}" for index in range(4)]

    def value(of: Parameters) -> float:
        at = (of[name] for name in names)
        return float(sum(100 * (right - left**2) ** 2 + (1 - left) ** 2 for left, right in pairwise(at)))

    space = tuple(_uniform(name, -5, 10) for name in names)
    return Problem("rosenbrock4", "4 uniform", space, value, 0.0, grid=dict.fromkeys(names, 3))


def _ackley10() -> Problem:
    # moved: the plain one has its minimum in the middle
    shifts = {f"x{index}": 20 * math.sin(index + 1) for index in range(10)}

    def value(of: Parameters) -> float:
        at = [of[name] - shift for name, shift in shifts.items()]
        spread = math.sqrt(sum(x**2 for x in at) / len(at))
        waves = sum(math.cos(2 * math.pi * x) for x in at) / len(at)
        return -20 * math.exp(-0.2 * spread) - math.exp(waves) + 20 + math.e

    space = tuple(_uniform(name, -32.768, 32.768) for name in shifts)
    return Problem("ackley10", "10 uniform, minimum moved", space, value, 0.0)


def _log_bowl() -> Problem:
    """A bowl over logarithms, tilted: the more weight decay, the higher the best learning rate."""

    def value(of: Parameters) -> float:
        rate, decay = math.log10(of["rate"]) + 2, math.log10(of["decay"]) + 5
        return (rate - 0.3 * decay) ** 2 + 0.1 * decay**2 + 2 * (float(of["dropout"]) - 0.15) ** 2

    space = (_log_uniform("rate", 1e-6, 1), _log_uniform("decay", 1e-8, 0.1), _uniform("dropout", 0, 0.8))
    about = "2 logUniform, 1 uniform"
    return Problem("log-bowl", about, space, value, 0.0, grid={"rate": 5, "decay": 5, "dropout": 4})


def _func2c() -> Problem:
    """Two choices of a function each, added up, at the same two numbers (Func2C of Ru et al. 2020, CoCaBO)."""

    def rosenbrock(x: float, y: float) -> float:
        return (100 * (y - x**2) ** 2 + (1 - x) ** 2) / 300

    def camel(x: float, y: float) -> float:
        return ((4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2) / 10

    def beale(x: float, y: float) -> float:
        return ((1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2) / 50

    first = {"rosenbrock": rosenbrock, "camel": camel, "beale": beale}
    second = {**first, "also-beale": beale, "beale-too": beale}

    def value(of: Parameters) -> float:
        return first[of["first"]](of["x"], of["y"]) + second[of["second"]](of["x"], of["y"])

    space = (_choice("first", *first), _choice("second", *second), _uniform("x", -2, 2), _uniform("y", -2, 2))
    return Problem("func2c", "2 choices, 2 uniform", space, value, 2 * -0.10316284534898774)


def _tree() -> Problem:
    """The tree of Jenatton et al. 2017: three choices lead to four leaves; two leaves each share a number."""
    leaves = {
        ("left", "left"): ("a", 0.1),
        ("left", "right"): ("b", 0.2),
        ("right", "left"): ("c", 0.3),
        ("right", "right"): ("d", 0.4),
    }

    def value(of: Parameters) -> float:
        side = of["root"]
        leaf, height = leaves[side, of[side]]
        return float((of[leaf] - 0.4) ** 2 + height + of[f"{side}-shared"])

    space = [_choice("root", "left", "right")]
    for side in ("left", "right"):
        space.append(_choice(side, "left", "right", when=_when("root", side)))
        space.append(_uniform(f"{side}-shared", 0, 1, when=_when("root", side)))
    space += [_uniform(leaf, -1, 1, when=_when(side, turn)) for (side, turn), (leaf, _) in leaves.items()]
    points = {"left-shared": 5, "right-shared": 5, "a": 5, "b": 5, "c": 5, "d": 5}
    about = "3 choices, 6 uniform; nested conditions"
    return Problem("tree", about, tuple(space), value, 0.1, grid=points, suits_cma_es=False)


def _two_branches() -> Problem:
    """Two optimisers with learning rates of their own: adam is good nearly everywhere, sgd better in a narrow place."""

    def value(of: Parameters) -> float:
        shared = 0.06 * (math.log10(of["decay"]) + 4) ** 2 + (float(of["dropout"]) - 0.1) ** 2
        if of["optimizer"] == "adam":
            return shared + 0.05 + 0.05 * (math.log10(of["adam-rate"]) + 3) ** 2 + 0.1 * (float(of["beta"]) - 0.9) ** 2
        step = math.log10(of["sgd-rate"] / (1 - of["momentum"])) + 0.5
        return float(shared + 0.5 * step**2 + 2 * (of["momentum"] - 0.9) ** 2)

    space = (
        _log_uniform("decay", 1e-6, 0.1),
        _uniform("dropout", 0, 0.7),
        _choice("optimizer", "sgd", "adam"),
        _log_uniform("sgd-rate", 1e-5, 1, when=_when("optimizer", "sgd")),
        _uniform("momentum", 0, 0.99, when=_when("optimizer", "sgd")),
        _log_uniform("adam-rate", 1e-5, 0.1, when=_when("optimizer", "adam")),
        _uniform("beta", 0.5, 0.999, when=_when("optimizer", "adam")),
    )
    return Problem("two-branches", "1 choice, 3 logUniform, 3 uniform; two branches", space, value, 0.0)
