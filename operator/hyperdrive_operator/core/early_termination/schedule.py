"""When a trial is judged: at which of its intervals, and among which trials."""

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from hyperdrive_operator.api.v1alpha1.early_termination import MAX_INTERVAL
from hyperdrive_operator.core.curves import MAX_POINTS


class Schedule(Protocol):
    """A pure function of a trial's number and its reports."""

    def group(self, number: int) -> int:
        """Return which trials this one is compared with: those of its group."""

    def due(self, number: int, reports: int) -> int | None:
        """Return the newest interval at which it is to be judged, None before the first."""


@dataclass(frozen=True, slots=True)
class Multiples:
    """Every multiple of an interval that is not below the delay. All trials are one group."""

    every: int
    delay: int

    def group(self, number: int) -> int:  # noqa: ARG002  the interface's
        """Return the one group."""
        return 0

    def due(self, number: int, reports: int) -> int | None:  # noqa: ARG002  the interface's
        """Return the newest multiple that the trial has reached: those that it passed in a burst are in its best."""
        newest = reports - reports % self.every
        return newest if newest >= max(self.delay, 1) else None


@dataclass(frozen=True, slots=True)
class Brackets:
    """Rungs, in one bracket or several. `turns` says whose turn it is: trial n is in bracket turns[n - 1], repeated."""

    rungs: tuple[tuple[int, ...], ...]
    turns: tuple[int, ...] = field(default=(0,))

    def group(self, number: int) -> int:
        """Return the trial's bracket."""
        return self.turns[(number - 1) % len(self.turns)]

    def due(self, number: int, reports: int) -> int | None:
        """Return the newest rung that the trial has reached."""
        rungs = self.rungs[self.group(number)]
        passed = bisect_right(rungs, reports)
        return rungs[passed - 1] if passed else None


def halving(reduction: int, first: int, last: int | None) -> Brackets:
    """Return the rungs of successive halving: first * reduction^k, all of them below last."""
    rungs = []
    rung = first
    while rung < (last or MAX_INTERVAL + 1):
        rungs.append(rung)
        rung *= reduction
    return Brackets((tuple(rungs),))


@lru_cache(maxsize=64)
def hyperband(whole: int, reduction: int, most: int | None) -> Brackets:
    """Return Hyperband's brackets for trials of `whole` reports, the hastiest first.

    Bracket s has its first rung at whole / reduction^s. It gets (brackets / (s + 1)) * reduction^s of the trials, so
    that all brackets cost about the same, and they take turns as evenly as that allows.
    """
    deepest = 0
    while reduction ** (deepest + 1) <= whole:
        deepest += 1
    kept = range(deepest, max(deepest - (most or deepest + 1), -1), -1)
    rungs = tuple(tuple(dict.fromkeys(whole // reduction**step for step in range(s, 0, -1))) for s in kept)
    shares = [-(-(deepest + 1) * reduction**s // (s + 1)) for s in kept]
    return Brackets(rungs, _turns(shares))


_MOST_TURNS = 1_000


def _turns(shares: list[int]) -> tuple[int, ...]:
    """Return a round of turns in which each has its share, spread evenly: who is most behind is next."""
    total = sum(shares)
    length = min(total, _MOST_TURNS)
    taken = [0] * len(shares)
    turns = []
    for turn in range(1, length + 1):
        behind = max(range(len(shares)), key=lambda one: (turn * shares[one] - taken[one] * total, -one))
        taken[behind] += 1
        turns.append(behind)
    return tuple(turns)


def same_age(interval: int) -> int:
    """Return the interval at which others are looked at: at most 1/32 earlier.

    A long curve keeps no more than every second, fourth, eighth report (core/curves.py). Where all curves may have a
    gap there is nothing to compare, and each interval more would cost a ranking of all trials.
    """
    stride = 1
    while interval > MAX_POINTS * stride:
        stride *= 2
    return interval - interval % stride
