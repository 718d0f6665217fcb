"""Records, Jobs and pods that make no sense: read as far as they do, and never a harm to any other."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.builders import STAMP, job_body, limits, pod_body, record_body, sweep, sweep_body, sweep_manifest
from tests.support.hostile import Hostile
from tests.support.laboratory import Laboratory
from tests.unit.hostile.schemas import TRIAL, admits

from hyperdrive_operator.core.pods import read_pod
from hyperdrive_operator.core.records import read_record
from hyperdrive_operator.core.trialjobs import read_job
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object

CASES = 2_500
RECORD = record_body(
    curve={"interval": [1, 2], "value": [0.1, 0.2]},
    metrics={"accuracy": 1},
    state="Running",
    startTime=STAMP,
    lastReportTime=STAMP,
    interruptions={"count": 1, "pod": "p", "podCreated": STAMP, "reason": "r"},
    logPosition={"pod": "p", "time": STAMP, "lines": 3},
)
JOB = job_body(finished="Complete", metrics='{"accuracy": 1}', startTime=STAMP, active=1, ready=1)
_ENDED = {"exitCode": 1, "reason": "OOMKilled", "startedAt": STAMP, "finishedAt": STAMP, "message": "accuracy=1"}
_WAITS = {"name": "other", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
POD = pod_body(
    startTime=STAMP,
    conditions=[
        {"type": "DisruptionTarget", "status": "True", "reason": "Evicted", "message": "m"},
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"},
    ],
    containerStatuses=[{"name": "train", "restartCount": 1, "state": {"terminated": _ENDED}}, _WAITS],
)
SWEEP = sweep()
BODIES: dict[Kind, Object] = {HYPERDRIVES: sweep_body(), HYPERDRIVE_TRIALS: RECORD, JOBS: JOB, PODS: POD}
IDENTITY = {("metadata",), *(("metadata", key) for key in ("uid", "name", "namespace", "resourceVersion"))}


def is_given(path: tuple[Any, ...]) -> bool:
    """Tell whether the API server itself sets a field, so that nobody can break it."""
    return path in IDENTITY


@pytest.mark.parametrize(("body", "read"), [(JOB, read_job), (POD, read_pod)], ids=["Job", "Pod"])
@pytest.mark.parametrize("seed", range(2))
def test_whatever_the_fields_of_a_job_or_pod_hold_it_is_read(
    body: Object, read: Callable[[Object], object], seed: int
) -> None:
    chance = Hostile(seed)
    for _ in range(CASES * 2):
        read(chance.worn(body, chance.randint(1, 4), is_given))


@pytest.mark.parametrize("seed", range(2))
def test_whatever_record_the_schema_admits_is_read(seed: int) -> None:
    chance = Hostile(seed)
    admitted = 0
    for _ in range(CASES):
        body = chance.broken(RECORD, 1, lambda path: path[0] in {"metadata", "kind", "apiVersion"})
        if admits(TRIAL, body):
            admitted += 1
            read_record(body)
    assert admitted > CASES / 100


@pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("seed", range(2))
async def test_an_object_of_any_shape_is_left_out_and_stops_no_other(
    kind: Kind, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", "hyperdrive_operator.controller.views")
    chance = Hostile(seed)
    lab = Laboratory()
    for number in range(CASES):
        body = chance.broken(BODIES[kind], chance.randint(1, 3), is_given)
        name = f"digits-{number % 20}"
        body["metadata"] |= {"uid": f"hostile-{number % 20}", "name": name, "resourceVersion": str(number + 1)}
        lab.cache.observe(kind, None, body)
        lab.cache.trials(SWEEP)
    assert len(lab.cache._views[kind]) <= 20
    lab.name = "good"
    lab.cluster.put(HYPERDRIVES, sweep_manifest("good", limits=limits(2, 2)))
    await lab.run_to_the_end()
    assert lab.status["trials"]["succeeded"] == 2


def test_an_object_that_can_not_be_read_is_named(caplog: pytest.LogCaptureFixture) -> None:
    body = job_body()
    body["status"] = "all is well"
    assert Laboratory().cache.observe(JOBS, None, body) is None
    (line,) = caplog.records
    assert (vars(line)["kind"], vars(line)["object"]) == ("Job", "lab/digits-1")
