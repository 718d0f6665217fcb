"""The figure: what each policy saves, against what it loses."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from .measure import Measured
from .report import split_noise

_COLOURS = {
    "MedianStopping": "#0072b2",
    "Bandit": "#d55e00",
    "TruncationSelection": "#009e73",
    "SuccessiveHalving": "#cc79a7",
    "Hyperband": "#a6761d",
    "Extrapolation": "#000000",
    "Threshold": "#666666",
    "Patience": "#56b4e9",
}
_TITLES = {"networks": "Networks: 60 trials, 40 epochs", "learners": "LCDB: about 17 learners on growing data"}
_LOSS_TITLE = "LCDB: what is lost, and what chance alone does"
#: Azure ML's documentation says so of median stopping: 25 to 35 % saved, no loss.
_CLAIM = (25, 35)
#: Points up to which the axis of the loss is linear.
_LINEAR = 0.1

Point = tuple[float, float, str]


def draw(results: Mapping[str, Mapping[str, Sequence[Measured]]], path: Path) -> None:
    """Draw what each policy saves against the sweeps that lose nothing, and for LCDB against what is lost.

    Settings that were chosen on the other half of the data sets (`lenient`) are hollow. Oracles are left out.
    """
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "hyperdrive", "font.size": 8}):
        figure = Figure(figsize=(13, 4.2), layout="constrained")
        *panels, last = figure.subplots(1, len(_TITLES) + 1, squeeze=False)[0]
        for panel, (suite, title) in zip(panels, _TITLES.items(), strict=True):
            _scatter(panel, results[suite], lambda measured: _percent([one.loss == 0 for one in measured]))
            panel.set(title=title, ylabel="sweeps that find the same best value, %", yticks=range(30, 101, 10))
            panel.set(ylim=(30, 118))
        _loss_panel(last, results["learners"], results["lenient"])
        figure.legend(
            *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(_COLOURS), frameon=False
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _loss_panel(panel: Any, fixed: Mapping[str, Sequence[Measured]], found: Mapping[str, Sequence[Measured]]) -> None:
    chance = 100 * split_noise(next(iter(fixed.values())))
    panel.axhline(chance, color="#999999", linestyle="--", linewidth=0.8)
    panel.annotate("best value, from split to split", (1, chance), fontsize=6, va="bottom")
    _scatter(panel, fixed, _loss, is_named=False)
    _scatter(panel, found, _loss, facecolors="none")
    panel.set(title=_LOSS_TITLE, ylabel="mean loss in the best value, points of accuracy")
    panel.set_yscale("symlog", linthresh=_LINEAR)
    panel.set(ylim=(-0.01, 10), yticks=(0, 0.05, 0.1, 1, 10), yticklabels=("0", "0.05", "0.1", "1", "10"))


def _loss(measured: Sequence[Measured]) -> float:
    return _percent([one.loss for one in measured])


def _scatter(
    panel: Any,
    by_policy: Mapping[str, Sequence[Measured]],
    height: Callable[[Sequence[Measured]], float],
    *,
    is_named: bool = True,
    **style: Any,
) -> None:
    """Draw a point for each policy, if `is_named` with its settings beside it."""
    panel.axvspan(*_CLAIM, color="#eeeeee", zorder=0)
    if is_named:
        panel.annotate("Azure's claim", (30, 0.02), xycoords=("data", "axes fraction"), ha="center", fontsize=7)
    for kind, colour in _COLOURS.items():
        points: list[Point] = [
            (_percent([one.time_saved for one in measured]), height(measured), name.partition(", ")[2])
            for name, measured in by_policy.items()
            if name.startswith(kind)
        ]
        colours = {"edgecolors": colour, "facecolors": colour, "label": kind, **style}
        panel.scatter([x for x, _, _ in points], [y for _, y, _ in points], s=22, **colours)
        for x, y, options in points if is_named else ():
            place = {"xytext": (2, 2), "textcoords": "offset points", "rotation": 55, "rotation_mode": "anchor"}
            panel.annotate(options, (x, y), fontsize=5.5, color=colour, **place)
    panel.set(xlabel="training time saved, %", xlim=(0, 100))
    panel.grid(visible=True, linewidth=0.3)


def _percent(values: Sequence[float]) -> float:
    return 100 * statistics.fmean(values)
