"""What a sweep knows before it begins: combinations to try first, and what an earlier sweep found."""

from collections.abc import Callable

from .kubectl import Kubectl, Object
from .sweeps import SCORE, condition, events, reason_is, trials


def test_a_second_sweep_learns_from_the_first_and_repeats_nothing(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    """The second is there before the first: it waits, and goes on by itself."""
    bayesian = {"type": "Bayesian", "seed": 1, "bayesian": {"startupTrials": 8}}
    warm = {"from": ["first"], "skipKnown": True}
    second = make_sweep("second", SCORE, total=6, at_once=1, samplingAlgorithm=bayesian, warmStart=warm)
    namespace.apply(second)
    namespace.wait("hd/second", reason_is("Stalled", "WarmStartNotFound"))
    message = condition(namespace.get("hd", "second"), "Stalled")["message"]
    assert "no HyperDrive 'first' in namespace" in message
    assert trials(namespace, "second") == []
    namespace("delete", "hd", "second")

    given = [{"x": 20}, {"x": 11}]
    random = {"type": "Random", "seed": 1}
    namespace.apply(make_sweep("first", SCORE, total=12, samplingAlgorithm=random, firstCombinations=given))
    namespace.wait("hd/first", "condition=Complete")
    known = [trial["spec"]["parameters"] for trial in trials(namespace, "first")]
    assert known[:2] == given

    namespace.apply(second)
    namespace.wait("hd/second", "condition=Complete")
    ran = [trial["spec"]["parameters"] for trial in trials(namespace, "second")]
    assert len({one["x"] for one in known + ran}) == 18, "none twice"
    status = namespace.get("hd", "second")["status"]
    assert status["warmStart"] == {"taken": 12, "leftOut": 0, "message": "first: 12 taken"}
    assert status["bestTrial"]["name"].startswith("second-"), "what the first found is no candidate"


def test_a_sweep_whose_space_an_earlier_one_has_run_completes_without_a_trial(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    namespace.apply(make_sweep("all", SCORE, total=20, at_once=5))
    namespace.wait("hd/all", "condition=Complete")
    namespace.apply(make_sweep("none", SCORE, total=20, warmStart={"from": ["all"], "skipKnown": True}))
    namespace.wait("hd/none", "condition=Complete")
    assert trials(namespace, "none") == []
    assert condition(namespace.get("hd", "none"), "Complete")["reason"] == "AllCombinationsKnown"
    assert "AllCombinationsKnown" in events(namespace, "none")


def test_a_first_combination_outside_of_the_space_is_told_with_the_fix(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    namespace.apply(make_sweep("outside", SCORE, firstCombinations=[{"x": 3}, {"x": 21}]))
    namespace.wait("hd/outside", reason_is("Accepted", "InvalidSpec"))
    message = condition(namespace.get("hd", "outside"), "Accepted")["message"]
    assert message == "spec.firstCombinations[1].x: 21 is no whole number from 1 to 20: use one"
    assert trials(namespace, "outside") == []
