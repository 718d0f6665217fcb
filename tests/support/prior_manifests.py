"""Rows of the table (manifests.py) about what a sweep knows before it begins: name, manifest, what is wrong, and
whether the operator alone finds it."""

from typing import Any

from hyperdrive_operator.kube.kinds import Object

from .builders import choice, expression, limits, sweep_manifest

_FIRST = "spec.firstCombinations"
_FROM = "spec.warmStart.from"
_SPACE = (
    expression("rate", "logUniform", min=0.001, max=1),
    expression("batch", "qUniform", min=16, max=64, q=16),
    choice("solver", "sgd", "adam"),
    {**expression("momentum", "uniform", min=0.5, max=1), "when": {"parameter": "solver", "values": ["sgd"]}},
)


def _manifest(space: tuple[Object, ...] = _SPACE, algorithm: str = "Random", **spec: Any) -> Object:
    given = {"searchSpace": list(space), "samplingAlgorithm": {"type": algorithm}, "limits": limits(10, 2), **spec}
    manifest = sweep_manifest(**given)
    del manifest["metadata"]["namespace"]
    del manifest["spec"]["trialTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"]  # it names x
    return manifest


def _first(*entries: Any, **spec: Any) -> Object:
    return _manifest(firstCombinations=list(entries), **spec)


def _warm(**given: Any) -> Object:
    return _manifest(warmStart=given)


_GRID = (choice("a", 1, 2), {**expression("b", "uniform", min=0, max=1), "gridPoints": 3})

GOOD: tuple[tuple[str, Object], ...] = (
    ("a combination to try first", _first({"rate": 0.1, "batch": 32, "solver": "sgd", "momentum": 0.9})),
    ("a part of a combination to try first", _first({"rate": 1}, {"solver": "adam"}, {})),
    ("a point of the grid to try first", _first({"a": 2, "b": 0.5}, space=_GRID, algorithm="Grid")),
    ("100 combinations to try first", _first(*({"rate": n / 100} for n in range(1, 101)))),
    ("no combination to try first", _first()),
    ("a warm start", _warm(**{"from": ["yesterday", "day.before-2"]})),
    ("a warm start that skips", _warm(**{"from": [f"n{n}" for n in range(16)], "skipKnown": True})),
)
BAD: tuple[tuple[str, Object, str, bool], ...] = (
    ("too many combinations to try first", _first(*({"rate": n / 1000} for n in range(1, 102))), _FIRST, False),
    ("a combination to try first that is a text", _first("rate=0.1"), f"{_FIRST}[0]", False),
    ("combinations to try first that are no list", _manifest(firstCombinations={"rate": 0.1}), _FIRST, False),
    ("a first value of no parameter", _first({"rat": 0.1}), f"{_FIRST}[0].rat: is no parameter of searchSpace", True),
    ("a first value above max", _first({}, {"rate": 2}), f"{_FIRST}[1].rate: 2 is not from 0.001 to 1", True),
    ("a first value below min", _first({"rate": 0}), f"{_FIRST}[0].rate: 0 is not from 0.001 to 1", True),
    ("a first value of the wrong type", _first({"rate": "0.1"}), f'{_FIRST}[0].rate: "0.1" is no number', True),
    ("a first value between steps", _first({"batch": 40}), f"{_FIRST}[0].batch: 40 is none of its values", True),
    ("a first value that is none of a choice", _first({"solver": "lbfgs"}), f"{_FIRST}[0].solver: ", True),
    (
        "a first value of what is not active",
        _first({"solver": "adam", "momentum": 0.9}),
        f'{_FIRST}[0].momentum: is active only when solver is "sgd"',
        True,
    ),
    (
        "two first combinations that are the same",
        _first({"batch": 16}, {"batch": 16.0}),
        "is the same as entry 0",
        True,
    ),
    (
        "a first combination that breaks a constraint",
        _first({"batch": 64}, constraints=[{"rule": "params.batch < 64"}]),
        f"{_FIRST}[0]: ",
        True,
    ),
    ("a first value off the grid", _first({"b": 0.3}, space=_GRID, algorithm="Grid"), "use 0 or 0.5", True),
    ("a warm start from nothing", _warm(), _FROM, False),
    ("a warm start from an empty list", _warm(**{"from": []}), _FROM, False),
    ("a warm start from too many", _warm(**{"from": [f"n{n}" for n in range(17)]}), _FROM, False),
    ("a warm start from the same twice", _warm(**{"from": ["a", "b", "a"]}), "Duplicate value", False),
    ("a warm start from itself", _warm(**{"from": ["a", "digits"]}), "must not name the HyperDrive itself", False),
    ("a warm start from what is no name", _warm(**{"from": ["Digits"]}), f"{_FROM}[0]", False),
    ("a warm start from a text", _warm(**{"from": "a"}), _FROM, False),
    ("skipKnown as a text", _warm(**{"from": ["a"], "skipKnown": "yes"}), "spec.warmStart.skipKnown", False),
)
