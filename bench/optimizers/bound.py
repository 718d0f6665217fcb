"""What it costs that Bayesian is told of a bounded number of trials: the same search with and without the bound.

Until the bound bites both are the same search, so that part runs once; from there each goes on by itself.
"""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core import proposing
from hyperdrive_operator.core.proposing import Proposal
from hyperdrive_operator.core.sampling import random_combination
from hyperdrive_operator.optimizer import choosing

from .problems import Problem
from .race import History

#: So many trials run at once: with one at a time a search of thousands takes hours.
AT_ONCE: Final = 10
UNBOUNDED: Final = 2**31
#: The searches that are compared.
ARMS: Final = ("bounded", "unbounded")

#: What came out, by arm: the regret of each trial; and, under `drawn(arm)`, the places of the trials that were drawn
#: at random since all that the model proposed had run.
Compared = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Bound:
    """How many trials are told at most, and how many of them are the best."""

    history: int = proposing.MAX_HISTORY
    best: int = proposing.MAX_BEST


@dataclass(frozen=True, slots=True)
class Searched:
    """Trials in their order: how much worse each is than the best there is, and the places of those drawn at random."""

    regrets: list[float] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)


@contextmanager
def bounded_by(bound: Bound) -> Iterator[None]:
    """Let the operator's code work with another bound."""
    before = Bound(proposing.MAX_HISTORY, proposing.MAX_BEST)
    vars(proposing).update(MAX_HISTORY=bound.history, MAX_BEST=bound.best)
    try:
        yield
    finally:
        vars(proposing).update(MAX_HISTORY=before.history, MAX_BEST=before.best)


@contextmanager
def noting_draws() -> Iterator[set[int]]:
    """Note the numbers of the trials for which the model has nothing new to say, so that they are drawn at random."""
    numbers: set[int] = set()
    draw = random_combination  # as choosing.py has it: it is put back there

    def noted(spec: HyperDriveSpec, number: int, taken: Set[str]) -> Proposal:
        numbers.add(number)
        return draw(spec, number, taken)

    vars(choosing).update(random_combination=noted)
    try:
        yield numbers
    finally:
        vars(choosing).update(random_combination=draw)


def drawn(arm: str) -> str:
    """Return the name under which the places of an arm's random trials stand."""
    return f"{arm}, drawn"


def compare(problem: Problem, seed: int, trials: int, bound: Bound) -> Compared:
    """Return what all trials came to, with the bound and without."""
    shared = History(problem.spec("Bayesian", seed, trials))
    with bounded_by(Bound(UNBOUNDED, UNBOUNDED)):
        start = search(problem, shared, min(bound.history, trials))
        rest = trials - len(start.regrets)
        without = search(problem, shared.copy(), rest)
    with bounded_by(bound):
        bounded = search(problem, shared.copy(), rest)
    compared: Compared = {}
    for arm, found in zip(ARMS, (bounded, without), strict=True):
        compared[arm] = start.regrets + found.regrets
        compared[drawn(arm)] = [*start.drawn, *found.drawn]
    return compared


def search(problem: Problem, history: History, trials: int) -> Searched:
    """Run so many more trials."""
    found = Searched()
    with noting_draws() as numbers:
        while len(found.regrets) < trials:
            for parameters in history.next(min(AT_ONCE, trials - len(found.regrets))):
                if parameters is None:
                    return found
                value = problem.value(parameters)
                history.add(parameters, value)
                found.regrets.append(problem.regret(value))
                if len(history.trials) in numbers:
                    found.drawn.append(len(history.trials) - 1)
    return found
