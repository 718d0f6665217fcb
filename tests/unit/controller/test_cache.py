"""What is known of the cluster, whatever order it is learnt in."""

import operator
import random
from copy import deepcopy
from itertools import permutations
from typing import Any

import pytest
from tests.support.builders import NAMESPACE, job_body, pod_body, record_body, sweep_body
from tests.support.laboratory import replace_all

from hyperdrive_operator.controller.cache import MAX_TOMBSTONES, Cache
from hyperdrive_operator.controller.queue import Key
from hyperdrive_operator.core.progress import Progress
from hyperdrive_operator.core.trials import Log
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object

KEY = Key(NAMESPACE, "digits")


def filled(*objects: tuple[Kind, Object]) -> Cache:
    """Return a cache that has seen these, in this order."""
    cache = Cache()
    for kind, body in objects:
        cache.observe(kind, "ADDED", body)
    return cache


def newer(body: Object, **metadata: Any) -> Object:
    """Return a later version of an object."""
    body = deepcopy(body)
    body["metadata"] |= {"resourceVersion": str(int(body["metadata"]["resourceVersion"]) + 1000), **metadata}
    return body


def seen(cache: Cache) -> list[tuple[str, str, str]]:
    """Return what the cache knows of the trials: names of record, Job and pod."""
    sweep = cache.sweep(KEY)
    assert sweep is not None
    return [(t.record.name, t.job.name if t.job else "", t.pod.name if t.pod else "") for t in cache.trials(sweep)]


SWEEP, RECORD, JOB, POD = sweep_body(), record_body(), job_body(), pod_body()
ALL = [(HYPERDRIVES, SWEEP), (HYPERDRIVE_TRIALS, RECORD), (JOBS, JOB), (PODS, POD)]


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_objects_are_joined_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    cache = filled(*(ALL[index] for index in order))
    assert seen(cache) == [("digits-1", "digits-1", "digits-1-pod-1")]


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_what_was_joined_before_is_joined_anew_with_each_of_them(order: tuple[int, ...]) -> None:
    cache = filled((HYPERDRIVES, SWEEP))
    for index in order:
        cache.observe(*ALL[index][:1], "ADDED", ALL[index][1])
        seen(cache)
    assert seen(cache) == [("digits-1", "digits-1", "digits-1-pod-1")]
    for index in order:
        if index:
            cache.observe(ALL[index][0], "DELETED", ALL[index][1])
            seen(cache)
    assert seen(cache) == []


def test_trials_come_by_number() -> None:
    cache = filled((HYPERDRIVES, SWEEP), *((HYPERDRIVE_TRIALS, record_body(n)) for n in (10, 9, 2)))
    assert [name for name, _, _ in seen(cache)] == ["digits-2", "digits-9", "digits-10"]


def test_each_object_concerns_its_sweep() -> None:
    cache = Cache()
    assert [cache.observe(kind, "ADDED", body) for kind, body in ALL] == [KEY] * 4
    assert [cache.observe(kind, "DELETED", body) for kind, body in ALL] == [KEY] * 4


def test_an_older_version_never_replaces_a_newer_one() -> None:
    cache = filled((HYPERDRIVES, SWEEP))
    cache.observe(HYPERDRIVE_TRIALS, "MODIFIED", newer(record_body(state="Succeeded", value=1)))
    assert cache.observe(HYPERDRIVE_TRIALS, "MODIFIED", RECORD) is None
    (trial,) = cache.trials(cache.sweeps()[0])
    assert trial.record.value == 1


def test_versions_are_compared_as_numbers() -> None:
    old, new = record_body(), record_body(state="Succeeded")
    old["metadata"]["resourceVersion"], new["metadata"]["resourceVersion"] = "999", "1000"
    cache = filled((HYPERDRIVES, SWEEP), (HYPERDRIVE_TRIALS, old), (HYPERDRIVE_TRIALS, new))
    assert cache.trials(cache.sweeps()[0])[0].is_ended


def test_the_same_version_again_is_no_news() -> None:
    cache = filled(*ALL)
    assert [cache.observe(kind, "ADDED", body) for kind, body in ALL] == [None] * 4


def test_what_was_deleted_does_not_come_back_by_a_late_answer() -> None:
    cache = filled(*ALL)
    cache.observe(HYPERDRIVE_TRIALS, "DELETED", RECORD)
    assert cache.observe(HYPERDRIVE_TRIALS, None, newer(RECORD)) is None
    assert seen(cache) == []


def test_what_lost_its_label_is_taken_in_again_once_the_server_says_that_it_exists() -> None:
    cache = filled(*ALL)
    unlabelled = newer(JOB)
    cache.observe(JOBS, "DELETED", unlabelled)
    cache.confirm(JOBS, JOB)
    assert seen(cache) == [("digits-1", "", "")], "an answer from before it went proves nothing"
    cache.confirm(JOBS, unlabelled)
    assert seen(cache) == [("digits-1", "digits-1", "digits-1-pod-1")]


def test_what_a_list_lacked_is_taken_in_again_once_the_server_says_that_it_exists() -> None:
    cache = filled(*ALL)
    replace_all(cache, JOBS, [], cache.mark())
    cache.confirm(JOBS, JOB)
    assert seen(cache) == [("digits-1", "digits-1", "digits-1-pod-1")]


def test_a_change_that_no_decision_reads_is_no_news_but_its_version_is_kept() -> None:
    cache = filled(*ALL)
    relabelled = newer(RECORD, labels={**RECORD["metadata"]["labels"], "team": "vision"})
    assert cache.observe(HYPERDRIVE_TRIALS, "MODIFIED", relabelled) is None
    (trial,) = cache.trials(cache.sweeps()[0])
    assert trial.record.resource_version == relabelled["metadata"]["resourceVersion"]


def test_a_sweep_without_trials_leaves_nothing_behind() -> None:
    cache = filled((HYPERDRIVES, SWEEP))
    seen(cache)
    assert not cache._records


def test_the_deleted_are_not_remembered_for_ever() -> None:
    cache = Cache()
    for number in range(MAX_TOMBSTONES + 5):
        cache.observe(JOBS, "DELETED", {"metadata": {"uid": f"u{number}", "namespace": "a", "name": "b"}})
    assert len(cache._tombstones) == MAX_TOMBSTONES
    assert "u0" not in cache._tombstones


def test_objects_are_joined_by_uid_and_not_by_name() -> None:
    other = record_body(2, sweep_uid="another-sweep-of-that-name")
    stranger = job_body(1)
    stranger["metadata"]["ownerReferences"][0]["uid"] = "another-trial-of-that-name"
    cache = filled((HYPERDRIVES, SWEEP), (HYPERDRIVE_TRIALS, RECORD), (HYPERDRIVE_TRIALS, other), (JOBS, stranger))
    assert seen(cache) == [("digits-1", "", "")]


# --- the same name again -------------------------------------------------------------------------------------------


def test_a_sweep_of_the_same_name_is_another_one() -> None:
    cache = filled(*ALL)
    cache.observe(HYPERDRIVES, "DELETED", SWEEP)
    cache.observe(HYPERDRIVES, "ADDED", sweep_body(uid="sweep-2"))
    sweep = cache.sweep(KEY)
    assert sweep is not None
    assert (sweep.uid, len(cache.trials(sweep))) == ("sweep-2", 0)


def test_a_new_sweep_is_not_lost_when_the_old_ones_last_events_come_late() -> None:
    # kopf keeps the order of one object's events, not that of two objects of the same name
    old, dying = sweep_body(), sweep_body()
    dying["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    cache = filled((HYPERDRIVES, old), (HYPERDRIVES, sweep_body(uid="sweep-2")))
    for event, body in (("MODIFIED", dying), ("DELETED", dying)):
        cache.observe(HYPERDRIVES, event, body)
        sweep = cache.sweep(KEY)
        assert sweep is not None
        assert sweep.uid == "sweep-2"


def test_a_new_job_is_not_lost_when_the_old_ones_last_events_come_late() -> None:
    old, dying, new = job_body(), job_body(), job_body()
    new["metadata"]["uid"] = "job-1-again"
    cache = filled((HYPERDRIVES, SWEEP), (HYPERDRIVE_TRIALS, RECORD), (JOBS, old), (JOBS, new))
    for event, body in (("MODIFIED", dying), ("DELETED", dying)):
        cache.observe(JOBS, event, body)
        (trial,) = cache.trials(cache.sweeps()[0])
        assert trial.job is not None
        assert trial.job.uid == "job-1-again"


# --- relists -------------------------------------------------------------------------------------------------------


def test_a_relist_forgets_what_it_lacks_and_tells_whom_it_concerns() -> None:
    cache = filled(*ALL)
    assert replace_all(cache, JOBS, [], cache.mark()) == {KEY}
    assert seen(cache) == [("digits-1", "", "")]


def test_a_relist_of_what_is_known_concerns_nobody() -> None:
    cache = filled(*ALL)
    assert [replace_all(cache, kind, [body], cache.mark()) for kind, body in ALL] == [set()] * 4


def test_a_relist_keeps_what_was_observed_after_it_was_asked_for() -> None:
    cache = filled((HYPERDRIVES, SWEEP))
    mark = cache.mark()
    cache.observe(HYPERDRIVE_TRIALS, None, RECORD)  # the answer to our own create
    replace_all(cache, HYPERDRIVE_TRIALS, [], mark)
    assert [name for name, _, _ in seen(cache)] == ["digits-1"]
    replace_all(cache, HYPERDRIVE_TRIALS, [], cache.mark())
    assert seen(cache) == []


def test_a_relist_does_not_bring_back_what_was_deleted_meanwhile() -> None:
    cache = filled(*ALL)
    mark = cache.mark()
    cache.observe(JOBS, "DELETED", JOB)
    replace_all(cache, JOBS, [JOB], mark)
    assert seen(cache) == [("digits-1", "", "")]


# --- pods and logs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phases", "speaker"),
    [
        pytest.param(["Failed", "Running"], 1, id="the running one"),
        pytest.param(["Running", "Pending"], 0, id="the running one, though older"),
        pytest.param(["Failed", "Failed"], 1, id="else the newest"),
        pytest.param(["Succeeded", "Failed"], 0, id="the one that succeeded, though older"),
    ],
)
def test_of_several_pods_one_speaks_for_the_job(phases: list[str], speaker: int) -> None:
    pods = [
        pod_body(phase=phase, uid=f"pod-{index}", created=f"2026-03-01T12:00:0{index}Z")
        for index, phase in enumerate(phases)
    ]
    random.Random(0).shuffle(shuffled := pods[:])  # noqa: S311  not for secrets
    cache = filled(*ALL[:3], *((PODS, pod) for pod in shuffled))
    assert seen(cache)[0][2] == pods[speaker]["metadata"]["name"]


def test_a_log_is_kept_until_the_record_says_how_it_ended() -> None:
    cache = filled(*ALL)
    sweep = cache.sweeps()[0]
    cache.observe_log("trial-1", Log(Progress(last={"accuracy": 0.5})))
    assert cache.trials(sweep)[0].log == Log(Progress(last={"accuracy": 0.5}))
    cache.observe(HYPERDRIVE_TRIALS, "MODIFIED", newer(record_body(state="Succeeded")))
    assert cache.trials(sweep)[0].log is None
    assert not cache._logs


def test_a_log_of_a_record_that_is_gone_is_dropped() -> None:
    cache = filled(*ALL)
    cache.observe_log("trial-1", Log())
    cache.observe(HYPERDRIVE_TRIALS, "DELETED", RECORD)
    cache.observe_log("trial-1", Log())
    assert not cache._logs


def test_nothing_is_left_of_what_was_deleted() -> None:
    cache = filled(*ALL)
    seen(cache)
    for kind, body in random.Random(1).sample(ALL, 4):  # noqa: S311  not for secrets
        cache.observe(kind, "DELETED", body)
    left = {name: value for name, value in vars(cache).items() if name not in {"_tombstones", "_clock", "_views"}}
    assert {name: value for name, value in left.items() if value} == {}
    assert not any(cache._views.values())


def test_a_spec_is_parsed_once_per_generation() -> None:
    cache = filled((HYPERDRIVES, SWEEP))
    parsed = cache.sweeps()[0].spec
    cache.observe(HYPERDRIVES, "MODIFIED", newer(SWEEP))
    assert cache.sweeps()[0].spec is parsed
    cache.observe(HYPERDRIVES, "MODIFIED", newer(newer(SWEEP), generation=2))
    assert cache.sweeps()[0].spec is not parsed


def test_what_a_trials_spec_and_its_jobs_say_is_read_once_per_generation() -> None:
    cache = filled((HYPERDRIVES, SWEEP))

    def read(generation: int) -> tuple[object, object]:
        cache.observe(HYPERDRIVE_TRIALS, "MODIFIED", newer(record_body(), generation=generation))
        cache.observe(JOBS, "MODIFIED", newer(job_body(), generation=generation))
        (trial,) = cache.trials(cache.sweeps()[0])
        assert trial.job is not None
        return trial.record.key, trial.job.demand

    first, second, third = read(1), read(1), read(2)
    assert all(map(operator.is_, first, second))
    assert not any(map(operator.is_, second, third))


@pytest.mark.parametrize("generations", [(1, 2), (None, None)], ids=["counted", "before Kubernetes 1.33"])
def test_a_pod_that_is_resized_in_place_requests_what_it_says_now(generations: tuple[int | None, int | None]) -> None:
    cache = filled(*ALL[:3])
    for generation, cpu in zip(generations, (1, 4), strict=True):
        pod = newer(pod_body(), **({} if generation is None else {"generation": generation}))
        pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
        assert cache.observe(PODS, "MODIFIED", pod) == KEY
        (trial,) = cache.trials(cache.sweeps()[0])
        assert trial.pod is not None
        assert trial.pod.requests["cpu"] == cpu
