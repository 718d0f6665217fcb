"""Views of records, Jobs and pods."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import NOW, STAMP, job_body, pod_body, record_body, trial

from hyperdrive_operator.core.pods import read_pod
from hyperdrive_operator.core.records import State, read_record
from hyperdrive_operator.core.trialjobs import read_job

from .test_metrics import JSON


def test_a_record_is_projected() -> None:
    record = read_record(record_body(3, state="Succeeded", value=0.5, startTime=STAMP, reason="R"))
    assert (record.uid, record.name, record.sweep_uid, record.number) == ("trial-3", "digits-3", "sweep-1", 3)
    assert (record.state, record.value, record.reason) == (State.SUCCEEDED, 0.5, "R")
    assert (record.started, record.ended) == (NOW, None)


def test_a_job_is_projected() -> None:
    job = read_job(job_body(3, metrics="{}", ready=1, startTime=STAMP))
    assert (job.trial_uid, job.finished, job.ready, job.metrics, job.started) == ("trial-3", "", 1, "{}", NOW)
    assert read_job(job_body(finished="Failed")).reason == "BackoffLimitExceeded"
    assert read_job(job_body(finished="Complete", completionTime=STAMP)).ended == NOW


@pytest.mark.parametrize(
    ("condition", "finished"),
    [
        ({"type": "Complete", "status": "True"}, "Complete"),
        ({"type": "Failed", "status": "True"}, "Failed"),
        ({"type": "Complete", "status": "False"}, ""),
        ({"type": "FailureTarget", "status": "True"}, ""),
        ({"type": "SuccessCriteriaMet", "status": "True"}, ""),
        ({"type": "Suspended", "status": "True"}, ""),
    ],
)
def test_a_job_has_finished_when_it_says_so_and_not_while_it_is_about_to(
    condition: dict[str, Any], finished: str
) -> None:
    assert read_job(job_body(conditions=[condition])).finished == finished


def test_an_owner_is_the_controlling_one_of_our_kind() -> None:
    body = record_body()
    (owner,) = body["metadata"]["ownerReferences"]
    for change in ({"controller": False}, {"kind": "Other"}, {"apiVersion": "other/v1"}):
        body["metadata"]["ownerReferences"] = [{**owner, **change}]
        assert read_record(body).sweep_uid == ""


def test_a_trial_takes_a_place_until_its_job_has_finished() -> None:
    assert trial().is_active
    assert trial(job=job_body()).is_active
    assert not trial(job=job_body(finished="Complete")).is_active
    assert not trial(state="Failed").is_active


def test_a_trial_runs_when_its_pod_or_its_job_says_so() -> None:
    assert not trial(job=job_body(), pod=pod_body(phase="Pending")).is_running
    assert trial(job=job_body(), pod=pod_body()).is_running
    assert trial(job=job_body(ready=1)).is_running
    assert not trial(job=job_body(finished="Complete"), pod=pod_body()).is_running


@pytest.mark.parametrize(
    ("status", "waiting"),
    [
        pytest.param({}, "", id="nothing known"),
        pytest.param(
            {
                "containerStatuses": [
                    {"name": "a", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such"}}}
                ]
            },
            "ErrImagePull: no such",
            id="image",
        ),
        pytest.param(
            {"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "CreateContainerConfigError"}}}]},
            "CreateContainerConfigError: container a",
            id="no message",
        ),
        pytest.param(
            {"initContainerStatuses": [{"name": "i", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
            "CrashLoopBackOff: container i",
            id="init container",
        ),
        pytest.param(
            {"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ContainerCreating"}}}]}, "", id="soon"
        ),
        pytest.param(
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}]},
            "Unschedulable: 0/1",
            id="no node",
        ),
        pytest.param({"conditions": [{"type": "PodScheduled", "status": "True"}]}, "", id="scheduled"),
    ],
)
def test_why_a_pod_does_not_start(status: dict[str, Any], waiting: str) -> None:
    assert read_pod(pod_body(phase="Pending", **status)).waiting == waiting


def test_a_pods_exit_code_is_that_of_the_container_that_failed() -> None:
    ends = [{"state": {"terminated": {"exitCode": code, "finishedAt": STAMP}}} for code in (0, 3)]
    pod = read_pod(pod_body(phase="Failed", containerStatuses=ends))
    assert (pod.exit_code, pod.ended) == (3, NOW)
    assert read_pod(pod_body()).exit_code is None


def test_the_log_is_of_our_container_and_not_of_one_that_was_put_before_it() -> None:
    body = pod_body()
    body["spec"]["containers"].insert(0, {"name": "istio-proxy", "env": [{"name": "A"}]})
    assert read_pod(body).container == "train"
    body["spec"]["containers"] = [{"name": "only"}]
    assert read_pod(body).container == "only"


@given(
    st.dictionaries(
        st.sampled_from(["state", "value", "reason", "message", "metrics", "startTime", "curve", "earlyTermination"]),
        JSON,
    )
)
def test_a_record_of_any_status_is_read_without_an_exception(status: dict[str, Any]) -> None:
    read_record(record_body() | {"status": status})


def test_a_state_of_a_newer_operator_is_an_end_without_a_result() -> None:
    # after a downgrade it must neither crash nor run again
    record = read_record(record_body(state="Archived", value=0.5))
    assert record.state is State.FAILED


def test_a_job_with_a_foreign_status_has_not_finished() -> None:
    assert read_job(job_body() | {"status": None, "spec": None}).finished == ""
