"""What would run: how many combinations, the first of them, and the rendered Job."""

import json
from typing import Any

import pytest
from tests.support.builders import choice, expression, job_template, limits, sweep

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core import preview
from hyperdrive_operator.core.jobs import build_job
from hyperdrive_operator.core.preview import Outlook, make_outlook
from hyperdrive_operator.core.proposing import foreseeable

RANDOM = {"type": "Random"}
UNIFORM = expression("x", "uniform", min=0, max=1)
TWO = [UNIFORM, expression("y", "uniform", min=0, max=1)]
TEN_CHOICES = [choice(f"p{n}", *range(10)) for n in range(10)]
NO_ARGUMENTS = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "b"}]}}}}


def spec_of(**given: Any) -> HyperDriveSpec:
    of = sweep(**{"trialTemplate": NO_ARGUMENTS, **given})
    assert of.spec is not None
    assert of.problems == ()
    return of.spec


def outlook(**given: Any) -> Outlook:
    return make_outlook("digits", spec_of(**given), {})


@pytest.mark.parametrize(
    ("given", "combinations", "planned", "words"),
    [
        pytest.param({}, 100, 3, "100 combinations; 3 trials would run", id="countable"),
        pytest.param(
            {"searchSpace": [choice("x", 1)]}, 1, 1, "1 combination; 1 trial would run", id="one is written as one"
        ),
        pytest.param(
            {"searchSpace": [choice("x", 1, 2)], "limits": limits(10, 2)},
            2,
            2,
            "2 combinations; 2 trials would run",
            id="the space ends before the limit",
        ),
        pytest.param(
            {"searchSpace": [choice("k", 1), UNIFORM], "samplingAlgorithm": RANDOM},
            None,
            3,
            "no end of combinations: x (uniform) has no countable values; 3 trials would run",
            id="uncountable",
        ),
        pytest.param(
            {"searchSpace": [expression("x", "qLogNormal", mu=0, sigma=1, q=1)], "samplingAlgorithm": RANDOM},
            None,
            3,
            "x (qLogNormal) has no countable values",
            id="steps without a bound",
        ),
        pytest.param(
            {"searchSpace": [{**UNIFORM, "gridPoints": 5}]}, 5, 3, "5 combinations; 3 trials", id="points of a grid"
        ),
        pytest.param(
            {"searchSpace": [{**UNIFORM, "gridPoints": 5}], "samplingAlgorithm": RANDOM},
            None,
            3,
            "no end of combinations",
            id="points count for a grid alone",
        ),
        pytest.param(
            {"constraints": [{"rule": "params.x < 2"}]},
            2,
            2,
            "2 of 100 combinations satisfy spec.constraints; 2 trials would run",
            id="constraints are counted in",
        ),
        pytest.param(
            {"searchSpace": TEN_CHOICES, "constraints": [{"rule": "params.p9 < 9"}]},
            10**10,
            3,
            "10,000,000,000 combinations before spec.constraints; at most 3 trials would run",
            id="too many to hold against constraints",
        ),
        pytest.param(
            {"searchSpace": [choice(f"p{n}", *range(100)) for n in range(20)]},
            None,
            3,
            "about 1e40 combinations; 3 trials",
            id="more than a number in JSON can say",
        ),
    ],
)
def test_how_many(given: Any, combinations: int | None, planned: int, words: str) -> None:
    shown = outlook(**given).shown
    assert (shown.combinations, shown.planned) == (combinations, planned)
    assert words in shown.message


def test_without_any_combination_nothing_would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    none: dict[str, Any] = {"constraints": [{"rule": "params.x < 0"}], "samplingAlgorithm": RANDOM}
    counted = outlook(**none).shown
    assert (counted.combinations, counted.planned, counted.first, counted.job) == (0, 0, None, None)
    monkeypatch.setattr(preview, "MAX_CHECKS", 10)
    tried = outlook(**none).shown
    assert (tried.combinations, tried.planned, tried.first) == (100, 0, None)
    assert "0 trials would run; no other combination was found" in tried.message


def test_ten_are_shown_in_the_order_of_their_numbers() -> None:
    shown = outlook(limits=limits(50, 2)).shown
    assert shown.first == [{"x": n} for n in range(10)]


def test_the_job_is_that_of_the_dry_run() -> None:
    of = spec_of(trialTemplate=job_template(backoffLimit=2))
    job = make_outlook("digits", of, {}).shown.job
    assert job == build_job(of, sweep_name="digits", trial="digits-1", trial_uid="", parameters={"x": 0})
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["--x=0"]


def test_the_job_has_the_values_as_the_trials_record_gives_them_back() -> None:
    space = [expression("x", "qUniform", min=1, max=3, q=0.5), choice("k", {"b": 1.0, "a": [2.5, 1e22]})]
    shown = outlook(searchSpace=space, trialTemplate=job_template()).shown
    assert shown.job is not None
    container = shown.job["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["--x=1"]
    assert {"name": "HYPERDRIVE_PARAM_K", "value": '{"a":[2.5,1e+22],"b":1}'} in container["env"]


def test_null_is_left_out_since_no_merge_patch_can_write_it() -> None:
    shown = outlook(searchSpace=[choice("x", {"a": None, "b": 1})], trialTemplate=job_template(suspend=None)).shown
    assert shown.first == [{"x": {"b": 1}}]
    assert shown.job is not None
    assert "suspend" not in shown.job["spec"]


def test_a_large_job_is_left_out_and_that_is_told() -> None:
    template = job_template()
    template["spec"]["template"]["spec"]["containers"][0]["args"] = ["x" * 70_000]
    shown = outlook(trialTemplate=template).shown
    assert shown.job is None
    assert "job is left out: it is larger than 64 KiB" in shown.message


def test_large_combinations_are_cut_off_and_that_is_told() -> None:
    shown = outlook(searchSpace=[choice("x", *(f"{n}{'x' * 30_000}" for n in range(9)))], limits=limits(9, 1)).shown
    assert shown.first is not None
    assert len(shown.first) == 2
    assert len(json.dumps(shown.first)) <= 65_000
    assert "first is cut off after 64 KiB" in shown.message


# --- what an optimiser proposes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "at_once", "known"),
    [
        pytest.param({"type": "Bayesian"}, 2, 10, id="as many as are drawn at random"),
        pytest.param({"type": "Bayesian", "bayesian": {"startupTrials": 3}}, 2, 3, id="as startupTrials says"),
        pytest.param({"type": "Bayesian", "bayesian": {"startupTrials": 3}}, 7, 7, id="as many as start together"),
        pytest.param({"type": "CmaEs"}, 2, 6, id="one population"),
        pytest.param({"type": "CmaEs", "cmaEs": {"populationSize": 5}}, 2, 5, id="a population that is given"),
        pytest.param({"type": "CmaEs"}, 40, 40, id="more than a population at once"),
        pytest.param({"type": "Sobol"}, 2, 60, id="a sequence needs no results"),
        pytest.param({"type": "Random"}, 2, 60, id="random needs no results"),
    ],
)
def test_how_many_do_not_depend_on_results(algorithm: Any, at_once: int, known: int) -> None:
    assert foreseeable(spec_of(searchSpace=TWO, samplingAlgorithm=algorithm, limits=limits(60, at_once))) == known


EARLY: dict[str, Any] = {
    "searchSpace": TWO,
    "samplingAlgorithm": {"type": "Bayesian", "bayesian": {"startupTrials": 3}},
    "limits": limits(60, 2),
}
THREE: dict[int, Any] = {n: {"x": n / 10, "y": 0.5} for n in (1, 2, 3)}


def test_the_first_are_asked_for_and_shown_once_they_are_there() -> None:
    first = outlook(**EARLY)
    assert (first.missing, first.shown.first, first.shown.job) == ((1, 2, 3), None, None)
    assert "the first combinations are being proposed" in first.shown.message
    some = make_outlook("digits", spec_of(**EARLY), {1: THREE[1]})
    assert (some.missing, some.shown.first) == ((2, 3), [THREE[1]])
    assert some.shown.job is not None
    all_of_them = make_outlook("digits", spec_of(**EARLY), THREE)
    assert (all_of_them.missing, all_of_them.shown.first) == ((), [THREE[1], THREE[2], THREE[3]])
    assert "what trial 4 runs depends on the results of those before it" in all_of_them.shown.message


def test_a_space_in_which_an_optimiser_finds_no_more_ends_there() -> None:
    ended = make_outlook("digits", spec_of(**EARLY), {1: THREE[1], 2: None, 3: None})
    assert (ended.missing, ended.shown.planned, ended.shown.first) == ((), 1, [THREE[1]])
    assert "1 trial would run; no other combination was found" in ended.shown.message


def test_what_depends_on_the_spec_alone_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of = spec_of(constraints=[{"rule": "params.x < 50"}], limits=limits(50, 2))
    first = make_outlook("digits", of, {})
    monkeypatch.setattr(preview, "allows", None)  # not to be called again
    monkeypatch.setattr(preview, "combination", None)
    assert make_outlook("digits", of, {}) == first
