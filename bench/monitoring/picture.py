"""The dashboard's panels, drawn from the answers of Prometheus to the dashboard's own queries."""

import json
import math
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from .prometheus import Prometheus, shortened

DASHBOARD: Final = Path(__file__).parents[2] / "charts" / "hyperdrive-operator" / "files" / "dashboard.json"
COLUMNS: Final = 3
#: A name of a line, in letters, of which no three stand side by side.
LONG: Final = 20
_LABEL: Final = re.compile(r"\{\{(\w+)\}\}")

#: Seconds since the beginning, and values.
Line = tuple[list[float], list[float]]
#: Title and unit of a panel, and its lines by their names.
Panel = tuple[str, str, dict[str, Line]]


async def take(seen: Prometheus, since: float) -> list[Panel]:
    """Ask for every panel's series. Windows are shortened as those of the alerts, and no shorter than 5 seconds."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [
        (panel["title"], panel["fieldConfig"]["defaults"]["unit"], lines)
        for panel in panels
        if panel["type"] == "timeseries" and (lines := {name: line async for name, line in _lines(seen, panel, since)})
    ]


async def _lines(seen: Prometheus, panel: Any, since: float) -> AsyncIterator[tuple[str, Line]]:
    for target in panel["targets"]:
        query = shortened(target["expr"]).replace("[1s]", "[5s]").replace("$namespace", ".*")
        for series in await seen.over_time(query, since):
            known = {round(float(at) - since): float(value) for at, value in series["values"]}
            times = list(range(max(known) + 1))
            # where nothing was asked or done there is no value, and no line
            yield (
                _named(target["legendFormat"], series["metric"]),
                ([float(at) for at in times], [known.get(at, math.nan) for at in times]),
            )


def _named(legend: str, labels: Mapping[str, str]) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), legend)


def draw(panels: list[Panel], path: Path) -> None:
    """Draw the panels as Grafana lays them out, three in a row."""
    mpl.rcParams |= {"font.size": 7}
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(11, 1.9 * rows), layout="constrained")
    end = max(times[-1] for _, _, lines in panels for times, _ in lines.values())
    axes = list(_flat(figure.subplots(rows, COLUMNS)))
    for axis, (title, unit, lines) in zip(axes, panels, strict=False):
        axis.set_title(
            title + (" (s)" if unit == "s" else " (bytes)" if unit == "bytes" else ""), loc="left", fontsize=8
        )
        for name, (times, values) in lines.items():
            axis.plot([at / 60 for at in times], values, label=name, linewidth=1, marker=".", markersize=1)
        axis.set_ylim(bottom=0)
        axis.set_xlim(0, end / 60)
        axis.grid(visible=True, linewidth=0.3)
        columns = 2 if max(map(len, lines)) > LONG else COLUMNS
        axis.legend(fontsize=5, frameon=False, ncols=columns, loc="upper left")
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    figure.supxlabel("minutes")
    figure.savefig(path, dpi=120)


def _flat(axes: Any) -> Iterator[Any]:
    for row in axes:
        yield from row
