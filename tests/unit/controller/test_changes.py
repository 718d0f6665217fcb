"""What people do to a sweep meanwhile: delete, edit, lower and raise; mutate, then expect."""

import pytest
from tests.support.builders import limits, sweep_manifest
from tests.support.laboratory import Laboratory, replace_all

from hyperdrive_operator.api import names
from hyperdrive_operator.kube.errors import ConflictError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS


async def test_a_deleted_sweep_is_left_to_the_garbage_collector(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    lab.cluster.remove(HYPERDRIVES, "digits")
    before = len(lab.cluster.writes)
    assert await lab.settle() is None
    assert len(lab.cluster.writes) == before
    assert [lab.cluster.all(kind) for kind in (HYPERDRIVE_TRIALS, JOBS, PODS)] == [[], [], []]


async def test_a_sweep_that_is_being_deleted_starts_nothing(lab: Laboratory) -> None:
    lab.cluster.change(HYPERDRIVES, "digits", {"metadata": {"deletionTimestamp": "2026-03-01T12:00:00Z"}})
    assert await lab.settle() is None
    assert lab.cluster.writes == []


async def test_a_sweep_of_the_same_name_starts_anew_once_the_old_ones_trials_are_gone(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    lab.cluster.collects_garbage = False
    lab.cluster.remove(HYPERDRIVES, "digits")
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(2, 2)))
    delay = await lab.settle()
    assert delay is not None
    assert lab.condition("Stalled")["reason"] == names.REASON_NAME_TAKEN
    assert "is left of an earlier owner of that name" in lab.condition("Stalled")["message"]
    assert "bestTrial" not in lab.status, "the old one's trials are not ours"

    lab.cluster.collect_garbage()
    lab.clock.advance(delay)
    await lab.run_to_the_end()
    assert (lab.status["progress"], lab.condition("Stalled")["status"]) == ("2/2", "False")


async def test_a_foreign_object_of_our_name_is_told_and_never_touched(lab: Laboratory) -> None:
    lab.cluster.put(JOBS, {"metadata": {"name": "digits-1"}, "spec": {}})
    delay = await lab.settle()
    assert delay is not None
    stalled = lab.condition("Stalled")
    assert stalled["reason"] == names.REASON_NAME_TAKEN
    assert "a Job named 'digits-1' exists and is not this HyperDrive's: delete it" in stalled["message"]
    assert "ownerReferences" not in lab.cluster.one(JOBS, "digits-1")["metadata"]

    lab.cluster.remove(JOBS, "digits-1")
    lab.clock.advance(delay)
    await lab.settle()
    assert lab.condition("Stalled")["status"] == "False"
    assert lab.cluster.unfinished_jobs() == 2


async def test_a_deleted_record_runs_again_with_the_same_combination(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    lab.cluster.remove(HYPERDRIVE_TRIALS, "digits-3")
    await lab.settle()
    assert lab.record("digits-3")["spec"]["parameters"] == {"x": 2}
    assert (lab.condition("Complete")["status"], lab.is_over) == ("False", False)
    await lab.run_to_the_end()
    assert lab.status["progress"] == "6/6"


async def test_a_job_deleted_before_it_started_is_created_again(lab: Laboratory) -> None:
    await lab.settle()
    lab.cluster.remove(JOBS, "digits-1")
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 2
    assert lab.record("digits-1")["status"] == {"state": "Queued"}


async def test_a_job_deleted_while_it_ran_is_a_failed_trial(lab: Laboratory) -> None:
    await lab.settle()
    await lab.start_trials()
    lab.cluster.remove(JOBS, "digits-1")
    await lab.settle()
    assert lab.record("digits-1")["status"]["reason"] == names.REASON_JOB_DELETED
    assert any("kubectl patch hyperdrivetrial digits-1" in message for message in lab.warnings())
    assert lab.trial_states()["digits-3"] == "Queued"


async def test_a_job_that_only_the_cache_has_lost_is_not_recorded_as_lost(lab: Laboratory) -> None:
    await lab.settle()
    await lab.start_trials()
    replace_all(lab.cache, JOBS, [lab.cluster.one(JOBS, "digits-2")], lab.cache.mark())
    lab.cache._tombstones.clear()  # a relist that was served from an older state
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running", "digits-2": "Running"}


async def test_a_foreign_job_in_the_place_of_a_lost_one_is_not_taken_for_it(lab: Laboratory) -> None:
    await lab.settle()
    await lab.start_trials()
    lab.cluster.remove(JOBS, "digits-1")
    lab.cluster.put(JOBS, {"metadata": {"name": "digits-1"}, "spec": {}})
    await lab.settle()
    assert lab.record("digits-1")["status"]["reason"] == names.REASON_JOB_DELETED


async def test_a_finished_job_that_is_gone_keeps_its_record(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    lab.finish_jobs()
    await lab.settle()
    for name in ("digits-1", "digits-2"):
        lab.cluster.remove(JOBS, name)  # its time to live has passed
    await lab.settle()
    assert lab.trial_states() == {
        "digits-1": "Succeeded",
        "digits-2": "Succeeded",
        "digits-3": "Queued",
        "digits-4": "Queued",
    }


async def test_raised_limits_go_on_after_the_end(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": limits(8, 2)}})
    await lab.settle()
    assert not lab.is_over
    await lab.run_to_the_end()
    assert (lab.status["progress"], lab.status["bestTrial"]["name"]) == ("8/8", "digits-8")


async def test_lowered_limits_end_the_sweep_when_what_runs_has_ended(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": limits(1, 1)}})
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 2, "nothing that runs is stopped"
    await lab.run_to_the_end()
    assert len(lab.cluster.all(HYPERDRIVE_TRIALS)) == 2
    assert lab.condition("Complete")["status"] == "True"


async def test_an_edited_template_is_checked_and_used_for_the_next_jobs(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    containers = [{"name": "train", "image": "train:2"}]
    template = {"spec": {"template": {"spec": {"containers": containers}}}}
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"trialTemplate": template}})
    await lab.settle()
    lab.finish_jobs()
    await lab.settle()
    images = [job["spec"]["template"]["spec"]["containers"][0]["image"] for job in lab.cluster.all(JOBS)]
    assert images == ["train:1", "train:1", "train:2", "train:2"]
    assert sum(write.is_dry_run for write in lab.cluster.writes) == 2
    assert lab.status["observedGeneration"] == 2


async def test_a_status_is_not_written_over_what_the_watch_has_not_shown_yet(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.clock.advance(2)
    shown = len(lab.cluster.events)
    lab.cluster.change(HYPERDRIVES, "digits", {"metadata": {"labels": {"a": "b"}}})
    lab._seen = len(lab.cluster.events)
    with pytest.raises(ConflictError):
        await lab.step()
    lab._seen = shown
    await lab.settle()
    assert lab.status["trials"]["running"] == 2


@pytest.mark.parametrize("has_started", [False, True])
async def test_a_job_that_lost_its_label_does_not_keep_the_operator_busy(lab: Laboratory, has_started: bool) -> None:
    await lab.settle()
    if has_started:
        lab.start_jobs()
        await lab.settle()
    lab.deliver()
    job = lab.cluster.change(JOBS, "digits-1", {"metadata": {"labels": {names.LABEL_MANAGED_BY: "Helm"}}})
    lab._seen = len(lab.cluster.events)
    lab.cache.observe(JOBS, "DELETED", job)  # as a watch with a selector tells it
    await lab.settle()
    states = lab.trial_states()
    lab.end_job("digits-1", "Complete")
    replace_all(
        lab.cache, JOBS, [body for body in lab.cluster.all(JOBS) if body["metadata"]["name"] != "digits-1"], 10**6
    )
    await lab.settle()
    assert "Failed" not in states.values()
    assert lab.record("digits-1")["status"]["reason"] == names.REASON_METRIC_NOT_REPORTED
    assert lab.cluster.one(JOBS, "digits-1")["metadata"]["uid"] == job["metadata"]["uid"], "it did not run twice"
