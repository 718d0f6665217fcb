"""Trials at one interval in the order of their scores: found, added to and asked in the time of a binary search."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import itemgetter


class Ranking:
    """Scores, the worst first, and whose they are. Of equal scores the lowest number is the best.

    A score is higher the better it is, whatever the goal. Two arrays of numbers, since a sweep of 10,000 trials has
    hundreds of rankings.
    """

    def __init__(self, entries: Iterable[tuple[float, int]] = ()) -> None:
        ordered = sorted(entries, key=itemgetter(1), reverse=True)
        ordered.sort(key=itemgetter(0))  # stable, and twice as fast as by both at once
        self._scores = array("d", [score for score, _ in ordered])
        self._numbers = array("l", [number for _, number in ordered])

    def __len__(self) -> int:
        return len(self._scores)

    def __getitem__(self, rank: int) -> tuple[float, int]:
        """Return score and number at a rank, 0 being the worst."""
        return self._scores[rank], self._numbers[rank]

    def add(self, score: float, number: int) -> None:
        """Add a trial that is not there."""
        place = self._place(score, number)
        self._scores.insert(place, score)
        self._numbers.insert(place, number)

    def remove(self, score: float, number: int) -> None:
        """Remove a trial that is there with this score."""
        place = self._place(score, number)
        if place == len(self) or (self._scores[place], self._numbers[place]) != (score, number):
            raise KeyError((score, number))
        del self._scores[place]
        del self._numbers[place]

    def better(self, score: float) -> int:
        """Return how many have a better score than this."""
        return len(self) - bisect_right(self._scores, score)

    def not_better(self, score: float) -> int:
        """Return how many have this score or a worse one."""
        return bisect_right(self._scores, score)

    def middle_without(self, score: float, number: int) -> tuple[tuple[float, int], tuple[float, int]] | None:
        """Return the two middle entries (twice the same of an odd number) of all but this one; None if there is none.

        The one need not be there.
        """
        own = self._place(score, number)
        is_there = own < len(self) and (self._scores[own], self._numbers[own]) == (score, number)
        count = len(self) - is_there
        if count == 0:
            return None
        low, high = (rank + (is_there and rank >= own) for rank in ((count - 1) // 2, count // 2))
        return self[low], self[high]

    def _place(self, score: float, number: int) -> int:
        first, last = bisect_left(self._scores, score), bisect_right(self._scores, score)
        return bisect_left(self._numbers, -number, first, last, key=lambda other: -other)
