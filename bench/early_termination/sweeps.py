"""Recorded sweeps: what each trial would report if it ran to its end, and how long it would take."""

import csv
import gzip
import importlib.util
import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from hyperdrive_operator.core.metrics import Goal

#: The curves that bench.early_termination.record has written.
NETWORKS = Path(__file__).parent / "data" / "networks.json"
#: LCDB trained each learner on 25 splits of a data set or more, and each seed here takes another one.
SEEDS = 20


@dataclass(frozen=True, slots=True)
class Run:
    """A trial: its reports of the primary metric, and the seconds before each."""

    name: str
    values: tuple[float, ...]
    seconds: tuple[float, ...]
    #: It ended in an error: what it reported is no result.
    is_failed: bool = False
    #: The same metric at each report on data that neither training nor the sweep sees. Empty if none was recorded.
    tests: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """What is tuned: the same trials for each seed, or the same learners on another split."""

    name: str
    goal: Goal
    runs: Callable[[int], list[Run]]

    @property
    def reports(self) -> int:
        """The reports of a whole trial."""
        return max(len(run.values) for run in self.runs(0))

    @property
    def beginning(self) -> float:
        """What the first reports are, in the middle: a bound that a trial should soon leave behind."""
        return statistics.median(run.values[0] for run in self.runs(0) if run.values)


def networks() -> Iterator[Task]:
    """Return the sweeps of bench.early_termination.record: one for each data set and metric."""
    for recorded in json.loads(NETWORKS.read_text(encoding="utf-8")):
        trials = recorded["trials"]
        for metric in next(trial["values"] for trial in trials if trial["values"]):
            runs = [_network(number, trial, metric) for number, trial in enumerate(trials)]
            yield Task(
                f"{recorded['name']}, {metric}",
                "Maximize" if metric == "accuracy" else "Minimize",
                lambda _, runs=runs: runs,  # type: ignore[misc]  # a default binds the loop's variable
            )


def _network(number: int, trial: dict[str, Any], metric: str) -> Run:
    values = tuple(trial["values"].get(metric, ()))
    return Run(str(number), values, (trial["seconds"],) * len(values), trial["failed"])


def learners(metric: str, cache: Path) -> Iterator[Task]:
    """Return LCDB's sweeps: one for each data set, of about 20 learners; each seed has a split of its own.

    A trial trains on 16, 23, 32, 45 … examples and reports its score on the validation set after each.
    """
    kept = cache / f"lcdb-{metric}-with-tests.jsonl.gz"
    if not kept.exists():
        _digest(metric, kept)
    with gzip.open(kept, "rt", encoding="utf-8") as lines:
        for line in lines:
            recorded = json.loads(line)
            splits = [[_learner(*curve) for curve in split] for split in recorded["splits"]]
            yield Task(
                recorded["name"],
                "Minimize" if metric == "logloss" else "Maximize",
                lambda seed, splits=splits: splits[seed % len(splits)],  # type: ignore[misc]  # as above
            )


def _learner(name: str, reports: list[tuple[float, float, float]]) -> Run:
    values, seconds, tests = zip(*reports, strict=True)
    return Run(name, values, seconds, tests=tests)


def _digest(metric: str, kept: Path) -> None:
    """Keep what is needed of LCDB's 150 MB of CSV: that takes a minute, once."""
    found = importlib.util.find_spec("lcdb")
    if found is None or found.origin is None:
        raise SystemExit("the Learning Curve Database is not installed: pip install -e '.[bench]'")
    folder = Path(found.origin).parent
    with (folder / "datasets.csv").open(newline="") as source:
        names = {row["openmlid"]: f"{row['Name']} ({row['openmlid']})" for row in csv.DictReader(source)}
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    with (folder / f"database-{metric}.csv").open(newline="") as source, gzip.open(part, "wt", encoding="utf-8") as out:
        rows = csv.reader(source)
        next(rows)
        for data_set, of_data_set in groupby(rows, key=lambda row: row[0]):
            name = names.get(data_set, data_set)
            out.write(json.dumps({"name": name, "splits": _splits(of_data_set)}) + "\n")
    part.replace(kept)


def _splits(rows: Iterator[list[str]]) -> list[list[Any]]:
    """Return the curves of a data set's splits: a list of learners and their reports each.

    A report is a score on the validation set, seconds, and the score on the test set, in order of the sizes.
    """
    curves: dict[tuple[str, str], dict[str, dict[int, tuple[float, float, float]]]] = {}
    for _, learner, size, _, outer, inner, seconds, _, valid, test in rows:
        if valid and seconds and test:
            curve = curves.setdefault((outer, inner), {}).setdefault(learner.rsplit(".", 1)[-1], {})
            curve[int(size)] = (float(valid), float(seconds), float(test))
    chosen = sorted(curves, key=lambda split: (int(split[0]), int(split[1])))[:SEEDS]
    return [
        [[learner, [report for _, report in sorted(curve.items())]] for learner, curve in sorted(curves[split].items())]
        for split in chosen
    ]
