"""What the API server may answer to each action, and what becomes of it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.support.builders import limits, sweep_manifest
from tests.support.fake_cluster import Rule, Write
from tests.support.laboratory import STARTED, Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.controller import executor
from hyperdrive_operator.controller.flight import MAX_PARALLEL_STARTS
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError, InvalidError, TransientError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, Kind

QUOTA = ForbiddenError(403, "Forbidden", 'jobs.batch "digits-1" is forbidden: exceeded quota: small, requested: pods=1')
DENIED = ForbiddenError(403, "Forbidden", 'User "operator" cannot create resource "jobs"')
REFUSED = InvalidError(422, "Invalid", "spec.template.spec.containers[0].image: Required value")


def refuse(kind: Kind, error: ClusterError, *, dry_run: bool | None = None, name: str = "") -> Rule:
    """Return a rule by which the API server refuses to create these."""

    def rule(write: Write) -> None:
        is_meant = write.kind is kind and write.verb == "create" and name in {"", write.name}
        if is_meant and dry_run in {None, write.is_dry_run}:
            raise error

    return rule


def bounded_by_quota(lab: Laboratory, at_most: int) -> Rule:
    """Return a quota on Jobs that are not finished."""

    def rule(write: Write) -> None:
        if write.kind is JOBS and not write.is_dry_run and lab.cluster.unfinished_jobs() >= at_most:
            raise QUOTA

    return rule


@pytest.mark.parametrize("kind", [HYPERDRIVE_TRIALS, JOBS], ids=lambda kind: kind.plural)
async def test_an_object_that_a_lost_answer_has_created_is_taken_over(lab: Laboratory, kind: Kind) -> None:
    lost = TransientError(0, "Unreachable", "the connection broke")

    def lose(write: Write) -> None:
        if write.kind is kind and write.verb == "create" and not write.is_dry_run:
            lab.cluster.rules.remove(lose)
            lab.cluster._store(kind, "lab", write.body)
            lab._seen = len(lab.cluster.events)  # the watch has not shown it either
            raise lost

    lab.cluster.rules.append(lose)
    await lab.settle()
    assert lab.errors == [lost]
    assert len(lab.cluster.all(kind)) == 2
    assert lab.cluster.unfinished_jobs() == 2


async def test_a_quota_holds_new_jobs_back_and_says_so_and_goes_on_when_there_is_room(lab: Laboratory) -> None:
    lab.cluster.rules.append(bounded_by_quota(lab, 1))
    delay = await lab.settle()
    assert delay is not None
    assert delay > 0
    stalled = lab.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", names.REASON_QUOTA_EXCEEDED)
    assert "exceeded quota: small" in stalled["message"]
    assert lab.cluster.unfinished_jobs() == 1
    assert [message for message in lab.warnings() if "exceeded quota" in message]

    await lab.run_to_the_end()
    assert lab.status["progress"] == "6/6"
    assert lab.condition("Stalled")["status"] == "False"


async def test_each_try_under_a_quota_comes_later_up_to_a_minute_and_costs_one_request(lab: Laboratory) -> None:
    lab.cluster.rules.append(refuse(JOBS, QUOTA, dry_run=False))
    delays = []
    for _ in range(10):
        before = lab.cluster.requests
        delay = await lab.settle()
        assert delay is not None
        delays.append(delay)
        lab.clock.advance(delay)
    assert delays == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert lab.cluster.requests - before <= 2, "the Jobs are tried at the same time; nothing else is"


@pytest.mark.parametrize(
    ("kind", "dry_run"), [(JOBS, True), (JOBS, False), (HYPERDRIVE_TRIALS, None)], ids=["check", "job", "record"]
)
async def test_a_missing_permission_is_told_and_tried_again(lab: Laboratory, kind: Kind, dry_run: bool | None) -> None:
    lab.cluster.rules.append(refuse(kind, DENIED, dry_run=dry_run))
    delay = await lab.settle()
    stalled = lab.condition("Stalled")
    assert (stalled["reason"], stalled["message"]) == (names.REASON_FORBIDDEN, DENIED.message)
    assert DENIED.message in lab.warnings()
    assert delay is not None

    lab.cluster.rules.clear()
    lab.clock.advance(delay)
    await lab.run_to_the_end()
    assert lab.status["progress"] == "6/6"


async def test_a_missing_permission_to_record_is_told(lab: Laboratory) -> None:
    await lab.settle()

    def deny(write: Write) -> None:
        if write.what == "patch hyperdrivetrials/status":
            raise ForbiddenError(403, "Forbidden", "cannot patch hyperdrivetrials/status")

    lab.cluster.rules.append(deny)
    lab.start_jobs()
    lab.clock.advance(STARTED)
    delay = await lab.settle()
    assert lab.condition("Stalled")["message"] == "cannot patch hyperdrivetrials/status"
    lab.cluster.rules.clear()
    lab.clock.advance(delay or 0)
    await lab.run_to_the_end()
    assert lab.status["progress"] == "6/6"


async def test_a_refused_template_starts_nothing_and_gives_the_api_servers_words(lab: Laboratory) -> None:
    lab.cluster.rules.append(refuse(JOBS, REFUSED))
    delay = await lab.settle()
    assert delay == 300
    assert lab.cluster.all(HYPERDRIVE_TRIALS) == []
    accepted = lab.condition("Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", names.REASON_INVALID_TEMPLATE)
    assert accepted["message"].endswith(REFUSED.message)
    assert lab.status["state"] == "Invalid"

    lab.cluster.rules.clear()
    image = {"spec": {"template": {"spec": {"containers": [{"name": "train", "image": "train:2"}]}}}}
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"trialTemplate": image}})
    assert await lab.settle() is None
    assert lab.cluster.unfinished_jobs() == 2, "an edit is tried at once"
    assert (lab.condition("Accepted")["status"], lab.condition("Stalled")["status"]) == ("True", "False")


async def test_a_sweep_of_the_same_name_does_not_inherit_what_held_the_old_one(lab: Laboratory) -> None:
    lab.cluster.rules.append(refuse(JOBS, REFUSED))
    assert await lab.settle() == 300
    lab.cluster.rules.clear()
    lab.cluster.remove(HYPERDRIVES, "digits")
    lab.cluster.put(HYPERDRIVES, sweep_manifest())
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 2


async def test_a_job_that_could_be_created_makes_the_next_pause_short_again(lab: Laboratory) -> None:
    full = refuse(JOBS, QUOTA, dry_run=False)
    lab.cluster.rules.append(full)
    for _ in range(4):
        lab.clock.advance(await lab.settle() or 0)
    lab.cluster.rules[:] = [bounded_by_quota(lab, 1)]
    assert await lab.settle() == 2
    lab.cluster.rules.append(full)
    lab.clock.advance(2)
    assert await lab.settle() == 4


async def test_one_refused_combination_is_one_failed_trial(lab: Laboratory) -> None:
    lab.cluster.rules.append(refuse(JOBS, REFUSED, dry_run=False, name="digits-2"))
    await lab.run_to_the_end()
    refused = lab.record("digits-2")["status"]
    assert (refused["state"], refused["reason"]) == ("Failed", names.REASON_JOB_REFUSED)
    assert refused["message"].endswith(REFUSED.message)
    assert (lab.status["progress"], lab.status["state"]) == ("6/6", "Complete")
    assert lab.counted.ended == {"Succeeded": 5, "Failed": 1}


async def test_a_record_deleted_while_its_end_is_written_is_forgotten(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs()

    def delete_first(write: Write) -> None:
        if write.what == "patch hyperdrivetrials/status" and write.name == "digits-1":
            lab.cluster.rules.clear()
            lab.cluster.remove(HYPERDRIVE_TRIALS, "digits-1")

    lab.cluster.rules.append(delete_first)
    await lab.run_to_the_end()
    assert lab.status["progress"] == "6/6"
    assert lab.errors == []


async def test_a_record_that_somebody_changed_is_looked_at_again(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    lab.clock.advance(STARTED)

    def change_first(write: Write) -> None:
        if write.what == "patch hyperdrivetrials/status":
            lab.cluster.rules.clear()
            lab.cluster.change(HYPERDRIVE_TRIALS, write.name, {"metadata": {"labels": {"a": "b"}}})

    lab.cluster.rules.append(change_first)
    await lab.settle()
    assert [error.reason for error in lab.errors] == ["Conflict"]
    assert lab.record("digits-1")["metadata"]["labels"]["a"] == "b"
    assert lab.record("digits-1")["status"]["state"] == "Running"


async def test_one_action_that_fails_does_not_keep_the_others_from_being_tried(lab: Laboratory) -> None:
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": limits(6, 6)}})
    broken = TransientError(500, "InternalError", "etcd is slow")
    lab.cluster.rules.append(refuse(JOBS, broken, dry_run=False, name="digits-1"))
    assert await lab.step() == 0.0, "the template was checked"
    with pytest.raises(TransientError):
        await lab.step()
    assert sorted(job["metadata"]["name"] for job in lab.cluster.all(JOBS)) == [f"digits-{n}" for n in range(2, 7)]
    assert lab.status["trials"]["created"] == 6, "reported first, retried second"


async def test_a_trials_end_is_counted_although_the_sweeps_status_could_not_be_written(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs(lambda _: "nothing")

    def fail_once(write: Write) -> None:
        if write.what == "patch hyperdrives/status":
            lab.cluster.rules.clear()
            raise TransientError(500, "InternalError", "etcd is slow")

    lab.cluster.rules.append(fail_once)
    await lab.settle()
    assert lab.counted.ended == {"Failed": 2}
    assert len([message for message in lab.warnings() if message.startswith("digits-1: MetricNotReported")]) == 1


async def test_jobs_are_created_several_at_a_time_but_not_all_at_once(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, most = 0, 0
    create: Callable[..., object] = lab.cluster.create

    async def slowly(*args: object, **options: object) -> object:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        return await create(*args, **options)  # type: ignore[misc]  # a coroutine

    monkeypatch.setattr(lab.cluster, "create", slowly)
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": limits(40, 40)}})
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 40
    assert most == MAX_PARALLEL_STARTS


async def test_a_record_that_the_server_refuses_stalls_the_sweep_and_says_so(lab: Laboratory) -> None:
    error = InvalidError(422, "Invalid", "spec.parameters.x: Invalid value")
    lab.cluster.rules.append(refuse(HYPERDRIVE_TRIALS, error))
    delay = await lab.settle()
    assert delay is not None, "no storm of retries"
    assert delay > 1
    stalled = lab.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", names.REASON_INVALID_SPEC)
    assert "spec.searchSpace: the API server refuses trial 1: spec.parameters.x" in stalled["message"]


async def settle_though_requests_hang(
    lab: Laboratory,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    holds: Callable[[], bool],
    hangs: Callable[[Kind, Any, Mapping[str, Any]], bool] = lambda *_: True,
) -> None:
    """Settle: requests hang until something holds all the same, and are then answered."""
    answer = asyncio.Event()
    request: Callable[..., Any] = getattr(lab.cluster, verb)

    async def hang(kind: Kind, namespace: str, what: Any, *args: object, **options: object) -> object:
        if hangs(kind, what, options):
            await answer.wait()
        return await request(kind, namespace, what, *args, **options)

    monkeypatch.setattr(lab.cluster, verb, hang)
    passing = asyncio.create_task(lab.settle())
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  what is waited for has no event of its own
            await asyncio.sleep(0.001)
    answer.set()
    await passing


def _is_no_dry_run(_kind: Kind, _what: Any, options: Mapping[str, Any]) -> bool:
    return not options.get("dry_run")


async def test_ends_that_hang_keep_no_place_empty(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": limits(40, 20)}})
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs()
    await settle_though_requests_hang(lab, monkeypatch, "patch", lambda: lab.cluster.unfinished_jobs() == 20)
    assert lab.counted.ended == {"Succeeded": 20}


async def test_starts_that_hang_keep_no_end_from_being_recorded(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporting = {"metadata": {"annotations": {names.ANNOTATION_METRICS: '{"accuracy": $(params.x)}'}}}
    spec = {"limits": limits(40, 20), "metrics": {"source": "Annotation"}, "trialTemplate": reporting}
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": spec})
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs()
    await settle_though_requests_hang(lab, monkeypatch, "create", lambda: _succeeded(lab) == 20)
    assert lab.cluster.unfinished_jobs() == 20


async def test_ends_that_free_places_wait_for_no_start(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "HEAD_START_SECONDS", 3_600)
    reporting = {"metadata": {"annotations": {names.ANNOTATION_METRICS: '{"accuracy": $(params.x)}'}}}
    few = limits(40, 20) | {"maxFailedTrials": 40}  # a failure may end the sweep: none is started before it is known
    spec = {"limits": few, "metrics": {"source": "Annotation"}, "trialTemplate": reporting}
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": spec})
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs(at_most=10)
    await lab.step()  # ten places are free now, and ten more trials have ended
    lab.finish_jobs()
    await settle_though_requests_hang(lab, monkeypatch, "create", lambda: _succeeded(lab) == 20, _is_no_dry_run)


@pytest.mark.parametrize("hanging", ["create", "patch"], ids=["starts", "records"])
async def test_what_ends_jobs_waits_neither_for_starts_nor_for_records_that_hang(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch, hanging: str
) -> None:
    monkeypatch.setattr(executor, "HEAD_START_SECONDS", 3_600)
    bounded = limits(60, 40) | {"trialTimeout": "10m"}
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": bounded}})
    await lab.settle()
    late = {f"digits-{number}" for number in range(21, 41)}
    for name in late:
        began = timestamps.text(lab.clock.now)
        lab.add_pod(lab.cluster.one(JOBS, name), phase="Running", startTime=began)
        lab.cluster.change(JOBS, name, {"status": {"active": 1, "ready": 1, "startTime": began}}, subresource="status")
    await lab.settle()
    lab.clock.advance(600)
    if hanging == "create":
        lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": bounded | {"maxConcurrentTrials": 60}}})
    else:
        lab.start_jobs()  # twenty others begin, which is to be recorded

    def hangs(kind: Kind, what: Any, _: Mapping[str, Any]) -> bool:
        return hanging == "create" or (kind is HYPERDRIVE_TRIALS and what not in late)

    await settle_though_requests_hang(lab, monkeypatch, hanging, lambda: _ended_jobs(lab) == late, hangs)


def _ended_jobs(lab: Laboratory) -> set[str]:
    return {job["metadata"]["name"] for job in lab.cluster.all(JOBS) if job["spec"].get("activeDeadlineSeconds") == 0}


def _succeeded(lab: Laboratory) -> int:
    return sum(record.get("status", {}).get("state") == "Succeeded" for record in lab.cluster.all(HYPERDRIVE_TRIALS))
