"""The tables of docs/early-termination-measured.md."""

import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .measure import Measured

#: By suite and policy.
Results = dict[str, dict[str, list[Measured]]]

RESAMPLES = 2_000
_HEAD = (
    "| policy | steps saved, % | time saved, % | loss, % | same best, % | best trial stopped, % |\n"
    "|---|---|---|---|---|---|\n"
)


def write_tables(results: Results, report: Path) -> None:
    """Put the tables between their marks in the report."""
    text = report.read_text(encoding="utf-8")
    for suite, by_policy in results.items():
        pattern = rf"(<!-- table: {suite} -->\n).*?(<!-- end -->)"
        if not re.search(pattern, text, re.DOTALL):
            raise SystemExit(f"{report} has no place for the table: <!-- table: {suite} --> and <!-- end -->")
        body = table(by_policy)
        text = re.sub(pattern, lambda match, body=body: match[1] + body + match[2], text, flags=re.DOTALL)  # type: ignore[misc]  # a default binds the loop's variable
    report.write_text(text, encoding="utf-8")


def table(by_policy: Mapping[str, Sequence[Measured]]) -> str:
    """Return a suite's table: a mean and the half of its 95 % interval in each cell."""
    rows = [f"| {name} | {' | '.join(_cells(measured))} |\n" for name, measured in by_policy.items()]
    return _HEAD + "".join(rows)


def _cells(measured: Sequence[Measured]) -> list[str]:
    columns: list[Callable[[Measured], float]] = [
        lambda one: one.steps_saved,
        lambda one: one.time_saved,
        lambda one: one.relative_loss,
        lambda one: one.loss == 0,
        lambda one: one.is_best_stopped,
    ]
    return [cell(measured, column) for column in columns]


def cell(measured: Sequence[Measured], column: Callable[[Measured], float]) -> str:
    """Return a mean in percent and the bounds of its 95 % interval, as text."""
    mean = statistics.fmean(column(one) for one in measured)
    low, high = interval(measured, column)
    return f"{100 * mean:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def interval(measured: Sequence[Measured], column: Callable[[Measured], float]) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by bootstrap over data sets and then over the seeds of each.

    The seeds of a data set resemble each other: to resample them all alike would promise too much.
    """
    by_task: defaultdict[str, list[float]] = defaultdict(list)
    for one in measured:
        by_task[one.task].append(float(column(one)))
    generator = np.random.default_rng(0)
    values = [np.array(task) for task in by_task.values()]
    seeds = max(map(len, values))
    # one resample of the seeds of each data set for each time, then the data sets among each other
    drawn = np.stack(
        [task[generator.integers(len(task), size=(RESAMPLES, seeds))].mean(axis=1) for task in values], axis=1
    )
    chosen = generator.integers(len(values), size=(RESAMPLES, len(values)))
    means = np.take_along_axis(drawn, chosen, axis=1).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
