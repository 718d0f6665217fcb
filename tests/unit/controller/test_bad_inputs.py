"""What people get wrong: each ends in a condition and an event that name the field and the fix, and harms nobody."""

from typing import Any

import pytest
from tests.support.builders import NAMESPACE, choice, job_template, limits, sweep_manifest
from tests.support.laboratory import Laboratory

from hyperdrive_operator.controller.queue import Key
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.kube.errors import InvalidError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS

TYPO = job_template()
TYPO["spec"]["template"]["spec"]["containers"][0]["args"] = ["--lr=$(params.learning-rate)"]
NESTED: Any = 1
for _ in range(100):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("spec", "field", "fix"),
    [
        pytest.param(
            {"trialTemplate": TYPO},
            "spec.trialTemplate.spec.template.spec.containers[0].args[0]",
            "'$(params.learning-rate)' names no parameter of searchSpace: use one of x",
            id="an unknown parameter in a placeholder",
        ),
        pytest.param({"searchSpace": []}, "spec.searchSpace", "at least 1", id="an empty search space"),
        pytest.param(
            {"trialTemplate": {"spec": {}}}, "spec.trialTemplate.spec.template.spec", "containers", id="no pod"
        ),
        pytest.param(
            {"trialTemplate": {"spec": {"template": {"spec": {"containers": NESTED}}}}},
            "spec.trialTemplate.spec",
            "nest deeper than 64",
            id="a template nested without end",
        ),
        pytest.param(
            {"searchSpace": [choice("x", 1), choice("a-b", 1), choice("a.b", 2)]},
            "spec.searchSpace[2].name",
            "rename one",
            id="two parameters of one environment variable",
        ),
        pytest.param(
            {"trialTemplate": job_template(ttlSecondsAfterFinished=0)},
            "spec.trialTemplate.spec.ttlSecondsAfterFinished",
            "at least 300",
            id="a Job that is gone before its metrics are read",
        ),
    ],
)
async def test_a_spec_that_only_its_author_can_mend(spec: dict[str, Any], field: str, fix: str) -> None:
    lab = Laboratory()
    lab.cluster.put(HYPERDRIVES, sweep_manifest(**spec))
    assert await lab.settle() is None, "no retry: an edit will wake it"
    for kind, truth in (("Accepted", "False"), ("Stalled", "True")):
        condition = lab.condition(kind)
        assert condition["status"] == truth
        assert field in condition["message"]
        assert fix in condition["message"]
    assert lab.status["state"] == "Invalid"
    (warning,) = lab.warnings()
    assert field in warning
    assert lab.writes() == {"patch hyperdrives/status": 1}


async def test_a_name_that_is_too_long() -> None:
    lab = Laboratory(name="a" * 58)
    lab.cluster.put(HYPERDRIVES, sweep_manifest("a" * 58))
    assert await lab.settle() is None
    assert "metadata.name: must have at most 57 characters" in lab.condition("Accepted")["message"]
    assert len(lab.warnings()) == 1


async def test_a_mended_spec_runs(lab: Laboratory) -> None:
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"trialTemplate": TYPO}})
    await lab.settle()
    assert lab.status["state"] == "Invalid"
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"trialTemplate": job_template()}})
    await lab.run_to_the_end()
    assert (lab.status["state"], lab.condition("Accepted")["status"]) == ("Complete", "True")


async def test_a_spec_broken_while_it_runs_starts_no_more_and_loses_nothing(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"trialTemplate": TYPO}})
    await lab.settle()
    lab.finish_jobs()
    await lab.settle()
    assert (lab.status["state"], lab.status["progress"]) == ("Invalid", "2/6")
    assert lab.status["bestTrial"]["name"] == "digits-2"
    assert len(lab.cluster.all(JOBS)) == 2


@pytest.mark.parametrize(
    ("log", "reason", "words"),
    [
        pytest.param("acc=0.9 loss=0.1", "MetricNotReported", "metrics seen: acc, loss", id="another name"),
        pytest.param("epoch 1", "MetricNotReported", "no metrics were seen at all", id="no metric"),
        pytest.param("accuracy=nan", "MetricNotANumber", "the last is 'nan'", id="not a number"),
        pytest.param("accuracy=high", "MetricNotANumber", "the last is 'high'", id="a word"),
    ],
)
async def test_a_metric_that_no_trial_reports(log: str, reason: str, words: str) -> None:
    lab = Laboratory()
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(50, 2)))
    await lab.run_to_the_end(lambda _: log)
    for kind in ("Stalled", "Failed"):
        condition = lab.condition(kind)
        assert (condition["status"], condition["reason"]) == ("True", reason)
        assert "'accuracy'" in condition["message"]
        assert words in condition["message"]
    assert lab.status["state"] == "Failed"
    # five that ended, and what started while their logs were read
    assert len(lab.cluster.all(HYPERDRIVE_TRIALS)) <= 5 + 2 * 2, "fifty would be a waste"
    assert any(words in warning for warning in lab.warnings())


async def test_trials_that_fail_one_after_the_other(lab: Laboratory) -> None:
    for _ in range(6):
        await lab.settle()
        lab.start_jobs()
        for job in lab.cluster.all(JOBS):
            if not job["status"].get("conditions"):
                lab.end_job(job["metadata"]["name"], "Failed")
        lab.clock.advance(2)
    assert (lab.status["state"], lab.condition("Failed")["reason"]) == ("Failed", "JobFailed")
    assert "BackoffLimitExceeded" in lab.condition("Failed")["message"]


async def test_a_hopeless_sweep_goes_on_when_its_trials_are_deleted(lab: Laboratory) -> None:
    await lab.run_to_the_end(lambda _: "nothing")
    for record in lab.cluster.all(HYPERDRIVE_TRIALS):
        lab.cluster.remove(HYPERDRIVE_TRIALS, record["metadata"]["name"])
    lab.clock.advance(2)
    await lab.run_to_the_end()
    assert (lab.status["state"], lab.status["progress"]) == ("Complete", "6/6")


async def test_an_image_that_cannot_be_pulled(lab: Laboratory) -> None:
    await lab.settle()
    waiting = {"name": "train", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    for job in lab.cluster.all(JOBS):
        lab.add_pod(job, phase="Pending", containerStatuses=[waiting])
    await lab.settle()
    stalled = lab.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "PodWaiting")
    assert "digits-1 does not start: ImagePullBackOff: no such image" in lab.warnings()[0]
    lab.cluster.change(PODS, "digits-1-pod", {"status": {"phase": "Running", "containerStatuses": []}})
    await lab.settle()
    assert lab.condition("Stalled")["status"] == "False"


async def test_a_broken_sweep_does_no_harm_to_another(lab: Laboratory) -> None:
    def refuse(write: Any) -> None:
        if write.kind is JOBS and write.name.startswith("broken"):
            raise InvalidError(422, "Invalid", "no")

    lab.cluster.rules.append(refuse)
    for name, spec in (("broken-a", {}), ("broken-b", {"searchSpace": []}), ("broken-c", {"trialTemplate": TYPO})):
        lab.cluster.put(HYPERDRIVES, sweep_manifest(name, **spec))
        lab.deliver()
        for _ in range(3):
            await lab.reconciler.reconcile(Key(NAMESPACE, name))
    await lab.run_to_the_end()
    assert lab.status["state"] == "Complete"


async def test_a_job_that_gets_no_pod_is_told_though_no_event_of_ours_will_ever_come() -> None:
    lab = Laboratory()
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(2, 1)))
    await lab.settle()
    started = {"status": {"startTime": timestamps.text(lab.clock.now), "active": 0}}
    lab.cluster.change(JOBS, "digits-1", started, subresource="status")
    delay = await lab.settle()
    assert lab.condition("Stalled")["status"] == "False"
    assert delay == pytest.approx(15, abs=1), "it looks again by itself"

    lab.clock.advance(15)
    await lab.settle()
    stalled = lab.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "PodNotCreated")
    assert "kubectl describe job digits-1" in stalled["message"]
    assert ("Warning", "PodNotCreated", stalled["message"]) in lab.recorder.said

    lab.start_jobs()
    await lab.settle()
    assert lab.condition("Stalled")["status"] == "False"


async def test_a_suspended_job_is_queued_not_stalled() -> None:
    lab = Laboratory()
    lab.cluster.put(HYPERDRIVES, sweep_manifest(trialTemplate=job_template(suspend=True)))
    await lab.settle()
    lab.clock.advance(3600)
    await lab.settle()
    assert lab.condition("Stalled")["status"] == "False"
