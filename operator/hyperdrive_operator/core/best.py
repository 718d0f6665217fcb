"""The best of some trials, by the primary metric."""

from collections.abc import Iterable

from .metrics import Goal, better
from .trials import USABLE, Record


def best_record(goal: Goal, records: Iterable[Record]) -> Record | None:
    """Return the record with the best value, be it stopped before its time; of equals the first."""
    best: Record | None = None
    for record in records:
        if record.state not in USABLE or record.value is None:
            continue
        if best is None or better(goal, record.value, best.value):
            best = record
    return best
