"""For how long a trial has run, and with how much: from what its pods and its Job say, and from its record."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies
from tests.support.builders import NOW, job_body, pod_body, record_body

from hyperdrive_operator.api.v1alpha1 import amount_of, written_as
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.core.pods import Pod, read_pod, speaker
from hyperdrive_operator.core.records import read_record
from hyperdrive_operator.core.requests import pod_requests, read_demand
from hyperdrive_operator.core.spans import ran, spans_of
from hyperdrive_operator.core.trialjobs import read_job
from hyperdrive_operator.core.trials import Trial
from hyperdrive_operator.core.usage import requests_of, run_seconds, run_time
from hyperdrive_operator.kube.kinds import Object


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def stamp(seconds: float) -> str:
    return timestamps.text(at(seconds))


def pod(created: float, start: float | None = None, end: float | None = None, **given: Any) -> Pod:
    """Build a pod that ran from one second to another; `slow` is how far its node's clock is behind."""
    slow, phase = given.pop("slow", 0.0), "Pending" if start is None else "Running" if end is None else "Failed"
    state: Object = {}
    if start is not None and end is not None:
        state = {"terminated": {"exitCode": 1, "startedAt": stamp(start - slow), "finishedAt": stamp(end - slow)}}
    elif start is not None:
        state = {"running": {"startedAt": stamp(start - slow)}}
    status = {"containerStatuses": [{"name": "train", "state": state}], **given}
    return read_pod(pod_body(phase=phase, uid=f"pod-{created}", created=stamp(created), **status))


def of(*pods: Pod, job: Object | None = None, state: str = "Running", **status: Any) -> Trial:
    began: Object = {"startTime": stamp(0)} if state == "Running" else {}
    record = read_record(record_body(state=state, **began, **status))
    view = read_job(job if job is not None else job_body(ready=1))
    return Trial(record, view, speaker(pods), spans=spans_of(pods))


def finished(how: str) -> Object:
    end = {"type": how, "status": "True", "lastTransitionTime": stamp(70)}
    return job_body(conditions=[end], startTime=stamp(0))


ROWS = [
    pytest.param(of(pod(0, 0)), 100, id="it runs"),
    pytest.param(of(pod(0, 0, 60), job=job_body()), 60, id="its pod has ended, and its Job not yet"),
    pytest.param(of(pod(0, 5), state="Queued"), 95, id="its start is not recorded yet"),
    pytest.param(of(pod(0, 0, 2), pod(30, 40), state="Queued"), 62, id="the same, of a retry: both pods count"),
    pytest.param(of(pod(0, 0, 0), pod(30, 40), state="Queued"), 60, id="the same, after one that its node refused"),
    pytest.param(of(job=job_body(), state="Queued"), 0, id="it waits"),
    pytest.param(of(pod(10), job=job_body(), state="Queued"), 0, id="its pod waits"),
    pytest.param(of(pod(0, 0, 20), pod(30, 40)), 80, id="a retry: both pods count, the time between them does not"),
    pytest.param(of(pod(30, 40)), 90, id="the first is gone: it ran until the next was made"),
    pytest.param(of(pod(30), job=job_body()), 30, id="the first is gone, and the next waits"),
    pytest.param(of(), 100, id="no pod is left, and nothing tells when it ended"),
    pytest.param(of(pod(0, 0), pod(1, 2, 50)), 100, id="two at once count once"),
    pytest.param(of(pod(0, 0, slow=3600)), 100, id="a slow clock of its node"),
    pytest.param(of(pod(0, 0, 40, slow=3600), job=job_body()), 40, id="the same, at its end"),
    pytest.param(of(pod(0, 0, slow=-3600)), 100, id="a fast clock of its node"),
    pytest.param(of(pod(0, 50, restartCount=1)), 100, id="a container that was started again"),
    pytest.param(of(job=finished("Complete")), 70, id="no pod is left, and its Job tells"),
    pytest.param(of(job=finished("Complete"), state="Queued"), 70, id="nobody saw it run, and its Job is complete"),
    pytest.param(of(job=finished("Failed"), state="Queued"), 0, id="its Job has failed before it had a pod"),
    pytest.param(of(pod(55, 60), runTime={"seconds": 30, "time": stamp(60)}), 70, id="it had run before"),
    pytest.param(
        of(pod(0, 0, 30), job=job_body(), state="Queued", runTime={"seconds": 30, "time": stamp(31)}),
        30,
        id="queued again, and the pod that is counted can still be seen",
    ),
    pytest.param(
        of(pod(0, 0, 30), pod(50, 60), state="Queued", runTime={"seconds": 30, "time": stamp(31)}),
        70,
        id="it runs again, which is not recorded yet",
    ),
    pytest.param(of(state="Succeeded", runTime={"seconds": 12, "time": stamp(12)}), 12, id="it has ended"),
]


@pytest.mark.parametrize(("trial", "seconds"), ROWS)
def test_seconds_that_a_trial_has_run(trial: Trial, seconds: float) -> None:
    assert run_seconds(trial, at(100)) == seconds


def suspended(since: float, grace: int | None = None) -> Object:
    condition = {"type": "Suspended", "status": "True", "lastTransitionTime": stamp(since)}
    pod_spec = {} if grace is None else {"terminationGracePeriodSeconds": grace}
    spec = {"suspend": True, "template": {"spec": pod_spec}}
    return job_body(conditions=[condition]) | {"spec": spec}


@pytest.mark.parametrize(("grace", "seconds"), [(None, 90), (5, 65), (1000, 1060)])
def test_a_job_suspended_while_no_operator_ran_ran_until_its_grace_period_was_over(
    grace: int | None, seconds: float
) -> None:
    assert run_seconds(of(job=suspended(60, grace)), at(3600)) == seconds


def test_what_is_recorded_is_rounded_up_and_goes_on_from_there() -> None:
    trial = of(pod(0, 0))
    told = run_time(trial, at(9.5))
    assert told == {"seconds": 10, "time": stamp(10)}
    later = replace(trial, record=read_record(record_body(state="Running", startTime=stamp(0), runTime=told)))
    assert run_seconds(later, at(30)) == 30


@given(
    strategies.lists(strategies.tuples(strategies.integers(0, 90), strategies.integers(0, 90)), max_size=6),
    strategies.integers(0, 50),
    strategies.integers(50, 120),
)
def test_a_trial_has_run_for_no_longer_than_there_was_time_and_never_for_less_later(
    given: list[tuple[int, int]], since: int, until: int
) -> None:
    spans = spans_of(pod(start, start, start + length if length else None) for start, length in given)
    seconds = [ran(spans, at(since), at(end)).total_seconds() for end in range(since, until + 1)]
    assert all(0 <= value <= index for index, value in enumerate(seconds))
    assert all(later - earlier in {0, 1} for earlier, later in itertools.pairwise(seconds))


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [("500m", 0.5), (4, 4.0), ("8Gi", 8 * 2**30), ("1e3", 1000.0), ("2.5", 2.5), ("100n", 1e-7), ("x", 0.0), ("-1", 0)],
)
def test_an_amount(quantity: Any, amount: float) -> None:
    assert amount_of(quantity) == pytest.approx(amount)


@pytest.mark.parametrize(
    ("amount", "given", "text"),
    [(1.5 * 2**30, "8Gi", "1.5Gi"), (12.3456, 40, "12.346"), (0, "40", "0"), (0.25, "1m", "250m")],
)
def test_an_amount_is_told_in_the_unit_of_its_limit(amount: float, given: Any, text: str) -> None:
    assert written_as(amount, given) == text


def container(**resources: Any) -> Object:
    return {"name": "c", "resources": resources}


@pytest.mark.parametrize(
    ("spec", "requests"),
    [
        pytest.param({"containers": [container()]}, {}, id="nothing"),
        pytest.param({"containers": [container(requests={"cpu": ["1"]}, limits="4"), 7]}, {}, id="nonsense"),
        pytest.param(
            {"containers": [container(requests={"cpu": "500m"}), container(requests={"cpu": 1, "memory": "1Ki"})]},
            {"cpu": 1.5, "memory": 1024},
            id="the sum of its containers",
        ),
        pytest.param(
            {"containers": [container(limits={"nvidia.com/gpu": 2})]}, {"nvidia.com/gpu": 2}, id="limits alone"
        ),
        pytest.param({"containers": [container(limits={"cpu": 4}, requests={"cpu": 1})]}, {"cpu": 1}, id="both"),
        pytest.param(
            {
                "containers": [container(requests={"cpu": 1})],
                "initContainers": [
                    container(requests={"cpu": 8}),
                    container(requests={"cpu": 2}) | {"restartPolicy": "Always"},
                ],
            },
            {"cpu": 3},
            id="what runs beside them, and not what has run before",
        ),
        pytest.param(
            {"containers": [container(requests={"cpu": 1})], "overhead": {"cpu": "250m"}}, {"cpu": 1.25}, id="overhead"
        ),
        pytest.param(
            {"containers": [container(requests={"cpu": 1, "x/y": 1})], "resources": {"requests": {"cpu": 3}}},
            {"cpu": 3, "x/y": 1},
            id="the pod as a whole",
        ),
    ],
)
def test_what_a_pod_requests(spec: Object, requests: Object) -> None:
    assert pod_requests(spec) == {**requests, "pods": 1}


@pytest.mark.parametrize(
    ("job", "pods"),
    [
        ({}, 1),
        ({"parallelism": 4}, 4),
        ({"parallelism": 4, "completions": 2}, 2),
        ({"parallelism": 2, "completions": 9}, 2),
    ],
)
def test_a_job_requests_what_all_its_pods_do_that_run_at_once(job: Object, pods: int) -> None:
    template = {"template": {"spec": {"containers": [container(requests={"cpu": 2})]}}}
    assert read_demand({**job, **template}).requests == {"cpu": 2 * pods, "pods": pods}


def test_the_pod_tells_what_it_requests_before_its_job_does_and_the_record_before_both() -> None:
    job = job_body(ready=1) | {"spec": {"parallelism": 2, "template": {"spec": {"containers": [container()]}}}}
    assert requests_of(of(job=job)) == {"pods": 2}
    body = pod_body()
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1"}}  # as a LimitRange gives it
    assert requests_of(of(read_pod(body), job=job)) == {"cpu": 2, "pods": 2}
    assert requests_of(of(read_pod(body), job=job, requests={"cpu": 7})) == {"cpu": 7}
