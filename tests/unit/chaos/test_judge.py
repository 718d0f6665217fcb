"""The judge of a round sees what it is there to see."""

from tests.chaos.judge import interruptions

TWICE = {"a-1": {"pod-1", "pod-2"}}


def test_a_trial_that_ran_once_more_must_say_that_it_was_interrupted() -> None:
    told = {"a-1": {"interruptions": {"count": 1}}}
    assert not list(interruptions({"a-1": 1}, TWICE, told))
    assert list(interruptions({"a-1": 1}, TWICE, {"a-1": {}}))


def test_an_eviction_that_came_too_late_is_no_interruption() -> None:
    assert not list(interruptions({"a-1": 1}, {"a-1": {"pod-1"}}, {"a-1": {}}))
