"""What it costs that Bayesian is told of a bounded number of trials: the same search with and without the bound.

Until the bound bites both are the same search, so that part runs once; from there each goes on by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from hyperdrive_operator.core import proposing

from .problems import Problem
from .race import History

#: So many trials run at once: with one at a time a search of thousands takes hours.
AT_ONCE: Final = 10
UNBOUNDED: Final = 2**31


@dataclass(frozen=True, slots=True)
class Bound:
    """How many trials are told at most, and how many of them are the best."""

    history: int = proposing.MAX_HISTORY
    best: int = proposing.MAX_BEST


@contextmanager
def bounded_by(bound: Bound) -> Iterator[None]:
    """Let the operator's code work with another bound."""
    before = Bound(proposing.MAX_HISTORY, proposing.MAX_BEST)
    vars(proposing).update(MAX_HISTORY=bound.history, MAX_BEST=bound.best)
    try:
        yield
    finally:
        vars(proposing).update(MAX_HISTORY=before.history, MAX_BEST=before.best)


def compare(problem: Problem, seed: int, trials: int, bound: Bound) -> dict[str, list[float]]:
    """Return the regrets of all trials, with the bound and without."""
    shared = History(problem.spec("Bayesian", seed, trials))
    with bounded_by(Bound(UNBOUNDED, UNBOUNDED)):
        start = search(problem, shared, min(bound.history, trials))
        without = start + search(problem, shared.copy(), trials - len(start))
    with bounded_by(bound):
        bounded = start + search(problem, shared.copy(), trials - len(start))
    return {"bounded": bounded, "unbounded": without}


def search(problem: Problem, history: History, trials: int) -> list[float]:
    """Run so many more trials, and return their regrets."""
    regrets: list[float] = []
    while len(regrets) < trials:
        for parameters in history.next(min(AT_ONCE, trials - len(regrets))):
            if parameters is None:
                return regrets
            value = problem.value(parameters)
            history.add(parameters, value)
            regrets.append(problem.regret(value))
    return regrets
