"""The figures: regret against trials for each problem, and the mean rank over all of them."""

import io
import math
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .campaign import Race, Runs
from .race import OPTUNA
from .verdicts import best_so_far, ranks

COLOURS: Final = {
    "Random": "#7f7f7f",
    "Grid": "#8c564b",
    "Sobol": "#2ca02c",
    "Bayesian": "#1f77b4",
    "CmaEs": "#d62728",
    OPTUNA: "#ff7f0e",
}
_STYLES: Final = {OPTUNA: (0, (4, 2)), "Grid": (0, (1, 1))}
_BANDS: Final = ("Random", "Bayesian")
_POINTS: Final = 40  # of each line: the files stay small
_COLUMNS: Final = 4


def pyplot() -> Any:
    """Return matplotlib for small SVG files that are the same for the same results."""
    try:
        import matplotlib as mpl  # noqa: PLC0415  of the extra `bench`: results come first
    except ImportError as error:
        raise SystemExit("the figures need matplotlib: pip install -e '.[bench]'") from error
    mpl.use("svg")
    # text as text and no random names
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 8, "path.simplify": True})
    from matplotlib import pyplot as plt  # noqa: PLC0415

    return plt


def draw_regrets(races: Sequence[Race], path: Path) -> None:
    """Draw a panel for each problem: median best so far, with the quartiles of Random and Bayesian."""
    plt = pyplot()
    rows = math.ceil(len(races) / _COLUMNS)
    figure, panels = plt.subplots(rows, _COLUMNS, figsize=(11, 2.2 * rows + 0.5), squeeze=False)
    for panel in panels.flat[len(races) :]:
        panel.set_visible(False)
    for race, panel in zip(races, panels.flat, strict=False):
        floor = _floor(race)
        for sampler, runs in race.runs.items():
            at, low, middle, high = _quartiles(runs, floor)
            panel.plot(at, middle, color=COLOURS[sampler], linestyle=_STYLES.get(sampler, "-"), linewidth=1.1)
            if sampler in _BANDS:
                panel.fill_between(at, low, high, color=COLOURS[sampler], alpha=0.15, linewidth=0)
        low, high = panel.get_ylim()
        if high > 10 * max(low, floor):  # else there would be one mark, or none
            panel.set_yscale("log")
            panel.minorticks_off()
        panel.set_title(race.problem.name, fontsize=9)
    for row in panels:
        row[0].set_ylabel("regret")
    for panel in panels.flat[max(len(races) - _COLUMNS, 0) : len(races)]:
        panel.set_xlabel("trials")
    _finish(figure, [name for name in COLOURS if any(name in race.runs for race in races)], path)


def draw_ranks(races: Sequence[Race], path: Path) -> None:
    """Draw the mean rank of each sampler after each trial."""
    plt = pyplot()
    names, common = comparable(races)
    if not common:
        return
    figure, panel = plt.subplots(figsize=(6, 3.2))
    mean = mean_ranks(common, names)
    trials = len(mean[names[0]])
    for name in names:
        panel.plot(range(1, trials + 1), mean[name], color=COLOURS[name], linestyle=_STYLES.get(name, "-"))
    panel.set_xlabel("trials")
    panel.set_ylabel(f"mean rank of {len(names)} (1 is best)")
    panel.invert_yaxis()
    _finish(figure, names, path)


def comparable(races: Sequence[Race]) -> tuple[list[str], list[Race]]:
    """Return the samplers but Grid, which runs on few problems, and the problems that all of them run on."""
    names = [name for name in COLOURS if name != "Grid"]
    return names, [race for race in races if all(name in race.runs for name in names)]


def mean_ranks(races: Sequence[Race], names: Sequence[str]) -> dict[str, list[float]]:
    """Return the rank of each sampler after each trial, the mean over problems and seeds."""
    sums: dict[str, list[float]] = {}
    count = 0
    for race in races:
        for seed in range(min(len(race.runs[name]) for name in names)):
            curves = {name: best_so_far(race.runs[name][seed]) for name in names}
            count += 1
            for trial in range(min(map(len, curves.values()))):
                for name, rank in ranks({name: curve[trial] for name, curve in curves.items()}).items():
                    line = sums.setdefault(name, [])
                    line.extend([0.0] * (trial + 1 - len(line)))
                    line[trial] += rank
    return {name: [total / count for total in line] for name, line in sums.items()}


def _floor(race: Race) -> float:
    """Return what stands for a regret of nothing on a logarithmic axis: half of the least there is above it."""
    above = [one for runs in race.runs.values() for run in runs for one in (min(run),) if one > 0]
    return min(above, default=1e-12) / 2


def _quartiles(runs: Runs, floor: float) -> tuple[list[int], list[float], list[float], list[float]]:
    curves = [best_so_far(run) for run in runs]
    trials = min(map(len, curves))
    at = sorted({round(1 + index * (trials - 1) / (_POINTS - 1)) for index in range(_POINTS)})
    found = [[max(curve[trial - 1], floor) for curve in curves] for trial in at]
    spread = [statistics.quantiles(each, method="inclusive") if len(each) > 1 else each * 3 for each in found]
    return at, [q[0] for q in spread], [q[1] for q in spread], [q[2] for q in spread]


def _finish(figure: Any, names: Sequence[str], path: Path) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    lines = [Line2D([], [], color=COLOURS[name], linestyle=_STYLES.get(name, "-"), label=name) for name in names]
    figure.legend(handles=lines, loc="upper center", ncols=len(names), frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0, 1, 0.94))
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_shortened(buffer.getvalue()))
    print(f"wrote {path} ({path.stat().st_size // 1024} KB)", flush=True)


def _shortened(svg: str) -> str:
    """Return the same picture with hundredths of a point, and no spaces at the ends of lines."""
    rounded = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", svg)
    return "\n".join(line.rstrip() for line in rounded.splitlines()) + "\n"
