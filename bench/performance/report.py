"""What was measured as tables and a figure: docs/performance.md between its marks, and docs/images/performance.svg."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from bench.optimizers.figures import pyplot

PAGE: Final = Path("docs/performance.md")
FIGURE: Final = Path("docs/images/performance.svg")
BEGIN, END = "<!-- measured: written by bench.performance -->", "<!-- end of what was measured -->"
#: Katib after v0.19 (June 2026), measured on the same kind of machine beside the same bare loop: makespan to the bare
#: loop's, median and p99 of a refill in ms, writes a trial by its controller.
KATIB: Final = {
    "500 50 1s": ("3.04", "4,657 / 6,058", "17.5"),
    "1000 50 1s": ("", "5,908 / 10,078", "16.1"),
    "100 20 2s": ("1.26 to 1.37", "492 / 1,299", "23 to 27"),
}

_HEAD: Final = (
    "trials, at once, each",
    "makespan",
    "of the bare loop's",
    "in flight",
    "refill median / p99",
    "bare loop",
    "writes a trial",
    "CPU a trial",
    "bare loop",
    "of all on the machine",
    "bare loop",
    "peak memory",
    "Katib: makespan",
    "refill",
    "writes",
)

Results = dict[str, Any]


def write(results: Results) -> None:
    """Write the tables into the page and draw the figure."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(results)}\n{END}{after}")
    draw(results)


def tables(results: Results) -> str:
    """Return all tables as Markdown."""
    machine = results["machine"]
    where = f"{machine['cores']} cores ({machine['cpu']}), {machine['memory']}, Python {machine['python']}"
    what = "API server, etcd, controllers, kwok, the operator and what measures, all on this machine"
    parts = [
        f"{where}; {what}; load average at the end {machine['load']}.\n",
        "### One sweep beside the bare loop\n",
        "Each load in several rounds, one after the other: the ratio of each, and medians of all else.\n",
        _table(_HEAD, (_makespan_row(name, results[name]) for name in results if name.startswith("makespan "))),
    ]
    if "size" in results:
        rows = [
            (f"{window.replace('-', ' to ')}", _ms(one["cpu"]), _kib(one["etcd_bytes"]), _mib(one["memory"]))
            for window, one in results["size"].items()
            if window != "all"
        ]
        whole = results["size"]["all"]
        rows.append(("all", _ms(whole["cpu"] / _trials(results["size"])), "", _mib(whole["memory"])))
        parts += [
            "### One sweep of 10,000 trials, 50 at once\n",
            _table(("trials", "CPU a trial", "bytes to etcd a trial, all clients", "peak memory"), rows),
            f"{whole['writes'] / _trials(results['size']):.2f} writes a trial by the operator.\n",
        ]
    if "shards" in results:
        rows = [
            (name, f"{one['makespan']:.1f} s", _refill(one), _ms(one["cpu"] / 1_000))
            for name, one in results["shards"].items()
        ]
        head = ("two namespaces, a sweep of 500 trials of 1 s in each, 25 at once", "makespan", "refill median / p99")
        parts += ["### One operator, and two\n", _table((*head, "CPU a trial, all"), rows)]
    if "isolation" in results:
        rounds = list(zip(results["isolation"]["alone"], results["isolation"]["beside"], strict=True))
        rows = [
            (f"{number}, {what}", f"{one['makespan']:.1f} s", _refill(one), f"{one['cpu']:.1f} s")
            for number, pair in enumerate(rounds, 1)
            for what, one in zip(("alone", "beside 50 broken sweeps"), pair, strict=True)
        ]
        head = ("200 trials of 1 s, 10 at once: round", "makespan", "refill median / p99", "CPU of the operator")
        parts += ["### Broken sweeps beside a good one\n", _table(head, rows)]
        ratios = ", ".join(f"{beside['makespan'] / alone['makespan']:.3f}" for alone, beside in rounds)
        parts.append(f"Its makespan beside them is {ratios} of what it is alone.\n")
    rest = [(what, text) for what, text in _others(results) if text]
    if rest:
        parts += ["### Other loads\n", _table(("load", "what was seen"), rest)]
    return "\n".join(parts)


def _makespan_row(name: str, rounds: Sequence[Results]) -> Sequence[str]:
    trials, parallel, run_for = name.split()[1:]
    ours, bare = _middle(rounds, "operator"), _middle(rounds, "bare")
    count = int(trials)
    katib = KATIB.get(f"{trials} {parallel} {run_for}", ("", "", ""))
    return (
        f"{count:,}, {parallel}, {run_for}",
        f"{ours['makespan']:.1f} s",
        ", ".join(f"**{ratio:.2f}**" for ratio in _ratios(rounds)),
        f"{ours['in_flight']:.1f}",
        _refill(ours),
        _refill(bare),
        f"{ours['writes'] / count:.2f}",
        _ms(ours["cpu"] / count),
        _ms(bare["cpu"] / count),
        _busy(ours, count),
        _busy(bare, count),
        _mib(ours["memory"]),
        *katib[:1],
        f"{katib[1]} ms" if katib[1] else "",
        katib[2],
    )


def _middle(rounds: Sequence[Results], who: str) -> Results:
    """Return the median of each figure."""
    return {name: statistics.median(one[who][name] for one in rounds) for name in rounds[0][who]}


def _ratios(rounds: Sequence[Results]) -> list[float]:
    return [one["operator"]["makespan"] / one["bare"]["makespan"] for one in rounds]


def _busy(found: Results, trials: int) -> str:
    """Return what a trial takes of all cores, and how many of them were busy."""
    return f"{_ms(found['machine_cpu'] / trials)}, {found['machine_cpu'] / found['makespan']:.1f} cores"


def _others(results: Results) -> Iterable[tuple[str, str]]:
    if one := results.get("sweeps"):
        cost = f"CPU {_ms(one['cpu'] / 10_000)} and {one['writes'] / 10_000:.2f} writes a trial"
        seen = f"{one['makespan']:.0f} s; {cost}; peak memory {_mib(one['memory'])}"
        yield "200 sweeps of 50 trials of 10 s, one of each at a time", seen
    if one := results.get("start"):
        load = f"start beside 10,000 ended trials and 500 running Jobs ({one['objects']:,.0f} objects)"
        seen = f"creates the first Job after {one['acts_after']:.1f} s; CPU {one['cpu']:.1f} s"
        yield load, f"{seen}; peak memory {_mib(one['memory'])}"
    if one := results.get("reports"):
        load = f"500 running trials that report in annotations, {one['per_second']:.0f} reports a second in all"
        seen = (
            f"CPU {1e6 * one['cpu'] / one['reports']:.0f} µs and {one['writes'] / one['reports']:.3f} writes a report"
        )
        yield load, seen


def _refill(found: Results) -> str:
    return f"{1000 * found['refill_median']:.0f} / {1000 * found['refill_p99']:.0f} ms"


def _trials(size: Results) -> int:
    return max(int(window.split("-")[1]) for window in size if window != "all")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def _mib(mebibytes: float) -> str:
    return f"{mebibytes:.0f} MiB"


def _kib(count: float) -> str:
    return f"{count / 1024:.1f} KiB" if count else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def draw(results: Results) -> None:
    """Draw makespans beside Katib's, and what a trial costs as a sweep grows."""
    plt = pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
    names = [name for name in results if name.startswith("makespan ")]
    labels = [f"{t} trials,\n{p} at once, {s}" for t, p, s in (name.split()[1:] for name in names)]
    ratios = [statistics.median(_ratios(results[name])) for name in names]
    left.bar(labels, ratios, width=0.5, color="#1f77b4", label="this operator")
    katib = {"makespan 500 50 1s": 3.04, "makespan 100 20 2s": 1.27}
    shown = [(label, katib[name]) for label, name in zip(labels, names, strict=True) if name in katib]
    left.plot(*zip(*shown, strict=True), "D", color="#d62728", label="Katib, measured apart")
    left.axhline(1, color="#7f7f7f", linewidth=0.8)
    left.set_title("makespan, of the bare loop's")
    left.tick_params(axis="x", labelsize=6)
    left.legend(frameon=False)
    if "size" in results:
        windows = [window for window in results["size"] if window != "all"]
        values = [1000 * results["size"][window]["cpu"] for window in windows]
        right.bar([window.replace("-", "\nto ") for window in windows], values, width=0.5, color="#1f77b4")
        right.set_title("CPU of the operator in ms a trial, by number of the trial")
        right.tick_params(axis="x", labelsize=6)
    figure.tight_layout()
    figure.savefig(FIGURE, metadata={"Date": None})
    plt.close(figure)
