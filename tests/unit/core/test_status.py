"""The status of a sweep: whole, the same for the same facts, and never silent about what does not move."""

import math
from datetime import timedelta
from typing import Any

import pytest
from tests.support.builders import (
    NOW,
    STAMP,
    choice,
    ended,
    facts,
    job_body,
    limits,
    pod_body,
    record_body,
    running,
    sweep,
    trial,
)

from hyperdrive_operator.core.conditions import find
from hyperdrive_operator.core.facts import best_trial
from hyperdrive_operator.core.planning import Hold
from hyperdrive_operator.core.records import read_record
from hyperdrive_operator.core.status import summarise
from hyperdrive_operator.core.trials import Trial

INVALID = {"spec": {"template": {"spec": {"containers": [{"image": "$(params.typo)"}]}}}}
SUSPENDED = job_body(2) | {"spec": {"suspend": True}}
WAITING = {"name": "train", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}


def status(trials: list[Trial], **given: Any) -> dict[str, Any]:
    split = {key: given.pop(key) for key in ("hold", "is_template_checked") if key in given}
    return summarise(facts(sweep(**given), trials, **split), NOW)


def truths(of: dict[str, Any]) -> dict[str, str]:
    return {condition["type"]: condition["status"] for condition in of["conditions"]}


@pytest.mark.parametrize(
    ("values", "winner"),
    [
        pytest.param([0.1, 0.5, 0.3], 2, id="highest wins"),
        pytest.param([0.5, 0.5], 1, id="ties go to the lowest number"),
        pytest.param([math.nan, 0.2], 2, id="nan never wins"),
        pytest.param([math.inf, 0.2], 2, id="infinity never wins"),
        pytest.param([0.2, None], 1, id="a trial without a value never wins"),
        pytest.param([-3.0, -2.0], 2, id="below zero"),
        pytest.param([0.0], 1, id="zero is a value"),
        pytest.param([math.nan], None, id="nothing usable, no winner"),
        pytest.param([], None, id="no trials"),
    ],
)
def test_best_trial(values: list[float | None], winner: int | None) -> None:
    best = best_trial(facts(sweep(), [ended(n, value) for n, value in enumerate(values, start=1)]))
    assert (best.number if best else None) == winner


def test_the_lowest_wins_where_less_is_better() -> None:
    of = sweep(objective={"primaryMetric": "loss", "goal": "Minimize"})
    best = best_trial(facts(of, [ended(1, 0.5), ended(2, 0.1), ended(3, 0.1)]))
    assert best is not None
    assert (best.name, best.value) == ("digits-2", 0.1)


def test_a_failed_trials_value_never_wins() -> None:
    assert best_trial(facts(sweep(), [trial(1, state="Failed", value=0.9)])) is None


@pytest.mark.parametrize(
    ("trials", "state", "true"),
    [
        pytest.param([], "Pending", {"Accepted", "Progressing"}, id="nothing yet"),
        pytest.param([running(1)], "Running", {"Accepted", "Progressing"}, id="running"),
        pytest.param([ended(1, 0.5), running(2)], "Running", {"Accepted", "Progressing"}, id="one ended"),
        pytest.param([ended(1, 0.5), trial(2, job=SUSPENDED)], "Queued", {"Accepted", "Progressing"}, id="queued"),
        pytest.param([running(1), trial(2, job=SUSPENDED)], "Running", {"Accepted", "Progressing"}, id="one runs"),
        pytest.param([ended(n, 0.5) for n in (1, 2, 3)], "Complete", {"Accepted", "Complete"}, id="complete"),
        pytest.param([ended(1, 0.5), ended(2, None), ended(3, None)], "Complete", {"Accepted", "Complete"}, id="some"),
        pytest.param([ended(n, None) for n in (1, 2, 3)], "Failed", {"Accepted", "Stalled", "Failed"}, id="failed"),
        pytest.param([ended(1, None), running(2)], "Running", {"Accepted", "Progressing", "Stalled"}, id="no result"),
    ],
)
def test_state_and_conditions(trials: list[Trial], state: str, true: set[str]) -> None:
    result = status(trials)
    assert result["state"] == state
    assert {kind for kind, value in truths(result).items() if value == "True"} == true
    assert len(result["conditions"]) == 5
    assert ("completionTime" in result) == (state in {"Complete", "Failed"})


@pytest.mark.parametrize(
    ("trials", "state", "stalled"),
    [
        pytest.param([], "Paused", "False", id="nothing yet"),
        pytest.param([running(1)], "Paused", "False", id="one runs on"),
        pytest.param([ended(1, 0.5)], "Paused", "False", id="one has ended"),
        pytest.param([ended(n, 0.5) for n in (1, 2, 3)], "Complete", "False", id="all have ended"),
        pytest.param([ended(1, None)], "Paused", "True", id="a trial without a result is told in a pause too"),
    ],
)
def test_a_pause_is_a_state_and_nothing_to_mend(trials: list[Trial], state: str, stalled: str) -> None:
    result = status(trials, state="Paused")
    assert (result["state"], truths(result)["Stalled"], truths(result)["Progressing"]) == (state, stalled, "False")
    assert (find(result, "Progressing")["reason"] == "Paused") == (state == "Paused")
    assert ("preview" in result) == (not trials)


def test_a_sweep_that_runs_has_no_preview() -> None:
    assert "preview" not in status([])


def test_counts() -> None:
    trials = [ended(1, 0.5), ended(2, None), running(3), trial(4), trial(5, job=job_body(5))]
    result = status(trials, limits=limits(10, 5))
    assert result["trials"] == {
        "planned": 10,
        "created": 5,
        "queued": 2,
        "running": 1,
        "succeeded": 1,
        "failed": 1,
    }
    assert result["progress"] == "2/10"


def test_a_trial_whose_job_has_finished_and_whose_log_is_still_read_is_not_queued() -> None:
    concluding = trial(1, job=job_body(1, finished="Complete"), pod=pod_body(phase="Succeeded"), state="Running")
    never_began = trial(2, job=job_body(2, finished="Failed"))
    counts = status([concluding, never_began])["trials"]
    assert (counts["running"], counts["queued"]) == (1, 1)


def test_the_end_names_the_best_trial() -> None:
    complete = find(status([ended(1, 0.5), ended(2, 0.75), ended(3, 0.1)]), "Complete")
    assert (complete["reason"], complete["message"]) == (
        "AllTrialsFinished",
        "all 3 trials have ended; best is digits-2 with accuracy=0.75",
    )


def test_a_space_that_ends_before_the_limit_is_told() -> None:
    result = status([ended(1, 0.5), ended(2, 0.5)], searchSpace=[choice("x", 0, 1)])
    assert find(result, "Complete")["reason"] == "SearchSpaceExhausted"


def test_invalid_spec() -> None:
    result = status([], trialTemplate=INVALID)
    assert (result["state"], "completionTime" in result) == ("Invalid", False)
    for kind, truth in (("Accepted", "False"), ("Stalled", "True")):
        condition = find(result, kind)
        assert (condition["status"], condition["reason"]) == (truth, "InvalidTrialTemplate")
        assert (
            "spec.trialTemplate.spec.template.spec.containers[0].image: '$(params.typo)' names no parameter"
            in (condition["message"])
        )
    assert find(result, "Progressing")["status"] == "False"


def test_a_spec_that_cannot_be_read_has_a_status_too() -> None:
    result = status([], searchSpace=[])
    assert (result["state"], find(result, "Accepted")["reason"]) == ("Invalid", "InvalidSpec")
    assert "spec.searchSpace" in find(result, "Accepted")["message"]


def test_before_the_first_check_nobody_knows_whether_the_template_is_accepted() -> None:
    accepted = find(status([], is_template_checked=False), "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("Unknown", "NotYetChecked")
    assert find(status([running(1)], is_template_checked=False), "Accepted")["status"] == "True"


@pytest.mark.parametrize(
    ("reason", "state", "accepted"),
    [("QuotaExceeded", "Running", "True"), ("InvalidTrialTemplate", "Invalid", "False")],
)
def test_a_hold_is_told(reason: str, state: str, accepted: str) -> None:
    hold = Hold(reason, "the API server's words", NOW + timedelta(seconds=5))
    result = status([running(1)], hold=hold)
    stalled = find(result, "Stalled")
    assert (stalled["status"], stalled["reason"], stalled["message"]) == ("True", reason, "the API server's words")
    assert (result["state"], find(result, "Accepted")["status"]) == (state, accepted)
    assert find(result, "Progressing")["reason"] == reason


def test_a_sweep_on_hold_is_not_over() -> None:
    hold = Hold("QuotaExceeded", "full", NOW + timedelta(seconds=5))
    assert "completionTime" not in status([ended(n, 0.5) for n in (1, 2, 3)], hold=hold)


def test_a_pod_that_does_not_start_is_told_when_nothing_runs() -> None:
    waiting = [trial(n, job=job_body(n), pod=pod_body(n, phase="Pending", containerStatuses=[WAITING])) for n in (1, 2)]
    stalled = find(status(waiting), "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "PodWaiting")
    assert stalled["message"] == "digits-1 does not start: ErrImagePull: no such image (1 more wait)"
    assert find(status([*waiting, running(3)]), "Stalled")["status"] == "False"


def test_without_a_result_the_commonest_cause_is_told_and_what_to_do() -> None:
    trials = [
        ended(1, None, reason="JobFailed", message="exit code 1"),
        ended(2, None, reason="MetricNotReported", message="metrics seen: acc"),
        ended(3, None, reason="MetricNotReported", message="metrics seen: acc, loss"),
    ]
    failed = find(status(trials), "Failed")
    assert failed["reason"] == "MetricNotReported"
    assert "3 of 3 ended trials gave no result; digits-3: metrics seen: acc, loss" in failed["message"]


def test_a_hopeless_sweep_ends_and_says_how_to_try_again() -> None:
    result = status([ended(n, None, reason="JobFailed") for n in range(1, 6)], limits=limits(50, 3))
    assert (result["state"], result["progress"]) == ("Failed", "5/50")
    assert "no more are started" in find(result, "Failed")["message"]
    assert "kubectl delete hyperdrivetrials -l hyperdrive.dev/hyperdrive=digits" in find(result, "Failed")["message"]


def test_a_hopeless_sweep_is_not_over_while_a_trial_runs() -> None:
    trials = [*(ended(n, None) for n in range(1, 6)), running(6)]
    assert status(trials, limits=limits(50, 3))["state"] == "Running"


def test_a_succeeded_record_without_a_value_is_no_result() -> None:
    result = status([trial(n, state="Succeeded") for n in (1, 2, 3)])
    assert result["state"] == "Failed"
    assert truths(result)["Failed"] == "True"


# --- times ---------------------------------------------------------------------------------------------------------


def test_the_same_facts_give_the_same_status_and_it_stays_when_time_passes() -> None:
    first = status([ended(1, 0.5), running(2)])
    again = facts(sweep(status=first), [ended(1, 0.5), running(2)])
    assert summarise(again, NOW + timedelta(hours=1)) == first


def test_a_transition_time_moves_only_when_the_status_flips() -> None:
    first = status([ended(1, 0.5), ended(2, 0.4), running(3)])
    later = NOW + timedelta(hours=1)
    over = summarise(facts(sweep(status=first), [ended(n, 0.5) for n in (1, 2, 3)]), later)
    moved = {condition["type"] for condition in over["conditions"] if condition["lastTransitionTime"] != STAMP}
    assert moved == {"Progressing", "Complete"}
    assert (over["startTime"], over["completionTime"]) == (STAMP, "2026-03-01T13:00:00Z")


def test_raised_limits_take_the_end_back() -> None:
    over = status([ended(n, 0.5) for n in (1, 2, 3)])
    result = summarise(facts(sweep(status=over, limits=limits(5, 2)), [ended(n, 0.5) for n in (1, 2, 3)]), NOW)
    assert ("completionTime" in result, truths(result)["Complete"], result["state"]) == (False, "False", "Running")


def test_conditions_are_about_the_generation_that_was_looked_at() -> None:
    result = status([running(1)], generation=7)
    assert result["observedGeneration"] == 7
    assert {condition["observedGeneration"] for condition in result["conditions"]} == {7}


def test_a_condition_of_a_hostile_status_does_no_harm() -> None:
    before = {"conditions": [{"type": "Accepted", "status": "True"}, {}]}
    assert truths(status([running(1)], status=before))["Accepted"] == "True"


def test_a_message_is_bounded() -> None:
    hold = Hold("QuotaExceeded", "x" * 100_000, NOW + timedelta(seconds=5))
    assert len(find(status([], hold=hold), "Stalled")["message"]) == 4096


def test_null_is_left_out_of_the_best_parameters_since_no_merge_patch_can_write_it() -> None:
    parameters = {"x": None, "y": {"a": None, "b": [{"c": None}, None]}}
    record = Trial(read_record(record_body(1, parameters=parameters, state="Succeeded", value=1)), None, None)
    best = status([record], limits=limits(1, 1))["bestTrial"]
    assert best["parameters"] == {"y": {"b": [{}, None]}}
