"""`python -m bench.early_termination`."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from .choose import chosen, loses_nothing, loses_nothing_measurable
from .crossing import crossings, slowest
from .figure import draw
from .measure import Measured, measure
from .policies import LATE, ORACLES, POLICIES, Fields
from .report import LEARNERS, NETWORKS, Results, facts, table, write
from .sweeps import SEEDS, Task, learners, networks

CACHE = Path(".local") / "bench" / "early-termination"
REPORT = Path("docs") / "early-termination-measured.md"
FIGURE = Path("docs") / "images" / "early-termination-measured.svg"

_ABOUT = """Replays recorded sweeps under every early termination policy, judged by the operator's own code, and writes
docs/early-termination-measured.md with its figure. Takes five minutes of processor time; what was replayed is
kept in .local, and only done again when the policy or the code that judges has changed. With another number of seeds or
of data sets than the report has it prints the tables instead."""

#: Trials that run at once.
AT_ONCE = {"networks": 8, "learners": 4}
#: Seeds of the half of the data sets on which settings are chosen.
CHOOSING_SEEDS = 5
_SLOWEST = {"trial": 1, "three trials": 3}


def main() -> None:
    """Measure every policy on every recorded sweep, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench.early_termination", description=_ABOUT)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="orders and splits of each sweep (%(default)s)")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="of LCDB's 248 data sets every Nth (%(default)s)"
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help="where results are kept (%(default)s)")
    options = parser.parse_args()

    def measured(
        suite: str, tasks: list[Task], policies: Mapping[str, Fields], seeds: int
    ) -> dict[str, list[Measured]]:
        return measure(suite, tasks, policies, seeds=seeds, at_once=AT_ONCE[suite], cache=options.cache)

    sets = list(learners("accuracy", options.cache))[:: options.every]
    seen = measured("learners", sets[::2], LATE, min(CHOOSING_SEEDS, options.seeds))
    strict, lenient = (chosen(seen, rule) for rule in (loses_nothing, loses_nothing_measurable))
    others = measured(
        "learners", sets[1::2], {name: LATE[name] for name in LATE if name in {*strict, *lenient}}, options.seeds
    )
    fixed = {**POLICIES, **ORACLES}
    results: Results = {
        "learners": measured("learners", sets, fixed, options.seeds),
        "networks": measured("networks", list(networks()), fixed, options.seeds),
        "strict": {name: others[name] for name in strict},
        "lenient": {name: others[name] for name in lenient},
    }
    texts = {
        suite: table(by_policy, NETWORKS if suite == "networks" else LEARNERS) for suite, by_policy in results.items()
    }
    slow = {f"the slowest {name} of a sweep": slowest(sets, options.seeds, count) for name, count in _SLOWEST.items()}
    texts["facts"] = facts(results["learners"]["MedianStopping, delay 5"], slow)
    texts["learners cross"] = crossings(sets, options.seeds)
    texts["networks cross"] = crossings(list(networks()), 1)
    if (options.every, options.seeds) == (1, SEEDS):
        write(texts, REPORT)
        draw(results, FIGURE)
        print(f"wrote {REPORT} and {FIGURE}")
    else:
        print("\n".join(f"{name}\n\n{text}" for name, text in texts.items()))


if __name__ == "__main__":
    main()
