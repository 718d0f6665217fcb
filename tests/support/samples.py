"""The samples of manifests/samples: found, made small enough for a test, and held against what their trials ran."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import cel
import yaml

from hyperdrive_operator.kube.kinds import Object

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "manifests" / "samples"
#: The image that the samples name; manifests/samples/digits is built as it.
IMAGE = "localhost/hyperdrive-digits:1"
#: Every sample, by its path from here: a new file is tested without anybody telling the tests.
FILES = sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.yaml"))
#: Those that run anywhere; the others are for clusters.
ANYWHERE = [file for file in FILES if not file.startswith("clusters/")]
#: Those that need what not every cluster has: Kueue, GPUs.
NEEDY = ["clusters/gpu-spot.yaml", "clusters/kueue.yaml"]

#: For a test, trials of each sample: the optimisers that learn need some to learn from.
TRIALS = 3
TRIALS_TO_LEARN = 5


def sweeps(file: str) -> list[Object]:
    """Read the HyperDrives of a sample."""
    return [document for document in yaml.safe_load_all((SAMPLES / file).read_text()) if document]


def small(sweep: Object) -> Object:
    """Return a copy that ends soon: with few trials, most of them at once."""
    sweep = copy.deepcopy(sweep)
    learns = sweep["spec"].get("samplingAlgorithm", {}).get("type", "Random") not in {"Random", "Grid", "Sobol"}
    limits = sweep["spec"]["limits"]
    limits["maxTotalTrials"] = min(limits["maxTotalTrials"], TRIALS_TO_LEARN if learns else TRIALS)
    limits["maxConcurrentTrials"] = 3
    return sweep


def containers(sweep: Object) -> list[Object]:
    """Return the containers of a sweep's trials."""
    found: list[Object] = sweep["spec"]["trialTemplate"]["spec"]["template"]["spec"]["containers"]
    return found


def misfits(sweep: Object, parameters: Object) -> list[str]:
    """Say what of a combination a sweep must not run. From the manifest alone: none of the operator's code is asked."""
    space = {parameter["name"]: parameter for parameter in sweep["spec"]["searchSpace"]}
    active = [name for name in space if _is_active(name, space, parameters)]
    problems = [f"{name} is not active" for name in parameters if name not in active]
    problems += [f"{name} is missing" for name in active if name not in parameters]
    on_grid = sweep["spec"].get("samplingAlgorithm", {}).get("type") == "Grid"
    for name in set(active) & set(parameters):
        if not fits(space[name], parameters[name], on_grid=on_grid):
            problems.append(f"{name} can't be {parameters[name]!r}")
    rules = [constraint["rule"] for constraint in sweep["spec"].get("constraints", ())]
    return problems + [f"{rule} is not so" for rule in rules if not _holds(rule, parameters)]


def _is_active(name: str, space: Object, parameters: Object) -> bool:
    when = space[name].get("when")
    if when is None:
        return True
    return _is_active(when["parameter"], space, parameters) and parameters.get(when["parameter"]) in when["values"]


def _holds(rule: str, parameters: Object) -> bool:
    try:
        return cel.evaluate(rule, {"params": parameters}) is True
    except KeyError:  # it is about a parameter that is not active
        return True


def fits(parameter: Object, value: Any, *, on_grid: bool = False) -> bool:
    """Tell whether a parameter's expression gives a value, of its type too."""
    (kind,) = parameter.keys() - {"name", "when", "gridPoints"}
    given = parameter[kind]
    if kind == "choice":
        return _text(value) in map(_text, given["values"])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if kind == "randint":
        return isinstance(value, int) and given.get("lower", 0) <= value < given["upper"]
    if on_grid and "gridPoints" in parameter and kind in {"uniform", "logUniform"}:
        return any(math.isclose(value, point) for point in _points(kind, given, parameter["gridPoints"]))
    lowest = 0 if kind == "logNormal" else -math.inf
    return _is_multiple(value, given.get("q")) and given.get("min", lowest) <= value <= given.get("max", math.inf)


def _text(value: Any) -> str:
    """Write it so that true is not 1, and that an API server may keep a mapping's keys in another order."""
    return json.dumps(value, sort_keys=True)


def _is_multiple(value: float, q: float | None) -> bool:
    if q is None:
        return True
    return math.isclose(value / q, round(value / q)) and (isinstance(value, int) or not isinstance(q, int))


def _points(kind: str, given: Object, count: int) -> list[float]:
    low, high = given["min"], given["max"]
    shares = [number / (count - 1) for number in range(count)]
    if kind == "logUniform":
        return [low * (high / low) ** share for share in shares]
    return [low + (high - low) * share for share in shares]
