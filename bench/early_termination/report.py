"""The tables of docs/early-termination-measured.md."""

import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .measure import Measured

#: By suite and policy.
Results = dict[str, dict[str, list[Measured]]]

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Column:
    """A number of each sweep, whose mean is shown in hundredths: a share in percent, or a score in points."""

    title: str
    of: Callable[[Measured], float]
    digits: int = 1

    def cell(self, measured: Sequence[Measured]) -> str:
        """Return the mean and the bounds of its 95 % interval."""
        mean = statistics.fmean(self.of(one) for one in measured)
        low, high = interval(measured, self.of)
        mean, low, high = (f"{100 * value:.{self.digits}f}" for value in (mean, low, high))  # type: ignore[assignment]
        return f"{mean} ({low} to {high})"


def test_loss(one: Measured) -> float:
    """Return how much worse the chosen model is on the test set; 0 if there is none."""
    return one.test_loss or 0.0


_TIME = Column("time saved, %", lambda one: one.time_saved)
_STEPS = Column("steps saved, %", lambda one: one.steps_saved)
_RELATIVE = Column("loss, % of spread", lambda one: one.relative_loss)
_SAME = Column("same best, %", lambda one: one.loss == 0)
NETWORKS = (_STEPS, _TIME, _RELATIVE, _SAME, Column("best trial stopped, %", lambda one: one.is_best_stopped))
LEARNERS = (
    _STEPS,
    _TIME,
    Column("loss, points", lambda one: one.loss, digits=2),
    Column("loss on the test set, points", test_loss, digits=2),
    _RELATIVE,
    _SAME,
)
_TOUCHED = "data sets with a loss, %"


def write(texts: Mapping[str, str], report: Path) -> None:
    """Put each text between its marks in the report."""
    whole = report.read_text(encoding="utf-8")
    for name, body in texts.items():
        pattern = rf"(<!-- measured: {name} -->\n).*?(<!-- end -->)"
        if not re.search(pattern, whole, re.DOTALL):
            raise SystemExit(f"{report} has no place for what was measured: <!-- measured: {name} --> and <!-- end -->")
        whole = re.sub(pattern, lambda match, body=body: match[1] + body + match[2], whole, flags=re.DOTALL)  # type: ignore[misc]  # a default binds the loop's variable
    report.write_text(whole, encoding="utf-8")


def table(by_policy: Mapping[str, Sequence[Measured]], columns: Sequence[Column]) -> str:
    """Return a table of policies: a mean and its 95 % interval in each cell."""
    titles = ["policy", *(column.title for column in columns), _TOUCHED]
    rows = [titles, ["---"] * len(titles)]
    rows += [
        [name, *(column.cell(measured) for column in columns), f"{100 * touched(measured):.0f}"]
        for name, measured in by_policy.items()
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def touched(measured: Sequence[Measured]) -> float:
    """Return the share of data sets on which any sweep lost anything."""
    return statistics.fmean(any(one.loss > 0 for one in sweeps) for sweeps in by_task(measured).values())


def facts(measured: Sequence[Measured], slow: Mapping[str, float]) -> str:
    """Return what a loss is to be compared with, in points, and whose the time is (`slow`, as shares)."""
    sweeps = by_task(measured).values()
    rows = {
        "the best trial is better than the median trial by": _mean(sweeps, lambda one: one.spread),
        "the best value differs from split to split by (standard deviation)": split_noise(measured),
        "the test score of what had it differs from split to split by": statistics.fmean(
            statistics.stdev(one.test or 0.0 for one in task) for task in sweeps
        ),
        "the best value is better than the test score of what had it by": _mean(
            sweeps, lambda one: one.best - (one.test or 0.0)
        ),
    }
    body = "".join(f"| {name} | {100 * value:.2f} points |\n" for name, value in rows.items())
    body += "".join(f"| {name} | {100 * value:.0f} % of its time |\n" for name, value in slow.items())
    return f"| without a policy, in the mean | |\n|---|---|\n{body}"


def _mean(sweeps: Iterable[Sequence[Measured]], of: Callable[[Measured], float]) -> float:
    return statistics.fmean(statistics.fmean(map(of, task)) for task in sweeps)


def split_noise(measured: Sequence[Measured]) -> float:
    """Return how much the best value without a policy differs between the splits of a data set: the mean deviation."""
    return statistics.fmean(statistics.stdev(one.best for one in task) for task in by_task(measured).values())


def by_task(measured: Sequence[Measured]) -> dict[str, list[Measured]]:
    """Return the sweeps of each task."""
    found: defaultdict[str, list[Measured]] = defaultdict(list)
    for one in measured:
        found[one.task].append(one)
    return dict(found)


def interval(measured: Sequence[Measured], column: Callable[[Measured], float]) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by bootstrap over data sets and then over the seeds of each.

    The seeds of a data set resemble each other: to resample them all alike would promise too much.
    """
    generator = np.random.default_rng(0)
    values = [np.array([float(column(one)) for one in task]) for task in by_task(measured).values()]
    seeds = max(map(len, values))
    # one resample of the seeds of each data set for each time, then the data sets among each other
    drawn = np.stack(
        [task[generator.integers(len(task), size=(RESAMPLES, seeds))].mean(axis=1) for task in values], axis=1
    )
    chosen = generator.integers(len(values), size=(RESAMPLES, len(values)))
    means = np.take_along_axis(drawn, chosen, axis=1).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
