"""Race the sampling algorithms, time their proposals, and write the tables and figures of docs/sampling-quality.md.

Needs the extra `bench`: pip install -e '.[bench]'. An interrupted run goes on where it was.
"""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .bound import Bound
from .campaign import LONG_PROBLEMS, REAL_BOUND_PROBLEMS, bound_all, problems, race_all
from .figures import draw_ranks, draw_regrets
from .problems import functions
from .report import bound_table, judge, race_table, time_table, verdict_text, write
from .results import Results, digest
from .timing import FINISHED, measure

PARTS: Final = ("race", "timing", "bound", "real-bound")
DEFAULT_PARTS: Final = PARTS[:-1]
#: A quarter of the real bound, and searches three times as long: hours of the real one in minutes.
QUARTER: Final = Bound(history=250, best=25)
QUARTER_TRIALS: Final = 750
REAL_TRIALS: Final = 2_000


def main() -> None:
    """Read the command line, and do the parts one after the other."""
    arguments = _arguments()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the optimiser's process; ours reads it before it starts
    folder = Path(arguments.results) / digest()
    results = Results(folder / "results.jsonl")
    print(f"raw results: {folder}", flush=True)
    blocks: dict[str, str] = {}
    if "race" in arguments.parts:
        blocks |= _race(arguments, results)
    if "timing" in arguments.parts:
        blocks["timing"] = time_table(_times(results))
    if "bound" in arguments.parts:
        blocks["quarter-bound"] = _bound(arguments, results)
    if "real-bound" in arguments.parts:
        blocks["real-bound"] = _real_bound(arguments, results)
    write(Path(arguments.output), blocks)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.optimizers", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="searches of each sampler on each problem (default: 20)")
    parser.add_argument("--trials", type=int, default=100, help="trials of each search (default: 100)")
    parser.add_argument("--jobs", type=int, default=1, help="processes that search (default: 1)")
    parser.add_argument(
        "--only", action="append", choices=sorted(problems()), metavar="NAME", help="this problem alone; repeatable"
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=DEFAULT_PARTS,
        help="what to do; real-bound takes hours (default: the others)",
    )
    parser.add_argument(
        "--bound-seeds", type=int, default=10, help="seeds of the comparison of long histories (default: 10)"
    )
    parser.add_argument("--output", default="docs", help="folder of the page and its images (default: docs)")
    parser.add_argument("--results", default=".local/bench-optimizers", help="folder of the raw results")
    return parser.parse_args()


def _race(arguments: argparse.Namespace, results: Results) -> Mapping[str, str]:
    names = arguments.only or list(problems())
    races = race_all(results, names, seeds=arguments.seeds, trials=arguments.trials, jobs=arguments.jobs)
    images = Path(arguments.output) / "images"
    known = functions()
    families = {
        "sampling-functions.svg": [race for race in races if race.problem.name in known],
        "sampling-tables.svg": [race for race in races if race.problem.name not in known],
    }
    for name, family in families.items():
        if family:
            draw_regrets(family, images / name)
    draw_ranks(races, images / "sampling-ranks.svg")
    verdicts = judge(races)
    return {"race": race_table(races, verdicts), "verdicts": verdict_text(verdicts)}


def _times(results: Results) -> dict[int, Any]:
    keys = {n: ("timing", n) for n in FINISHED}
    results.complete(list(keys.values()), lambda key: measure(int(key[1])), 1, "timing")
    return {n: results[key] for n, key in keys.items()}


def _bound(arguments: argparse.Namespace, results: Results) -> str:
    names = arguments.only or LONG_PROBLEMS
    seeds, jobs = arguments.bound_seeds, arguments.jobs
    return bound_table(bound_all(results, names, seeds, QUARTER_TRIALS, bound=QUARTER, jobs=jobs), QUARTER)


def _real_bound(arguments: argparse.Namespace, results: Results) -> str:
    names = arguments.only or REAL_BOUND_PROBLEMS
    seeds, jobs = arguments.bound_seeds, arguments.jobs
    return bound_table(bound_all(results, names, seeds, REAL_TRIALS, bound=Bound(), jobs=jobs), Bound())


if __name__ == "__main__":
    main()
