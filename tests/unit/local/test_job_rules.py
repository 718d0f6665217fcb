"""The Job controller's decisions, one situation each."""

import datetime

import pytest
from hypothesis import given, strategies
from tests.unit.local.jobs_support import NOW, ago, make_job, make_pod, step, types

from hyperdrive_local.controllers.job_decision import Backoff, Decision
from hyperdrive_local.controllers.job_indexes import format_indexes, parse_indexes

STARTED = {"startTime": ago(30)}
DISRUPTED = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]}


def test_a_new_job_gets_a_pod_and_its_clock_starts() -> None:
    decision = step(make_job())
    assert decision.create == (None,)
    assert decision.status["startTime"] == ago(0)
    assert (decision.status["active"], decision.status["ready"]) == (1, 0)


def test_nothing_is_to_be_done_while_the_pod_runs() -> None:
    job = make_job(status=step(make_job(), make_pod()).status)
    decision = step(job, make_pod())
    assert decision == Decision(job["status"])


def test_a_success_is_noted_then_counted_then_the_job_is_complete() -> None:
    noted = step(make_job(status=STARTED), make_pod(phase="Succeeded", code=0))
    assert noted.status["uncountedTerminatedPods"] == {"succeeded": ["p-uid"]}
    assert noted.release == ("p",)
    assert types(noted) == [("SuccessCriteriaMet", "CompletionsReached")]
    assert "succeeded" not in noted.status

    counted = step(make_job(status=noted.status), make_pod(phase="Succeeded", code=0, tracked=False))
    assert counted.status["succeeded"] == 1
    assert counted.status["uncountedTerminatedPods"] == {}
    assert types(counted)[-1] == ("Complete", "CompletionsReached")
    assert counted.status["completionTime"] == ago(0)
    assert [event.reason for event in counted.events] == ["Completed"]


def test_a_pod_that_is_gone_once_noted_is_counted_all_the_same() -> None:
    noted = {**STARTED, "uncountedTerminatedPods": {"failed": ["p-uid"]}}
    assert step(make_job(status=noted)).status["failed"] == 1


def test_a_noted_pod_is_noted_once() -> None:
    noted = {**STARTED, "uncountedTerminatedPods": {"failed": ["p-uid"]}}
    decision = step(make_job(status=noted), make_pod(phase="Failed", code=1))
    assert decision.status["uncountedTerminatedPods"] == {"failed": ["p-uid"]}
    assert decision.backoff == Backoff()


@pytest.mark.parametrize(
    ("failures", "wait"),
    [(1, 10), (2, 20), (3, 40), (6, 320), (7, 600), (50, 600)],
)
def test_the_wait_doubles_with_every_failure_up_to_ten_minutes(failures: int, wait: int) -> None:
    backoff = Backoff(failures, NOW)
    job = make_job(status=STARTED, backoffLimit=100)
    early = step(job, backoff=backoff, later=wait - 1)
    assert early.create == ()
    assert early.check_after == 1
    assert step(job, backoff=backoff, later=wait).create == (None,)


def test_a_success_ends_the_back_off() -> None:
    job = make_job(status=STARTED, completions=3, parallelism=2)
    pods = [make_pod("bad", "Failed", code=1, ended=5), make_pod("good", "Succeeded", code=0, ended=1)]
    decision = step(job, *pods)
    assert decision.backoff == Backoff()
    assert decision.create == (None, None)


@pytest.mark.parametrize(("limit", "over"), [(0, True), (1, False)])
def test_more_failures_than_the_limit_fail_the_job(limit: int, over: bool) -> None:
    decision = step(make_job(status=STARTED, backoffLimit=limit), make_pod(phase="Failed", code=1))
    assert types(decision) == ([("FailureTarget", "BackoffLimitExceeded")] if over else [])


@pytest.mark.parametrize(("limit", "restarts", "over"), [(0, 0, False), (0, 1, True), (2, 1, False), (2, 2, True)])
def test_restarts_in_place_count_for_on_failure(limit: int, restarts: int, over: bool) -> None:
    job = make_job(status=STARTED, backoffLimit=limit, restart_policy="OnFailure")
    decision = step(job, make_pod(restarts=restarts))
    assert decision.delete == (("p",) if over else ())


def test_a_failing_job_ends_when_its_last_pod_has_gone() -> None:
    job = make_job(status=STARTED, activeDeadlineSeconds=30)
    late = step(job, make_pod())
    assert types(late) == [("FailureTarget", "DeadlineExceeded")]
    assert late.delete == ("p",)
    assert late.status["terminating"] == 1

    ending = step(make_job(status=late.status), make_pod(deleting=True))
    assert ending.status["uncountedTerminatedPods"] == {"failed": ["p-uid"]}
    assert ending.release == ("p",)
    waiting = step(make_job(status=ending.status), make_pod(deleting=True, tracked=False))
    assert types(waiting) == [("FailureTarget", "DeadlineExceeded")]
    over = step(make_job(status=waiting.status))
    assert types(over)[-1] == ("Failed", "DeadlineExceeded")
    assert over.status["failed"] == 1
    assert "completionTime" not in over.status
    assert [(event.type, event.reason) for event in over.events] == [("Warning", "DeadlineExceeded")]


def test_the_deadline_is_waited_for() -> None:
    decision = step(make_job(status=STARTED, activeDeadlineSeconds=40), make_pod())
    assert decision.check_after == 10


def test_a_suspended_job_discards_its_pod_and_stops_its_clock() -> None:
    decision = step(make_job(status=STARTED, suspend=True, activeDeadlineSeconds=1), make_pod())
    assert decision.discard == ("p",)
    assert decision.delete == ()
    assert types(decision) == [("Suspended", "JobSuspended")]
    assert "startTime" not in decision.status
    assert "active" not in decision.status


def test_a_resumed_job_starts_its_clock_again() -> None:
    suspended = step(make_job(suspend=True)).status
    decision = step(make_job(status=suspended, activeDeadlineSeconds=60))
    assert decision.status["startTime"] == ago(0)
    assert decision.create == (None,)
    assert decision.check_after == 60
    assert [event.reason for event in decision.events] == ["Resumed"]


def test_the_youngest_of_too_many_pods_go() -> None:
    pods = [make_pod("old", age=90), make_pod("young", age=5), make_pod("waiting", "Pending", age=200)]
    decision = step(make_job(status=STARTED, parallelism=1, completions=5), *pods)
    assert decision.discard == ("waiting", "young")


def test_an_exit_code_can_fail_the_job_at_once() -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3]}}
    decision = step(make_job(status=STARTED, podFailurePolicy={"rules": [rule]}), make_pod(phase="Failed", code=3))
    assert types(decision) == [("FailureTarget", "PodFailurePolicy")]
    message = decision.status["conditions"][0]["message"]
    assert message == "Container main for pod lab/p failed with exit code 3 matching FailJob rule at index 0"


@pytest.mark.parametrize(
    ("operator", "values", "code", "fails"),
    [("In", [3], 3, True), ("In", [3], 4, False), ("NotIn", [3], 4, True), ("NotIn", [3], 3, False)],
)
def test_exit_codes_are_matched_by_operator(operator: str, values: list[int], code: int, fails: bool) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": operator, "values": values}}
    decision = step(make_job(status=STARTED, podFailurePolicy={"rules": [rule]}), make_pod(phase="Failed", code=code))
    assert bool(types(decision)) == fails


def test_a_disruption_that_is_ignored_is_not_counted() -> None:
    job = make_job(status=STARTED, backoffLimit=0, podFailurePolicy=DISRUPTED)
    decision = step(job, make_pod(phase="Failed", code=143, condition="DisruptionTarget"))
    assert decision.status["uncountedTerminatedPods"] == {}
    assert decision.release == ("p",)
    assert types(decision) == []


def test_with_a_failure_policy_a_pod_is_replaced_only_once_it_has_ended() -> None:
    job = make_job(status=STARTED, podFailurePolicy=DISRUPTED)
    decision = step(job, make_pod(deleting=True))
    assert decision.create == ()
    assert decision.status["uncountedTerminatedPods"] == {}


def test_an_indexed_job_creates_the_indexes_that_are_missing() -> None:
    job = make_job(status={**STARTED, "completedIndexes": "0"}, completions=4, parallelism=3, completionMode="Indexed")
    decision = step(job, make_pod("p2", index=2), make_pod("p1", "Succeeded", code=0, index=1))
    assert decision.status["completedIndexes"] == "0,1"
    assert decision.status["succeeded"] == 2
    assert decision.create == (3,)


def test_a_work_queue_makes_no_new_pods_after_a_success() -> None:
    job = make_job(status=STARTED, completions=None, parallelism=2)
    pods = [make_pod("done", "Succeeded", code=0), make_pod("busy")]
    assert step(job, *pods).create == ()
    assert types(step(job, *pods[:1])) == [("SuccessCriteriaMet", "CompletionsReached")]


def test_a_job_that_is_being_deleted_makes_no_pods() -> None:
    assert step(make_job(status=STARTED, deleting=True)).create == ()


@pytest.mark.parametrize(("seconds", "remove", "after"), [(5, False, 4), (0, True, 0), (None, False, None)])
def test_a_finished_job_goes_when_its_time_is_over(seconds: int | None, remove: bool, after: int | None) -> None:
    ended = {"type": "Complete", "status": "True", "reason": "CompletionsReached", "lastTransitionTime": ago(1)}
    decision = step(make_job(status={"conditions": [ended]}, ttlSecondsAfterFinished=seconds))
    assert (decision.remove, decision.check_after) == (remove, after)


def test_a_finished_job_lets_its_pods_go_and_changes_nothing() -> None:
    ended = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "lastTransitionTime": ago(1)}
    decision = step(make_job(status={"conditions": [ended]}), make_pod())
    assert decision.release == ("p",)
    assert decision.status == {"conditions": [ended]}


@given(strategies.sets(strategies.integers(0, 300)))
def test_indexes_are_read_as_they_are_written(numbers: set[int]) -> None:
    assert parse_indexes(format_indexes(numbers)) == sorted(numbers)


@pytest.mark.parametrize(("numbers", "text"), [({0, 1}, "0,1"), ({0, 1, 2}, "0-2"), ({1, 3, 4, 5, 9}, "1,3-5,9")])
def test_indexes_are_written_as_the_real_one_does(numbers: set[int], text: str) -> None:
    assert format_indexes(numbers) == text


@given(
    limit=strategies.integers(0, 3),
    parallelism=strategies.integers(0, 4),
    completions=strategies.integers(0, 4) | strategies.none(),
    pods=strategies.lists(
        strategies.tuples(
            strategies.sampled_from(["Pending", "Running", "Succeeded", "Failed"]), strategies.booleans()
        ),
        max_size=6,
    ),
)
def test_there_are_never_more_active_pods_than_parallelism_wants(
    limit: int, parallelism: int, completions: int | None, pods: list[tuple[str, bool]]
) -> None:
    job = make_job(status=STARTED, parallelism=parallelism, completions=completions, backoffLimit=limit)
    made = [
        make_pod(f"p{n}", phase, code={"Succeeded": 0, "Failed": 1}.get(phase), deleting=deleting)
        for n, (phase, deleting) in enumerate(pods)
    ]
    decision = step(job, *made)
    staying = sum(phase in {"Pending", "Running"} and not deleting for phase, deleting in pods)
    staying -= len(decision.delete) + len(decision.discard)
    assert not (decision.create and (decision.delete or decision.discard))
    assert not decision.create or staying + len(decision.create) <= parallelism


def test_a_pod_without_times_does_not_break_the_back_off() -> None:
    pod = make_pod(phase="Failed")
    pod["status"]["containerStatuses"] = []
    decision = step(make_job(status=STARTED), pod)
    assert decision.backoff == Backoff(1, NOW - datetime.timedelta(seconds=60))
