"""The figure: what each policy saves, against what it loses."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from .measure import Measured

_COLOURS = {
    "MedianStopping": "#0072b2",
    "Bandit": "#d55e00",
    "TruncationSelection": "#009e73",
    "SuccessiveHalving": "#cc79a7",
    "Hyperband": "#a6761d",
    "Threshold": "#666666",
    "Patience": "#56b4e9",
}
_TITLES = {"networks": "Networks: 60 trials, 40 epochs", "learners": "LCDB: about 20 learners on growing data"}
#: Azure ML's documentation says so of median stopping: 25 to 35 % saved, no loss.
_CLAIM = (25, 35)


def draw(results: Mapping[str, Mapping[str, Sequence[Measured]]], path: Path) -> None:
    """Draw a panel for each suite."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "hyperdrive", "font.size": 8}):
        figure = Figure(figsize=(9, 4.2), layout="constrained")
        panels = figure.subplots(1, len(results), squeeze=False)[0]
        for panel, (suite, by_policy) in zip(panels, results.items(), strict=True):
            _panel(panel, _TITLES[suite], by_policy)
        figure.legend(
            *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(_COLOURS), frameon=False
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _panel(panel: Any, title: str, by_policy: Mapping[str, Sequence[Measured]]) -> None:
    panel.axvspan(*_CLAIM, color="#eeeeee", zorder=0)
    panel.annotate("Azure's claim", (30, 0.02), xycoords=("data", "axes fraction"), ha="center", fontsize=7)
    for kind, colour in _COLOURS.items():
        points = [
            (_percent([one.time_saved for one in measured]), _percent([one.loss == 0 for one in measured]), name)
            for name, measured in by_policy.items()
            if name.startswith(kind)
        ]
        panel.scatter([x for x, _, _ in points], [y for _, y, _ in points], color=colour, label=kind, s=22)
        for x, y, name in points:
            options = name.partition(", ")[2]
            place = {"xytext": (2, 2), "textcoords": "offset points", "rotation": 55, "rotation_mode": "anchor"}
            panel.annotate(options, (x, y), fontsize=5.5, color=colour, **place)
    panel.set(title=title, xlabel="training time saved, %", ylabel="sweeps that find the same best value, %")
    panel.set(xlim=(0, 100), ylim=(30, 118), yticks=range(30, 101, 10))
    panel.grid(visible=True, linewidth=0.3)


def _percent(values: Sequence[float]) -> float:
    return 100 * statistics.fmean(values)
