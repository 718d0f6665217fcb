"""What to do next: every action, and what keeps it from being taken."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.builders import (
    NOW,
    STAMP,
    choice,
    ended,
    expression,
    job_body,
    limits,
    pod_body,
    running,
    sweep,
    trial,
)

from hyperdrive_operator.core.actions import (
    CheckTemplate,
    CreateJob,
    CreateTrial,
    PrepareTrial,
    Propose,
    ReadLog,
    RecordEnd,
    RecordLoss,
    RecordStart,
)
from hyperdrive_operator.core.planning import Hold, Plan, make_plan
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trials import Log, Trial
from hyperdrive_operator.kube.kinds import Object

HOLD = Hold("QuotaExceeded", "full", NOW + timedelta(seconds=5))


def plan(of: Sweep, trials: list[Trial], *, hold: Hold | None = None, checked: bool = True) -> Plan:
    return make_plan(of, trials, hold=hold, is_template_checked=checked, now=NOW)


def brief(of: Plan) -> list[str]:
    """Return a plan as text: what is done to which number."""
    short = []
    for action in of.actions:
        match action:
            case CheckTemplate(job=job):
                short.append(f"check {job['metadata']['name']}")
            case CreateTrial(number=number):
                short.append(f"create {number}")
            case PrepareTrial(number=number):
                short.append(f"prepare {number}")
            case CreateJob(trial=t):
                short.append(f"job {t.record.number}")
            case RecordStart(trial=t):
                short.append(f"start {t.record.number}")
            case ReadLog(trial=t):
                short.append(f"log {t.record.number}")
            case RecordEnd(trial=t):
                short.append(f"end {t.record.number}")
            case RecordLoss(trial=t):
                short.append(f"loss {t.record.number}")
    return short


LIMITED = limits(10, 3)
FINISHED: dict[str, Any] = {"job": job_body(1, finished="Complete")}


@pytest.mark.parametrize(
    ("trials", "actions"),
    [
        pytest.param([], ["create 1", "create 2", "create 3"], id="the first trials"),
        pytest.param([running(1)], ["create 2", "create 3"], id="one runs: room for two"),
        pytest.param([running(1), running(2), running(3)], [], id="no room"),
        pytest.param([ended(1, 0.5), running(2), running(3)], ["create 4"], id="one ended"),
        pytest.param([running(1), running(3)], ["create 2"], id="a number without a record runs again"),
        pytest.param([trial(1)], ["job 1", "create 2", "create 3"], id="a record whose Job was not created"),
        pytest.param([trial(n) for n in (1, 2, 3)], ["job 1", "job 2", "job 3"], id="records without Jobs take places"),
        pytest.param([trial(1, job=job_body(1))], ["create 2", "create 3"], id="a Job that waits"),
        pytest.param([trial(1, job=job_body(1, ready=1)), running(2), running(3)], ["start 1"], id="a pod has started"),
        pytest.param([trial(1, **FINISHED), running(2), running(3)], ["log 1", "create 4"], id="a Job has completed"),
        pytest.param(
            [trial(1, **FINISHED, log=Log()), running(2), running(3)], ["end 1", "create 4"], id="log was read"
        ),
        pytest.param(
            [trial(1, job=job_body(1, finished="Complete", metrics='{"accuracy": 1}')), running(2), running(3)],
            ["end 1", "create 4"],
            id="an annotation needs no log",
        ),
        pytest.param(
            [trial(1, job=job_body(1, finished="Failed")), running(2), running(3)], ["log 1", "create 4"], id="failed"
        ),
        pytest.param(
            [trial(1, state="Running", startTime=STAMP), running(2), running(3)], ["loss 1"], id="its Job went away"
        ),
        pytest.param([ended(1, 0.5), ended(2, None), running(3)], ["create 4", "create 5"], id="ended without a Job"),
    ],
)
def test_plan(trials: list[Trial], actions: list[str]) -> None:
    assert brief(plan(sweep(limits=LIMITED), trials)) == actions


def leaving(number: int, *, job_spec: Object | None = None, **pod: Any) -> Trial:
    """Build a trial whose pod has succeeded, while its Job does not know yet."""
    job = job_body(number) | {"spec": job_spec or {}}
    pod = {"phase": "Succeeded", **pod}
    return trial(number, job=job, pod=pod_body(number, **pod), state="Running", startTime=STAMP)


@pytest.mark.parametrize(
    ("trials", "actions"),
    [
        pytest.param([leaving(1), running(2), running(3)], ["prepare 4"], id="one will leave its place"),
        pytest.param([leaving(1), leaving(2), running(3)], ["prepare 4", "prepare 5"], id="two will"),
        pytest.param([leaving(1), leaving(2), running(3), trial(4)], ["prepare 5"], id="one is recorded already"),
        pytest.param([leaving(1), running(2), running(3), trial(4)], [], id="recorded, and no place yet"),
        pytest.param([leaving(1), running(2)], ["create 3", "prepare 4"], id="one place is free, one will be"),
        pytest.param([ended(1, 0.5), running(2), running(3), trial(4)], ["job 4"], id="the place is free"),
        pytest.param(
            [leaving(1, job_spec={"completions": 2, "parallelism": 2}), running(2), running(3)],
            [],
            id="another of its pods runs",
        ),
        pytest.param(
            [leaving(1, job_spec={"completions": 2, "parallelism": 1}), running(2), running(3)],
            [],
            id="another of its pods follows",
        ),
        pytest.param(
            [leaving(1, job_spec={"parallelism": 2}), running(2), running(3)], [], id="others of a work queue run"
        ),
        pytest.param([leaving(1, phase="Failed"), running(2), running(3)], [], id="a failed pod may be replaced"),
    ],
)
def test_who_comes_next_is_recorded_when_a_pod_has_succeeded_and_started_when_its_job_has(
    trials: list[Trial], actions: list[str]
) -> None:
    assert brief(plan(sweep(limits=limits(11, 3)), [*trials, ended(11, 0.5)])) == actions


@pytest.mark.parametrize(
    ("trials", "starting", "actions"),
    [
        pytest.param([running(1), running(2), trial(4)], {4}, [], id="a lower number is free, and no place"),
        pytest.param([running(1), running(2), trial(3), trial(4)], {4}, [], id="a lower number was recorded since"),
        pytest.param([running(1), running(2)], {3}, ["create 3"], id="it has no record so far: planned again"),
        pytest.param([running(1), running(3)], {4}, [], id="it has no record so far: a lower number has no place"),
        pytest.param([running(1), trial(3)], {4}, ["job 3"], id="the last place is another's"),
        pytest.param([running(1), trial(3)], {3}, ["create 2"], id="there is one more place"),
    ],
)
def test_whose_job_is_being_created_has_its_place_though_nothing_shows_it(
    trials: list[Trial], starting: set[int], actions: list[str]
) -> None:
    of = sweep(limits=LIMITED)
    made = make_plan(of, trials, hold=None, is_template_checked=True, now=NOW, starting=frozenset(starting))
    # what is under way is left out of what is done
    assert [one for one in brief(made) if one != "job 4"] == actions


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="none has ended"),
        pytest.param([ended(4, None)], id="one has failed"),
        pytest.param([trial(4, state="Cancelled")], id="one was cancelled without a value"),
    ],
)
def test_nobody_is_recorded_ahead_before_the_first_result(others: list[Trial]) -> None:
    assert brief(plan(sweep(limits=LIMITED), [leaving(1), running(2), running(3), *others])) == []


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"samplingAlgorithm": {"type": "Bayesian"}}, id="the result decides who comes next"),
        pytest.param(
            {"objective": {"primaryMetric": "accuracy", "goal": "Maximize", "target": 0.9}},
            id="the result may end the sweep",
        ),
        pytest.param({"limits": LIMITED | {"maxFailedTrials": 1}}, id="its failure may end the sweep"),
        pytest.param({"limits": limits(4, 3)}, id="there is no next"),
        pytest.param({"state": "Paused"}, id="paused"),
        pytest.param({"state": "Stopped"}, id="stopped"),
    ],
)
def test_nobody_is_recorded_ahead_who_may_never_run(spec: Object) -> None:
    given: Any = {"limits": LIMITED} | spec
    made = plan(sweep(**given), [leaving(1), running(2), running(3), ended(10, 0.5)])
    assert not [action for action in made.actions if isinstance(action, PrepareTrial | CreateTrial | CreateJob)]


def test_a_trial_that_is_to_run_once_more_has_the_place_before_who_would_be_recorded_ahead() -> None:
    again = ended(4, 0.5)
    again = replace(again, record=replace(again.record, wanted_attempt=2))
    assert brief(plan(sweep(limits=LIMITED), [leaving(1), running(2), running(3), again, ended(10, 0.5)])) == []


def test_a_search_space_that_ends_with_who_is_recorded_ahead_has_so_many_trials() -> None:
    space = [choice("x", "a", "b", "c", "d")]
    of, first = sweep(limits=limits(10, 2), searchSpace=space), ended(1, 0.5)
    made, later = (plan(of, [first, leaving(2), *rest]) for rest in ([running(3)], [leaving(3), trial(4)]))
    assert (brief(made), made.planned, later.planned) == (["prepare 4"], 4, 4)


def test_metrics_from_the_annotation_alone_need_no_log() -> None:
    of = sweep(limits=limits(1, 1), metrics={"source": "Annotation"})
    assert brief(plan(of, [trial(1, **FINISHED)])) == ["end 1"]


def test_a_record_that_is_being_deleted_is_left_alone_and_keeps_its_place() -> None:
    gone = trial(1, state="Running", startTime=STAMP)
    gone = replace(gone, record=replace(gone.record, deleting=True))
    assert brief(plan(sweep(limits=LIMITED), [gone])) == ["create 2", "create 3"]


def test_the_first_job_is_checked_before_anything_is_created() -> None:
    first = plan(sweep(limits=LIMITED), [], checked=False)
    assert brief(first) == ["check digits-1"]
    assert isinstance(first.actions[0], CheckTemplate)
    assert "ownerReferences" not in first.actions[0].job["metadata"]


def test_a_new_template_is_checked_with_the_next_job_and_recording_goes_on() -> None:
    trials = [trial(1, job=job_body(1, ready=1)), trial(2), ended(3, 0.1)]
    assert brief(plan(sweep(limits=LIMITED), trials, checked=False)) == ["start 1", "check digits-2"]


def test_nothing_is_checked_when_nothing_is_to_be_created() -> None:
    assert brief(plan(sweep(limits=limits(1, 1)), [running(1)], checked=False)) == []


def test_a_hold_keeps_jobs_from_being_created_and_recording_goes_on() -> None:
    held = plan(sweep(limits=LIMITED), [trial(1, job=job_body(1, ready=1)), trial(2)], hold=HOLD)
    assert brief(held) == ["start 1"]
    assert held.next_check == HOLD.until


def test_a_hold_that_is_over_holds_nothing() -> None:
    over = Hold("QuotaExceeded", "full", NOW)
    assert brief(plan(sweep(limits=limits(1, 1)), [], hold=over)) == ["create 1"]


def test_a_spec_with_problems_starts_nothing_and_recording_goes_on() -> None:
    template = {"spec": {"template": {"spec": {"containers": [{"image": "$(params.typo)"}]}}}}
    trials = [trial(1, job=job_body(1, ready=1)), trial(2)]
    assert brief(plan(sweep(limits=LIMITED, trialTemplate=template), trials)) == ["start 1"]


def test_a_spec_that_cannot_be_read_plans_nothing() -> None:
    assert plan(sweep(searchSpace=[]), [running(1)]) == Plan()


def test_lowered_limits_start_no_more_and_stop_nothing() -> None:
    trials = [running(1), running(2), running(3)]
    assert brief(plan(sweep(limits=limits(10, 1)), trials)) == []
    assert brief(plan(sweep(limits=limits(2, 3)), [running(1), running(2), ended(3, 0.5)])) == []


def test_lowered_concurrency_keeps_back_records_without_jobs() -> None:
    trials = [running(1), trial(2), trial(3)]
    assert brief(plan(sweep(limits=limits(10, 2)), trials)) == ["job 2"]


def test_raised_limits_go_on_after_the_end() -> None:
    trials = [ended(1, 0.1), ended(2, 0.2)]
    assert brief(plan(sweep(limits=limits(2, 2)), trials)) == []
    assert brief(plan(sweep(limits=limits(4, 2)), trials)) == ["create 3", "create 4"]


def test_a_small_space_ends_the_sweep_before_its_limit() -> None:
    of = sweep(searchSpace=[choice("x", 0, 1)], limits=limits(10, 5))
    assert plan(of, []).planned == 2
    assert brief(plan(of, [])) == ["create 1", "create 2"]
    assert brief(plan(of, [ended(1, 0.1), ended(2, 0.1)])) == []


def test_a_space_without_a_count_that_gives_nothing_new_is_exhausted() -> None:
    stuck = [expression("x", "qNormal", mu=0, sigma=1e-9, q=1)]
    of = sweep(searchSpace=stuck, samplingAlgorithm={"type": "Random"}, limits=limits(10, 5))
    first = plan(of, [])
    assert (brief(first), first.is_exhausted) == (["create 1"], True)


def test_what_a_record_runs_is_not_drawn_again() -> None:
    of = sweep(searchSpace=[choice("x", 0.0, 1.0)], samplingAlgorithm={"type": "Random"}, limits=limits(2, 2))
    stored = trial(1, state="Succeeded", value=1)  # its x is 0, as the API server writes 0.0
    (action,) = plan(of, [stored]).actions
    assert isinstance(action, CreateTrial)
    assert action.parameters == {"x": 1.0}


def test_five_trials_without_a_result_are_enough() -> None:
    four = [ended(n, None) for n in range(1, 5)]
    assert brief(plan(sweep(limits=LIMITED), four)) == ["create 5", "create 6", "create 7"]
    hopeless = plan(sweep(limits=LIMITED), [*four, ended(5, None)])
    assert (brief(hopeless), hopeless.is_hopeless) == ([], True)


def test_one_result_among_many_failures_is_hope() -> None:
    trials = [ended(1, 0.5), *(ended(n, None) for n in range(2, 10))]
    assert brief(plan(sweep(limits=LIMITED), trials)) == ["create 10"]


def test_as_many_as_run_at_once_may_fail_before_hope_is_lost() -> None:
    of = sweep(limits=limits(20, 8))
    assert not plan(of, [ended(n, None) for n in range(1, 8)]).is_hopeless
    assert plan(of, [ended(n, None) for n in range(1, 9)]).is_hopeless


def test_a_record_without_a_job_is_run_even_without_hope_or_the_sweep_would_never_end() -> None:
    trials = [*(ended(n, None) for n in range(1, 6)), trial(6)]
    hopeless = plan(sweep(limits=LIMITED), trials)
    assert (brief(hopeless), hopeless.is_hopeless) == (["job 6"], True)


@pytest.mark.parametrize("trials", [[], [running(1), ended(2, 0.5)], [trial(1), trial(2), ended(4, None)]])
def test_the_same_facts_give_the_same_plan(trials: list[Any]) -> None:
    of = sweep(limits=LIMITED, samplingAlgorithm={"type": "Random"})
    assert plan(of, trials) == plan(of, trials)


def test_a_pod_that_waits_is_no_start() -> None:
    waiting = trial(1, job=job_body(1), pod=pod_body(1, phase="Pending"))
    assert brief(plan(sweep(limits=limits(1, 1)), [waiting])) == []


PAUSED: dict[str, Any] = {"limits": LIMITED, "state": "Paused"}


@pytest.mark.parametrize(
    ("trials", "checked", "actions"),
    [
        pytest.param([], True, [], id="nothing is created"),
        pytest.param([], False, ["check digits-1"], id="the template is judged"),
        pytest.param([trial(1)], True, [], id="a record without a Job gets none"),
        pytest.param([trial(1)], False, ["check digits-1"], id="its Job is judged"),
        pytest.param([running(1)], False, ["check digits-1"], id="a template is judged while trials run"),
        pytest.param([trial(1, job=job_body(1, ready=1))], True, ["start 1"], id="a start is recorded"),
        pytest.param([trial(1, **FINISHED)], True, ["log 1"], id="an end is looked for"),
        pytest.param([ended(1, 0.5)], False, ["check digits-2"], id="the next Job is judged"),
        pytest.param([ended(n, 0.5) for n in range(1, 11)], False, [], id="nothing is judged after the end"),
    ],
)
def test_a_pause_creates_nothing_and_records_on(trials: list[Trial], checked: bool, actions: list[str]) -> None:
    assert brief(plan(sweep(**PAUSED), trials, checked=checked)) == actions


def test_what_would_run_is_planned_before_the_first_trial_of_a_paused_sweep_alone() -> None:
    outlook = plan(sweep(**PAUSED), []).outlook
    assert outlook is not None
    assert outlook.shown.planned == 10
    assert plan(sweep(**PAUSED), [], hold=HOLD).outlook == outlook, "also while something is in the way"
    assert plan(sweep(**PAUSED), [ended(1, 0.5)]).outlook is None
    assert plan(sweep(limits=LIMITED), []).outlook is None


def test_a_paused_sweep_asks_for_the_combinations_that_it_shows_and_no_more() -> None:
    of = sweep(**PAUSED | {"limits": limits(1000, 1000), "samplingAlgorithm": {"type": "Sobol"}})
    assert plan(of, []).actions == (Propose(tuple(range(1, 11))),)
