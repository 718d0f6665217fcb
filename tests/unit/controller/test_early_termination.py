"""Trials that are ended before their time: what is written, in which order, and what nobody can undo."""

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from tests.support.builders import curve_of
from tests.support.fake_cluster import Failure
from tests.support.laboratory import STARTED, Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.core.curves import columns_of
from hyperdrive_operator.kube.errors import ForbiddenError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS

from .stopping import WHEN, Killed, deadline, laboratory, start, stop_the_second


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory_ = laboratory()
    yield laboratory_
    await laboratory_.logs.close()


async def test_a_trial_that_falls_behind_is_stopped_while_it_runs(lab: Laboratory) -> None:
    await stop_the_second(lab)
    assert lab.trial_states() == {"digits-1": "Running", "digits-2": "EarlyStopped"}
    status = lab.record("digits-2")["status"]
    assert status.pop("curve")["value"] == [0.5, 0.7]
    assert status == {
        "state": "EarlyStopped",
        "reason": "Bandit",
        "message": "at interval 2 its best value 0.7 is below 0.8: digits-1 has 0.9, and slackAmount 0.1 is all that "
        "it may be behind",
        "startTime": "2026-03-01T12:00:00Z",
        "completionTime": "2026-03-01T12:00:03Z",
        "runTime": {"seconds": 3, "time": "2026-03-01T12:00:03Z"},
        "requests": {"pods": 1},
        "value": 0.7,
        "reports": 2,
        "earlyTermination": {
            "policy": "Bandit",
            "interval": 2,
            "value": 0.7,
            "threshold": 0.8,
            "comparedWith": ["digits-1"],
        },
    }
    assert (deadline(lab, "digits-1"), deadline(lab, "digits-2")) == (None, 0)
    assert lab.counted.ended == {"EarlyStopped": 1}


async def test_what_a_script_reports_by_its_jobs_annotation_is_judged_at_once(lab: Laboratory) -> None:
    await start(lab)
    for name, value in (("digits-1", 0.9), ("digits-2", 0.1)):
        annotations = {names.ANNOTATION_METRICS: f'{{"accuracy": {value}, "loss": 2}}'}
        lab.cluster.change(JOBS, name, {"metadata": {"annotations": annotations}})
    await lab.settle()
    status = lab.record("digits-2")["status"]
    assert (status["state"], status["value"], status["reports"]) == ("EarlyStopped", 0.1, 1)
    assert status["metrics"] == {"accuracy": 0.1, "loss": 2}, "the last values of all metrics are kept"
    assert deadline(lab, "digits-2") == 0


async def test_its_record_says_so_before_its_job_is_told(lab: Laboratory) -> None:
    await stop_the_second(lab)
    writes = [write.what for write in lab.cluster.writes if write.name == "digits-2" and not write.is_dry_run]
    assert writes[-2:] == ["patch hyperdrivetrials/status", "patch jobs"]
    assert len(writes) == 5, "record, Job, start, and the stop's two"


async def test_a_sweep_with_stopped_trials_comes_to_its_end_and_counts_them(lab: Laboratory) -> None:
    await stop_the_second(lab)
    lab.stop_jobs()
    await lab.run_to_the_end()
    assert lab.trial_states()["digits-2"] == "EarlyStopped"
    assert (lab.status["state"], lab.status["progress"]) == ("Complete", "4/4")
    assert lab.status["trials"] == {
        "planned": 4,
        "created": 4,
        "queued": 0,
        "running": 0,
        "succeeded": 3,
        "failed": 0,
        "earlyStopped": 1,
    }
    assert lab.status["timeSavedSeconds"] == 0, "nobody had run to the end by then"
    assert lab.warnings() == []
    before = lab.cluster.requests
    lab.restart()
    lab.clock.advance(3600)
    assert await lab.settle() is None
    assert lab.cluster.requests == before


async def test_it_says_how_much_time_that_saved() -> None:
    lab = laboratory(total=3, at_once=1)
    for seconds in (100, 300):
        await start(lab)
        lab.clock.advance(seconds - STARTED)
        lab.report(f"digits-{1 if seconds == 100 else 2}", 0.9)
        lab.finish_jobs(lambda _: "accuracy=0.9")
        await lab.settle()
    await start(lab)
    lab.clock.advance(50 - STARTED)
    lab.cluster.change(HYPERDRIVE_TRIALS, "digits-1", {"status": {"curve": curve(0.9)}}, subresource="status")
    lab.report("digits-3", 0.1)
    await lab.settle()
    assert lab.record("digits-3")["status"]["earlyTermination"]["secondsSaved"] == 150, "half of 100 and 300, less 50"
    lab.clock.advance(2)
    lab.stop_jobs()
    await lab.settle()
    assert lab.status["timeSavedSeconds"] == 150
    (told,) = [message for _, reason, message in lab.recorder.said if reason == "TrialStopped"]
    assert told.startswith("digits-3: Bandit: at interval 1 its best value 0.1 is below 0.8")
    assert told.endswith("saves about 150 s")


@pytest.mark.parametrize(("seconds", "state"), [(60, "EarlyStopped"), (20, "Running")])
async def test_who_can_no_longer_become_the_best_is_stopped_unless_it_is_nearly_done(seconds: int, state: str) -> None:
    options = {"type": "Extrapolation", "extrapolation": {"maxInterval": 4}}
    lab = laboratory(options, total=2, at_once=1)
    await start(lab)
    lab.clock.advance(100 - STARTED)
    lab.finish_jobs(lambda _: "accuracy=0.8\naccuracy=0.85\naccuracy=0.9\naccuracy=0.9")
    await lab.settle()
    await start(lab)
    lab.clock.advance(seconds)
    columns = columns_of(curve_of(0.1, 0.1, 0.1))
    told = {"curve": columns, "lastReportTime": timestamps.text(lab.clock.now)}
    lab.cluster.change(HYPERDRIVE_TRIALS, "digits-2", {"status": told}, subresource="status")
    await lab.settle()
    assert lab.trial_states()["digits-2"] == state
    if state == "EarlyStopped":
        why = lab.record("digits-2")["status"]["earlyTermination"]
        assert (why["policy"], why["interval"], why["comparedWith"]) == ("Extrapolation", 3, ["digits-1"])
        assert why["secondsSaved"] == 100 - seconds - STARTED


def curve(value: float) -> dict[str, list[float]]:
    return {"interval": [1], "value": [value], "best": [value], "mean": [value]}


async def test_its_place_is_free_once_its_job_has_finished_and_not_before(lab: Laboratory) -> None:
    await stop_the_second(lab)
    for _ in range(3):
        lab.clock.advance(60)
        await lab.settle()
    assert lab.cluster.unfinished_jobs() == 2
    assert len(lab.cluster.all(JOBS)) == 2, "the pod of the second may still save its work"
    lab.stop_jobs()
    await lab.settle()
    assert set(lab.trial_states()) == {"digits-1", "digits-2", "digits-3"}


async def test_a_sweep_is_not_over_before_the_last_pod_has_gone() -> None:
    lab = laboratory(total=2)
    await stop_the_second(lab)
    lab.cluster.logs["digits-1-pod"] = "accuracy=0.9"
    lab.end_job("digits-1", "Complete")
    await lab.settle()
    assert not lab.is_over
    lab.stop_jobs()
    await lab.settle()
    assert lab.is_over


async def test_a_suspended_job_that_has_no_pod_gives_its_place_up(lab: Laboratory) -> None:
    await stop_the_second(lab)
    lab.cluster.change(JOBS, "digits-2", {"spec": {"suspend": True}})
    await lab.settle()
    assert "digits-3" not in lab.trial_states(), "its pod is still there"
    lab.cluster.remove(PODS, "digits-2-pod")
    await lab.settle()
    assert "digits-3" in lab.trial_states()


@pytest.mark.parametrize("when", WHEN)
async def test_a_kill_between_the_two_writes_is_made_good(lab: Laboratory, when: Literal["before", "after"]) -> None:
    await start(lab)
    lab.report("digits-1", 0.9)
    lab.report("digits-2", 0.1)
    lab.cluster.failure = Failure(len(lab.cluster.writes) + 1, when, Killed())
    with pytest.raises(Killed):
        await lab.settle()
    lab.cluster.failure = None
    assert lab.record("digits-2")["status"]["state"] == "EarlyStopped"
    assert deadline(lab, "digits-2") == (None if when == "before" else 0)
    before = lab.record("digits-2")
    lab.restart()
    await lab.settle()
    assert deadline(lab, "digits-2") == 0
    assert lab.record("digits-2") == before, "final"


async def test_whoever_takes_the_deadline_back_meets_it_again(lab: Laboratory) -> None:
    await stop_the_second(lab)
    for theirs in (None, 3600):
        lab.cluster.change(JOBS, "digits-2", {"spec": {"activeDeadlineSeconds": theirs}})
        await lab.settle()
        assert deadline(lab, "digits-2") == 0


async def test_a_job_that_is_suspended_and_resumed_changes_nothing_that_is_recorded(lab: Laboratory) -> None:
    await stop_the_second(lab)
    before = lab.record("digits-2")
    for suspend in (True, False):
        lab.cluster.change(JOBS, "digits-2", {"spec": {"suspend": suspend}})
        await lab.settle()
        assert deadline(lab, "digits-2") == 0
    lab.stop_jobs()
    await lab.settle()
    assert lab.record("digits-2") == before, "its Job failed by our deadline: that is no failure of the trial"


async def test_what_was_recorded_first_counts_when_a_trial_finishes_at_that_moment(lab: Laboratory) -> None:
    await stop_the_second(lab)
    lab.finish_jobs(lambda _: "accuracy=1")  # the second ended well within its grace period
    await lab.settle()
    assert lab.trial_states()["digits-2"] == "EarlyStopped"

    other = laboratory()
    await start(other)
    other.report("digits-1", 0.9)
    other.report("digits-2", 0.1)
    other.end_job("digits-2", "Complete")
    other.cluster.logs["digits-2-pod"] = "accuracy=0.1"
    await other.settle()
    assert other.trial_states()["digits-2"] == "Succeeded"
    assert deadline(other, "digits-2") is None


async def test_a_stopped_trial_can_be_the_best() -> None:
    lab = laboratory({"type": "Patience", "patience": {"intervals": 2}}, total=2, at_once=1)
    await start(lab)
    lab.report("digits-1", 0.95, 0.9, 0.9)
    await lab.settle()
    assert lab.trial_states()["digits-1"] == "EarlyStopped"
    lab.stop_jobs()
    await lab.run_to_the_end(lambda _: "accuracy=0.5")
    assert lab.status["bestTrial"]["name"] == "digits-1"
    assert lab.status["bestTrial"]["value"] == 0.95
    assert "best is digits-1" in lab.condition("Complete")["message"]


async def test_a_sweep_all_of_whose_trials_were_stopped_has_a_result() -> None:
    lab = laboratory({"type": "Threshold", "threshold": {"lower": 0.99}}, total=7, at_once=7)
    await start(lab)
    for number in range(1, 8):
        lab.report(f"digits-{number}", number / 10)
    await lab.settle()
    lab.stop_jobs()
    await lab.settle()
    assert lab.status["trials"]["earlyStopped"] == 7
    assert lab.status["state"] == "Complete"
    assert lab.status["bestTrial"]["name"] == "digits-7"


async def test_a_trial_whose_pod_does_not_run_is_left_alone(lab: Laboratory) -> None:
    await start(lab)
    lab.cluster.change(JOBS, "digits-2", {"spec": {"suspend": True}, "status": {"ready": None}})
    lab.cluster.change(JOBS, "digits-2", {"status": {"ready": None}}, subresource="status")
    lab.cluster.remove(PODS, "digits-2-pod")
    lab.report("digits-1", 0.9)
    lab.report("digits-2", 0.1)
    await lab.settle()
    assert lab.trial_states()["digits-2"] == "Queued", "preempted, not judged"
    assert deadline(lab, "digits-2") is None


async def test_a_policy_that_is_softened_or_removed_spares_those_that_are_not_stopped_yet(lab: Laboratory) -> None:
    await stop_the_second(lab)
    lab.stop_jobs()
    await start(lab)
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"earlyTermination": {"bandit": {"slackAmount": 0.5}}}})
    lab.report("digits-3", 0.5, 0.5)
    await lab.settle()
    assert lab.trial_states()["digits-3"] == "Running"
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"earlyTermination": None}})
    lab.report("digits-3", 0.1, 0.1, 0.1)
    await lab.settle()
    assert lab.trial_states()["digits-3"] == "Running"
    assert lab.trial_states()["digits-2"] == "EarlyStopped"
    assert lab.status["trials"]["earlyStopped"] == 1


async def test_without_the_permission_to_end_jobs_the_sweep_says_so(lab: Laboratory) -> None:
    def refuse(write: Any) -> None:
        if write.what == "patch jobs":
            raise ForbiddenError(403, "Forbidden", 'jobs.batch "digits-2" is forbidden: cannot patch resource "jobs"')

    lab.cluster.rules.append(refuse)
    await stop_the_second(lab)
    assert lab.condition("Stalled")["reason"] == "Forbidden"
    assert "cannot patch" in lab.condition("Stalled")["message"]
    lab.cluster.rules.remove(refuse)
    lab.clock.advance(120)
    await lab.settle()
    assert deadline(lab, "digits-2") == 0
    assert lab.condition("Stalled")["status"] == "False"
