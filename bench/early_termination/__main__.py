"""`python -m bench.early_termination`."""

import argparse
from pathlib import Path

from .figure import draw
from .measure import Measured, measure
from .policies import POLICIES
from .report import Results, write_tables
from .sweeps import SEEDS, Task, learners, networks

CACHE = Path(".local") / "bench" / "early-termination"
REPORT = Path("docs") / "early-termination-measured.md"
FIGURE = Path("docs") / "images" / "early-termination-measured.svg"

_ABOUT = """Replays recorded sweeps under every early termination policy, judged by the operator's own code, and writes
docs/early-termination-measured.md with its figure. Takes half an hour; what was replayed is kept in .local, and only
done again when the policy or the code that judges has changed."""

#: Trials that run at once.
AT_ONCE = {"networks": 8, "learners": 4}


def main() -> None:
    """Measure every policy on every recorded sweep, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench.early_termination", description=_ABOUT)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="orders and splits of each sweep (%(default)s)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth sweep alone, and no report: a try")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where results are kept (%(default)s)")
    options = parser.parse_args()
    suites = {"networks": list(networks()), "learners": list(learners("accuracy", options.cache))}
    results: Results = {}
    for suite, tasks in suites.items():
        chosen = tasks[:: options.every]
        results[suite] = {
            name: _measured(suite, chosen, name, seeds=options.seeds, cache=options.cache) for name in POLICIES
        }
    if options.every == 1:
        write_tables(results, REPORT)
        draw(results, FIGURE)
        print(f"wrote {REPORT} and {FIGURE}")


def _measured(suite: str, tasks: list[Task], name: str, *, seeds: int, cache: Path) -> list[Measured]:
    return measure(suite, tasks, name, POLICIES[name], seeds=seeds, at_once=AT_ONCE[suite], cache=cache)


if __name__ == "__main__":
    main()
