"""The judge of a round sees what it is there to see."""

from tests.chaos.judge import interruptions, spending

TWICE = {"a-1": {"pod-1", "pod-2"}}


def test_a_trial_that_ran_once_more_must_say_that_it_was_interrupted() -> None:
    told = {"a-1": {"interruptions": {"count": 1}}}
    assert not list(interruptions({"a-1": 1}, TWICE, told))
    assert list(interruptions({"a-1": 1}, TWICE, {"a-1": {}}))


def test_an_eviction_that_came_too_late_is_no_interruption() -> None:
    assert not list(interruptions({"a-1": 1}, {"a-1": {"pod-1"}}, {"a-1": {}}))


def test_time_that_is_counted_twice_or_not_at_all_is_seen() -> None:
    ran = {"a-1": {"one", "two"}, "a-2": {"three"}}
    seconds = {"one": 10.0, "two": 20.0, "three": 30.0}
    assert not list(spending(60.0, ran, seconds))
    assert not list(spending(63.0, ran, seconds))
    assert list(spending(90.0, ran, seconds))
    assert list(spending(30.0, ran, seconds))
    assert list(spending(None, ran, seconds))


def test_a_pod_that_told_no_end_may_have_counted_until_that_was_noticed() -> None:
    ran = {"a-1": {"one", "two"}}
    assert not list(spending(110.0, ran, {"one": 10.0}))
    assert list(spending(3600.0, ran, {"one": 10.0}))
