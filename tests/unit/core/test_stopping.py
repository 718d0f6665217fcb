"""Stopped trials in plans, statuses and what optimisers learn."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.builders import (
    NOW,
    STAMP,
    ended,
    facts,
    job_body,
    limits,
    pod_body,
    reported,
    reporting,
    running,
    sweep,
    trial,
)

from hyperdrive_operator.api.v1alpha1 import HyperDriveStatus
from hyperdrive_operator.core.actions import Action, CreateTrial, EndJob, FollowLog, ReadLog, RecordStart, StopTrial
from hyperdrive_operator.core.early_termination import Verdict
from hyperdrive_operator.core.facts import best_trial
from hyperdrive_operator.core.planning import make_plan
from hyperdrive_operator.core.proposing import build_request
from hyperdrive_operator.core.roster import Roster
from hyperdrive_operator.core.savings import seconds_saved
from hyperdrive_operator.core.status import summarise
from hyperdrive_operator.core.trialjobs import read_job
from hyperdrive_operator.core.trials import Trial

VERDICT = Verdict("Bandit", 3, 0.1, 0.8, ("digits-1",), "at interval 3 it is too low")
BANDIT = {"type": "Bandit", "bandit": {"slackAmount": 0.1}, "delayEvaluation": 0}


def actions(*trials: Trial, total: int = 9, at_once: int = 2, of: str = "Grid") -> tuple[Action, ...]:
    of_sweep = sweep(limits=limits(total, at_once), samplingAlgorithm={"type": of}, earlyTermination=BANDIT)
    plan = make_plan(of_sweep, trials, hold=None, is_template_checked=True, now=NOW, verdicts={2: VERDICT})
    return tuple(action for action in plan.actions if not isinstance(action, FollowLog))


def stopping(number: int, *, deadline: int | None = 0, suspend: bool = False, has_pod: bool = True) -> Trial:
    """Build a trial that was stopped and whose Job has not finished."""
    job = job_body(number, ready=1)
    job["spec"] = {"suspend": suspend} | ({"activeDeadlineSeconds": deadline} if deadline is not None else {})
    return trial(number, job=job, pod=pod_body(number) if has_pod else None, state="EarlyStopped", value=0.5)


def test_a_verdict_stops_a_running_trial_and_no_other() -> None:
    (stop,) = actions(reporting(1, 0.9), reporting(2, 0.1))
    assert isinstance(stop, StopTrial)
    assert (stop.trial.record.number, stop.verdict) == (2, VERDICT)


def test_a_trial_that_is_stopped_needs_no_start_first() -> None:
    unrecorded = trial(2, job=job_body(2, ready=1), pod=pod_body(2))
    assert [type(action) for action in actions(running(1), unrecorded)] == [StopTrial]
    first = trial(1, job=job_body(1, ready=1), pod=pod_body(1))
    assert [type(action) for action in actions(first, running(2))] == [RecordStart, StopTrial]


def test_a_job_that_has_finished_counts_before_a_verdict() -> None:
    done = trial(2, job=job_body(2, finished="Complete"), pod=pod_body(2, phase="Succeeded"), state="Running")
    assert ReadLog(done) in actions(running(1), done)
    assert not any(isinstance(action, StopTrial) for action in actions(running(1), done))


@pytest.mark.parametrize("deadline", [None, 1, 3600])
def test_a_stopped_trials_job_is_ended_until_it_is(deadline: int | None) -> None:
    left = stopping(2, deadline=deadline)
    assert actions(running(1), left) == (EndJob(left),)
    assert actions(running(1), stopping(2)) == ()


@pytest.mark.parametrize("algorithm", ["Grid", "Bayesian"])
def test_a_stopped_trial_keeps_its_place_until_its_job_has_finished(algorithm: str) -> None:
    assert actions(running(1), stopping(2), of=algorithm) == ()
    finished = trial(2, job=job_body(2, finished="Failed"), state="EarlyStopped", value=0.5)
    assert len(actions(running(1), finished, of=algorithm)) == 1
    gone = trial(2, state="EarlyStopped", value=0.5)
    assert len(actions(running(1), gone, of=algorithm)) == 1, "its Job was cleaned up"
    assert not any(isinstance(action, CreateTrial) for action in actions(running(1), stopping(2, suspend=True)))
    assert len(actions(running(1), stopping(2, suspend=True, has_pod=False), of=algorithm)) == 1


def test_whole_runs_are_those_of_trials_that_ran_to_their_end() -> None:
    def whole_run(*trials: Trial) -> timedelta | None:
        return Roster.of(trials).ended.whole_run()

    def took(number: int, minutes: int, state: str = "Succeeded") -> Trial:
        end = f"2026-03-01T12:{minutes:02}:00Z"
        return trial(number, state=state, value=0.5, startTime=STAMP, completionTime=end)

    assert whole_run() is None
    assert whole_run(took(1, 5, "EarlyStopped"), took(2, 5, "Failed"), running(3)) is None
    assert whole_run(took(1, 10), took(2, 20), took(3, 50), took(4, 1, "EarlyStopped")) == timedelta(minutes=20)
    assert whole_run(took(1, 10), took(2, 20)) == timedelta(minutes=15)


def test_what_is_saved_is_never_less_than_nothing() -> None:
    whole = timedelta(minutes=10)
    assert seconds_saved(running(1), whole, NOW + timedelta(minutes=4, seconds=0.5)) == 359
    assert seconds_saved(running(1), whole, NOW + timedelta(minutes=40)) == 0
    assert seconds_saved(running(1), None, NOW) is None
    unknown = trial(1)
    assert seconds_saved(unknown, whole, NOW) is None


def test_a_status_counts_stopped_trials_and_what_they_saved() -> None:
    saved = trial(1, state="EarlyStopped", value=0.5, earlyTermination={"policy": "Bandit", "secondsSaved": 40})
    more = trial(2, state="EarlyStopped", value=0.6, earlyTermination={"policy": "Bandit", "secondsSaved": 2})
    unknown = trial(3, state="EarlyStopped", value=0.1, earlyTermination={"policy": "Bandit"})
    status = summarise(facts(sweep(earlyTermination=BANDIT), [saved, more, unknown]), NOW)
    assert status["progress"] == "3/3"
    assert (status["trials"]["earlyStopped"], status["timeSavedSeconds"]) == (3, 42)
    assert (status["state"], status["bestTrial"]["name"]) == ("Complete", "digits-2")
    HyperDriveStatus.model_validate(status)


def test_a_sweep_without_early_termination_says_nothing_of_it() -> None:
    status = summarise(facts(sweep(), [ended(1, 0.5), running(2)]), NOW)
    assert "earlyStopped" not in status["trials"]
    assert "timeSavedSeconds" not in status


def test_a_sweep_is_not_over_while_a_stopped_trials_pod_may_run() -> None:
    of = sweep(earlyTermination=BANDIT, limits=limits(2, 2))
    assert summarise(facts(of, [ended(1, 0.9), stopping(2)]), NOW)["state"] == "Running"
    gone = replace(stopping(2), job=read_job(job_body(2, finished="Failed")))
    assert summarise(facts(of, [ended(1, 0.9), gone]), NOW)["state"] == "Complete"


def test_optimisers_learn_from_what_a_stopped_trial_had() -> None:
    of = sweep(samplingAlgorithm={"type": "Bayesian"})
    assert of.spec is not None
    request = build_request(of.spec, [reported(1, 0.25, state="EarlyStopped"), ended(2, None)], {}, [3])
    assert [one.value for one in request.finished] == [0.25, None]


def test_of_equals_the_lowest_number_is_the_best_stopped_or_not() -> None:
    best = best_trial(facts(sweep(), [reported(1, 0.5, state="EarlyStopped"), ended(2, 0.5)]))
    assert best is not None
    assert best.name == "digits-1"
