"""A ranking is a sorted list, only faster."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperdrive_operator.core.early_termination.ranking import Ranking

entries = st.dictionaries(st.integers(1, 50), st.integers(-3, 3).map(float))


def listed(ranking: Ranking) -> list[tuple[float, int]]:
    return [ranking[rank] for rank in range(len(ranking))]


@given(entries, st.data())
def test_added_to_and_removed_from_it_is_what_it_would_be_if_made_anew(
    scores: dict[int, float], data: st.DataObject
) -> None:
    ranking = Ranking()
    order = data.draw(st.permutations(sorted(scores)))
    for number in order:
        ranking.add(scores[number], number)
    gone = data.draw(st.sets(st.sampled_from(order))) if order else set()
    for number in gone:
        ranking.remove(scores[number], number)
    rest = {number: score for number, score in scores.items() if number not in gone}
    assert listed(ranking) == listed(Ranking((score, number) for number, score in rest.items()))
    assert listed(ranking) == sorted(((s, n) for n, s in rest.items()), key=lambda entry: (entry[0], -entry[1]))


@given(entries, st.integers(-4, 4).map(float))
def test_it_counts(scores: dict[int, float], score: float) -> None:
    ranking = Ranking((one, number) for number, one in scores.items())
    assert ranking.better(score) == sum(one > score for one in scores.values())
    assert ranking.not_better(score) == sum(one <= score for one in scores.values())


@given(entries, st.integers(1, 60))
def test_its_middle_is_the_median_of_the_others(scores: dict[int, float], number: int) -> None:
    ranking = Ranking((one, other) for other, one in scores.items())
    middle = ranking.middle_without(scores.get(number, 0.0), number)
    others = [score for other, score in scores.items() if other != number]
    if not others:
        assert middle is None
    else:
        assert middle is not None
        assert (middle[0][0] + middle[1][0]) / 2 == statistics.median(others)
        assert number not in {middle[0][1], middle[1][1]}


def test_who_is_not_there_cannot_be_removed() -> None:
    ranking = Ranking([(1.0, 1), (1.0, 3)])
    for score, number in ((1.0, 2), (2.0, 1), (0.0, 1)):
        with pytest.raises(KeyError):
            ranking.remove(score, number)
    assert len(ranking) == 2
