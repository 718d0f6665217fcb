"""`python -m bench.early_termination`."""

import argparse
from pathlib import Path

from .figure import draw
from .measure import Measured, measure
from .policies import POLICIES
from .report import Results, table, write_tables
from .sweeps import SEEDS, Task, learners, networks

CACHE = Path(".local") / "bench" / "early-termination"
REPORT = Path("docs") / "early-termination-measured.md"
FIGURE = Path("docs") / "images" / "early-termination-measured.svg"

_ABOUT = """Replays recorded sweeps under every early termination policy, judged by the operator's own code, and writes
docs/early-termination-measured.md with its figure. Takes a quarter of an hour of processor time; what was replayed is
kept in .local, and only done again when the policy or the code that judges has changed. With other numbers of seeds or
data sets than those of the report it prints the tables instead."""

#: Of LCDB's data sets every so many: enough for the intervals, and an hour less.
EVERY = 4
#: Trials that run at once.
AT_ONCE = {"networks": 8, "learners": 4}


def main() -> None:
    """Measure every policy on every recorded sweep, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench.early_termination", description=_ABOUT)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="orders and splits of each sweep (%(default)s)")
    parser.add_argument(
        "--every", type=int, default=EVERY, metavar="N", help="of LCDB's 248 data sets every Nth (%(default)s)"
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help="where results are kept (%(default)s)")
    options = parser.parse_args()
    suites = {
        "networks": list(networks()),
        "learners": list(learners("accuracy", options.cache))[:: options.every],
    }
    results: Results = {}
    for suite, tasks in suites.items():
        results[suite] = {
            name: _measured(suite, tasks, name, seeds=options.seeds, cache=options.cache) for name in POLICIES
        }
    if (options.every, options.seeds) == (EVERY, SEEDS):
        write_tables(results, REPORT)
        draw(results, FIGURE)
        print(f"wrote {REPORT} and {FIGURE}")
    else:
        print("\n".join(f"{suite}\n\n{table(by_policy)}" for suite, by_policy in results.items()))


def _measured(suite: str, tasks: list[Task], name: str, *, seeds: int, cache: Path) -> list[Measured]:
    return measure(suite, tasks, name, POLICIES[name], seeds=seeds, at_once=AT_ONCE[suite], cache=cache)


if __name__ == "__main__":
    main()
