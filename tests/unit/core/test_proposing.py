"""What an optimiser is told of a sweep."""

from tests.support.builders import ended, limits, running, sweep

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.proposing import MAX_BEST, MAX_HISTORY, Finished, build_request
from hyperdrive_operator.core.sampling import combination_key

EARLIER, LATER = "2026-03-01T12:00:00Z", "2026-03-01T12:05:00Z"


def spec(algorithm: str = "Bayesian", goal: str = "Maximize") -> HyperDriveSpec:
    of = sweep(
        objective={"primaryMetric": "accuracy", "goal": goal},
        searchSpace=[{"name": name, "randint": {"upper": 10_000}} for name in ("x", "y")],
        samplingAlgorithm={"type": algorithm},
        limits=limits(10_000, 3),
    )
    assert of.spec is not None
    return of.spec


def test_results_are_in_the_order_in_which_trials_completed() -> None:
    trials = [
        ended(1, 0.1, completionTime=LATER),
        ended(2, None, completionTime=EARLIER),
        ended(3, 0.3, completionTime=EARLIER),
    ]
    request = build_request(spec(), trials, {}, [4])
    assert [(one.parameters["x"], one.value) for one in request.finished] == [(1, None), (2, 0.3), (0, 0.1)]


def test_what_is_proposed_counts_as_running_until_a_trial_has_the_number() -> None:
    proposed = {2: {"x": 70}, 3: {"x": 71}, 4: None}
    request = build_request(spec(), [running(1), running(2)], proposed, [5])
    assert list(request.running) == [{"x": 0}, {"x": 1}, {"x": 71}]
    assert request.taken == {1: '{"x":0}', 2: '{"x":1}', 3: combination_key({"x": 71})}


def test_of_a_long_history_bayesian_gets_the_best_and_the_newest() -> None:
    count = MAX_HISTORY + 500
    for goal, best in (("Maximize", 1.0), ("Minimize", -1.0)):
        trials = [ended(n, best if n <= 5 else 0.0, completionTime=EARLIER) for n in range(1, count + 1)]
        kept = [one.parameters["x"] for one in build_request(spec(goal=goal), trials, {}, [count + 1]).finished]
        assert len(kept) == MAX_HISTORY
        assert kept[:MAX_BEST] == list(range(MAX_BEST)), "the best, and of equals the first"
        assert kept[MAX_BEST:] == list(range(count - (MAX_HISTORY - MAX_BEST), count)), "then the newest"


def test_cma_es_gets_the_whole_history_and_sobol_none() -> None:
    trials = [ended(n, 0.5, completionTime=EARLIER) for n in range(1, MAX_HISTORY + 101)]
    assert len(build_request(spec("CmaEs"), trials, {}, [2000]).finished) == MAX_HISTORY + 100
    assert build_request(spec("Sobol"), trials, {}, [2000]).finished == ()


def test_what_earlier_sweeps_found_is_bounded_together_with_our_own_results() -> None:
    prior = [Finished({"x": -n, "y": 0}, 1.0 if n <= 5 else 0.0) for n in range(1, MAX_HISTORY + 1)]
    trials = [ended(n, 0.5, completionTime=EARLIER) for n in range(1, 301)]
    request = build_request(spec(), trials, {}, [301], prior=prior)
    assert len(request.prior) + len(request.finished) == MAX_HISTORY
    assert len(request.finished) == 300, "our own are the newest"
    assert [one.parameters["x"] for one in request.prior[:5]] == [-1, -2, -3, -4, -5], "and theirs may be the best"
    few = build_request(spec(), trials[:3], {}, [4], prior=prior[:7])
    assert (len(few.prior), len(few.finished)) == (7, 3)
    assert build_request(spec("Sobol"), trials, {}, [301], prior=prior).prior == ()


def test_what_is_to_be_tried_first_counts_as_running_before_it_has_a_trial() -> None:
    of = sweep(
        searchSpace=[{"name": "x", "randint": {"upper": 10_000}}],
        samplingAlgorithm={"type": "Bayesian"},
        firstCombinations=[{"x": 0}, {"x": 77}, {"x": 78}],
        limits=limits(10, 5),
    )
    assert of.spec is not None
    request = build_request(of.spec, [running(1)], {4: {"x": 9}}, [5])
    assert list(request.running) == [{"x": 0}, {"x": 9}, {"x": 77}, {"x": 78}]
    assert request.taken == {number: combination_key({"x": x}) for number, x in ((1, 0), (2, 77), (3, 78), (4, 9))}
