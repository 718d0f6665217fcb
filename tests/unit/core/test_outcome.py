"""How a trial ended, as its record tells it."""

from typing import Any

import pytest
from tests.support.builders import AIM, NOW, STAMP, job_body, pod_body, sweep_manifest, trial

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core import outcome
from hyperdrive_operator.core.progress import Progress, read_lines
from hyperdrive_operator.core.trials import Log

SPEC = HyperDriveSpec.model_validate(sweep_manifest()["spec"])


def ended(*, log: str | None = None, problem: str = "", pod: Any = None, **job: Any) -> dict[str, Any]:
    """Return the status of a trial whose Job has finished so."""
    progress = read_lines(log, AIM) if log is not None else Progress()
    of = trial(job=job_body(**{"finished": "Complete", **job}), pod=pod, log=Log(progress, problem))
    assert of.job is not None
    return outcome.ended(of, of.job, SPEC, NOW)


def test_a_value_in_the_annotation_is_the_trials_value() -> None:
    assert ended(metrics='{"accuracy": 0.93, "loss": 0.1}', startTime=STAMP) == {
        "state": "Succeeded",
        "value": 0.93,
        "reports": 1,
        "curve": {"interval": [1], "value": [0.93], "best": [0.93], "mean": [0.93]},
        "metrics": {"accuracy": 0.93, "loss": 0.1},
        "startTime": STAMP,
        "completionTime": STAMP,
        "runTime": {"seconds": 0, "time": STAMP},
        "requests": {"pods": 1},
    }


def test_the_annotation_counts_before_the_log() -> None:
    assert ended(metrics='{"accuracy": 0.5}', log="accuracy=0.9")["value"] == 0.5


def test_the_log_counts_where_the_annotation_has_no_value() -> None:
    status = ended(metrics='{"loss": 0.1}', log="accuracy=0.9 loss=0.5\naccuracy=0.8")
    assert (status["value"], status["reports"]) == (0.9, 2)
    assert status["metrics"] == {"accuracy": 0.8, "loss": 0.1}


@pytest.mark.parametrize(
    ("given", "reason", "words"),
    [
        pytest.param({"log": "loss=1 acc=0.9"}, "MetricNotReported", "metrics seen: acc, loss", id="another name"),
        pytest.param({"log": ""}, "MetricNotReported", "no metrics were seen at all", id="nothing"),
        pytest.param(
            {"problem": "its pod is gone"}, "MetricNotReported", "its log could not be read: its pod", id="log"
        ),
        pytest.param({"log": "accuracy=nan"}, "MetricNotANumber", "the last is 'nan'", id="NaN"),
        pytest.param({"metrics": "oops"}, "MetricNotANumber", "'oops', which is no JSON object", id="no JSON"),
    ],
)
def test_a_trial_that_ended_well_without_a_value_failed_and_says_why(
    given: dict[str, Any], reason: str, words: str
) -> None:
    status = ended(**given)
    assert (status["state"], status["reason"]) == ("Failed", reason)
    assert "'accuracy'" in status["message"]
    assert words in status["message"]
    assert "value" not in status


def test_a_failed_job_is_a_failed_trial_whatever_it_reported() -> None:
    code = {"state": {"terminated": {"exitCode": 137, "finishedAt": STAMP}}}
    status = ended(finished="Failed", log="accuracy=0.9", pod=pod_body(phase="Failed", containerStatuses=[code]))
    assert (status["state"], status["reason"]) == ("Failed", "JobFailed")
    assert status["message"] == "its Job failed (exit code 137): BackoffLimitExceeded: it failed"
    assert status["value"] == 0.9


def test_needs_log() -> None:
    assert outcome.needs_log(trial(job=job_body(finished="Complete")), SPEC)
    assert outcome.needs_log(trial(job=job_body(metrics='{"accuracy": NaN}')), SPEC)
    assert not outcome.needs_log(trial(job=job_body(metrics='{"accuracy": 0}')), SPEC)
    assert not outcome.needs_log(trial(job=job_body(), log=Log()), SPEC)
    assert not outcome.needs_log(trial(), SPEC)


def test_started_tells_when_the_pod_started_as_far_as_anyone_knows() -> None:
    container = {"state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}}}
    known = trial(job=job_body(ready=1), pod=pod_body(created="2026-03-01T10:59:00Z", containerStatuses=[container]))
    started = outcome.started(known, NOW)
    assert (started["state"], started["startTime"]) == ("Running", "2026-03-01T11:00:00Z")
    assert outcome.started(trial(job=job_body(ready=1)), NOW)["startTime"] == STAMP


def test_a_deleted_job_says_how_to_run_the_combination_again() -> None:
    status = outcome.job_deleted(trial(3, state="Running", startTime=STAMP), SPEC, NOW)
    assert (status["state"], status["reason"]) == ("Failed", names.REASON_JOB_DELETED)
    again = """kubectl patch hyperdrivetrial digits-3 --type merge -p '{"spec":{"attempt":2}}'"""
    assert status["message"].endswith(again)


def test_a_refused_job_gives_the_api_servers_own_words() -> None:
    status = outcome.job_refused(trial(), "spec.x: Invalid value", NOW)
    assert (status["reason"], status["message"]) == (
        names.REASON_JOB_REFUSED,
        "the API server refuses its Job: spec.x: Invalid value",
    )


def test_reports_count_for_where_they_were_read_and_once() -> None:
    recorded = {"interval": [1, 2], "value": [0.1, 0.2], "best": [0.1, 0.2], "mean": [0.1, 0.15]}
    printed = trial(state="Running", curve=recorded, log=Log(Progress()))
    annotated = trial(job=job_body(metrics='{"accuracy": 0.5}'))
    assert outcome.newly_reported(printed, SPEC, {"reports": 5}) == {"Log": 3}
    assert outcome.newly_reported(printed, SPEC, {"reports": 2}) == {}
    assert outcome.newly_reported(printed, SPEC, {"state": "Cancelled"}) == {}, "of one without a value"
    assert outcome.newly_reported(annotated, SPEC, {"reports": 1}) == {"Annotation": 1}
