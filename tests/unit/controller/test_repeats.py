"""A combination that is run several times: its value is the mean of what each time gave, or it has none."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.support.builders import job_template, limits, sweep_manifest
from tests.support.laboratory import Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, Object

INDEX = "batch.kubernetes.io/job-completion-index"


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory = make()
    yield laboratory
    await laboratory.logs.close()


def make(**spec: Any) -> Laboratory:
    lab = Laboratory()
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(1, 1), repeats=3, **spec))
    return lab


def add_pod(lab: Laboratory, index: int, *, phase: str = "Succeeded", suffix: str = "", **status: Any) -> Object:
    """Play the Job controller: a pod of that index."""
    job = lab.cluster.one(JOBS, "digits-1")
    job["spec"]["template"]["metadata"]["labels"][INDEX] = str(index)
    return lab.add_pod(job, phase=phase, suffix=f"{index}{suffix}", **status)


async def run(lab: Laboratory, logs: Mapping[int, str], how: str = "Complete") -> Object:
    """Let each repeat print its log, and the Job end; return the record's status."""
    await lab.settle()
    for index, log in logs.items():
        pod = add_pod(lab, index)
        lab.cluster.logs[pod["metadata"]["name"]] = log
    lab.end_job("digits-1", how)
    await lab.settle()
    status: Object = lab.record("digits-1")["status"]
    return status


async def test_each_repeat_is_a_completion_of_one_job_and_knows_its_number(lab: Laboratory) -> None:
    await lab.settle()
    spec = lab.cluster.one(JOBS, "digits-1")["spec"]
    assert (spec["completionMode"], spec["completions"], "parallelism" in spec) == ("Indexed", 3, False)
    env = {one["name"]: one for one in spec["template"]["spec"]["containers"][0]["env"]}
    assert env[names.ENV_REPEAT]["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.annotations['{INDEX}']"


async def test_the_value_is_the_mean_of_the_repeats_and_their_deviation_is_told(lab: Laboratory) -> None:
    logs = {0: "accuracy=0.1\naccuracy=0.5 loss=1", 1: "accuracy=0.7 loss=2", 2: "accuracy=0.9 loss=6"}
    status = await run(lab, logs)
    assert (status["state"], status["value"], status["reports"]) == ("Succeeded", pytest.approx(0.7), 1)
    assert status["repeats"] == [0.5, 0.7, 0.9]
    assert status["deviation"] == pytest.approx(0.2)
    assert status["metrics"] == {"accuracy": pytest.approx(0.7), "loss": 3}
    assert lab.status["bestTrial"]["value"] == pytest.approx(0.7)


async def test_the_last_report_of_each_counts_where_that_is_declared() -> None:
    lab = make(metrics={"value": "Last"})
    status = await run(lab, {0: "accuracy=0.9\naccuracy=0.1", 1: "accuracy=0.3", 2: "accuracy=0.5"})
    assert (status["value"], status["repeats"]) == (pytest.approx(0.3), [0.1, 0.3, 0.5])
    await lab.logs.close()


async def test_termination_messages_are_read_one_by_one() -> None:
    lab = make(metrics={"source": "TerminationMessage"})
    await lab.settle()
    for index in range(3):
        end = {"exitCode": 0, "message": f'{{"accuracy": {index + 1}}}'}
        add_pod(lab, index, containerStatuses=[{"name": "train", "state": {"terminated": end}}])
    lab.end_job("digits-1", "Complete")
    await lab.settle()
    assert lab.record("digits-1")["status"]["repeats"] == [1, 2, 3]
    await lab.logs.close()


@pytest.mark.parametrize(
    ("log", "reason", "message"),
    [
        ("done", "MetricNotReported", "its repeat 1 ended well, but reported no 'accuracy'"),
        ("accuracy=nan", "MetricNotANumber", "the values of its repeat 1 of 'accuracy' are no finite numbers"),
    ],
)
async def test_a_repeat_without_a_value_leaves_the_trial_without_one(
    lab: Laboratory, log: str, reason: str, message: str
) -> None:
    status = await run(lab, {0: "accuracy=0.5", 1: log, 2: "accuracy=0.9"})
    assert (status["state"], status["reason"]) == ("Failed", reason)
    assert message in status["message"]
    assert "value" not in status
    assert "repeats" not in status


async def test_a_repeat_whose_pod_is_gone_is_told_of(lab: Laboratory) -> None:
    status = await run(lab, {0: "accuracy=0.5", 1: "accuracy=0.9"})
    assert (status["state"], status["reason"]) == ("Failed", "MetricNotReported")
    assert "its repeat 2" in status["message"]
    assert "its pod is gone" in status["message"]


async def test_a_failed_repeat_fails_the_trial_with_its_own_exit_code_and_last_lines(lab: Laboratory) -> None:
    await lab.settle()
    lab.cluster.logs[add_pod(lab, 0)["metadata"]["name"]] = "accuracy=0.5"
    end = {"exitCode": 137, "reason": "OOMKilled"}
    pod = add_pod(lab, 1, phase="Failed", containerStatuses=[{"name": "train", "state": {"terminated": end}}])
    lab.cluster.logs[pod["metadata"]["name"]] = "out of memory"
    lab.end_job("digits-1", "Failed")
    await lab.settle()
    status = lab.record("digits-1")["status"]
    assert (status["state"], status["exitCode"], status["exitReason"]) == ("Failed", 137, "OOMKilled")
    assert status["message"].endswith("out of memory")
    assert "value" not in status


async def test_a_try_that_failed_before_the_repeat_succeeded_counts_as_in_any_trial(lab: Laboratory) -> None:
    await lab.settle()
    first = add_pod(lab, 0, phase="Failed", suffix="-first")
    lab.cluster.logs[first["metadata"]["name"]] = "accuracy=0.9"
    lab.clock.advance(5)
    status = await run(lab, {0: "accuracy=0.3", 1: "accuracy=0.5", 2: "accuracy=0.7"})
    assert status["repeats"] == [0.9, 0.5, 0.7]


async def test_annotations_of_the_shared_job_count_for_none_of_them(lab: Laboratory) -> None:
    await lab.settle()
    annotations = {names.ANNOTATION_METRICS: '{"accuracy": 1}'}
    lab.cluster.change(JOBS, "digits-1", {"metadata": {"annotations": annotations}})
    status = await run(lab, {0: "accuracy=0.3", 1: "accuracy=0.5", 2: "accuracy=0.7"})
    assert status["value"] == pytest.approx(0.5)


async def test_a_running_repeat_is_not_followed(lab: Laboratory) -> None:
    await lab.settle()
    pod = add_pod(lab, 0, phase="Running")
    lab.cluster.say(pod["metadata"]["name"], "accuracy=0.5\n")
    await lab.settle()
    assert (lab.logs.followed, lab.trial_states()) == (0, {"digits-1": "Running"})


async def test_a_template_that_counts_by_itself_is_refused() -> None:
    lab = make(trialTemplate=job_template(completions=2))
    await lab.settle()
    message = lab.condition("Accepted")["message"]
    assert "spec.trialTemplate.spec.completions: must not be given beside spec.repeats" in message
    await lab.logs.close()
