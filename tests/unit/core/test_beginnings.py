"""When the first start of a trial is recorded: at once, once it has run for a while, or not before its end."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.builders import NOW, STAMP, job_body, limits, pod_body, running, sweep, trial

from hyperdrive_operator.core import timestamps
from hyperdrive_operator.core.beginnings import due_starts
from hyperdrive_operator.core.pacing import DEFAULT_PACE
from hyperdrive_operator.core.roster import Roster
from hyperdrive_operator.core.settling import settle
from hyperdrive_operator.core.trials import Trial
from hyperdrive_operator.kube.kinds import Object


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def stamp(seconds: float) -> str:
    return timestamps.text(at(seconds))


def pod(start: float | None = 0, end: float | None = None, *, created: float = 0, **given: Any) -> Object:
    """Build a pod whose container ran from one second to another; one without a start was refused by its node."""
    state: Object = {}
    if end is not None:
        state = {"terminated": {"exitCode": 0, "startedAt": stamp(start or 0), "finishedAt": stamp(end)}}
    elif start is not None:
        state = {"running": {"startedAt": stamp(start)}}
    statuses = [{"name": "train", "state": state}] if state else []
    return pod_body(created=stamp(created), startTime=stamp(created), containerStatuses=statuses, **given)


def begun(number: int = 1, *, of: Object | None = None, ready: int = 1, **status: Any) -> Trial:
    """Build a trial that runs, which its record does not say yet."""
    return trial(number, job=job_body(number, ready=ready, startTime=STAMP), pod=of or pod(), **status)


def next_start(one: Trial, seconds: float, **of_limits: Any) -> float | None:
    """Return when a trial's start is recorded, in seconds: 0 if now, None if no moment is known."""
    spec = sweep(limits=limits(10, 3) | of_limits).spec
    assert spec is not None
    found = due_starts(spec, Roster.of([one]), at(seconds))
    if found.due:
        return 0
    return (found.next_check - NOW).total_seconds() if found.next_check is not None else None


@pytest.mark.parametrize(("now", "due"), [(0, 3), (1.9, 3), (2.9, 3), (3, 0), (100, 0)])
def test_a_start_is_recorded_once_the_trial_has_run_for_two_seconds_by_timestamps_that_tell_whole_ones(
    now: float, due: float
) -> None:
    assert next_start(begun(), now) == due


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(begun(of=pod(start=3600)), id="a node's clock that is fast"),
        pytest.param(begun(of=pod(start=-3600)), id="one that is slow"),
        pytest.param(trial(job=job_body(ready=1)), id="nothing tells of a start"),
        pytest.param(begun(attempt=2), id="another attempt"),
        pytest.param(begun(startTime=STAMP, runTime={"seconds": 9, "time": STAMP}), id="it had waited again"),
        pytest.param(begun(interruptions={"count": 1, "reason": "Suspended"}), id="it was interrupted"),
    ],
)
def test_a_wrong_clock_and_what_is_not_the_first_start_delay_nothing(one: Trial) -> None:
    assert next_start(one, 1) == 0


@pytest.mark.parametrize(
    "of_limits",
    [
        {"trialTimeout": "1h"},
        {"timeout": "1h"},
        {"maxTotalTrialTime": "100h"},
        {"maxResourceHours": {"pods": 100}},
    ],
)
def test_a_limit_that_counts_from_starts_has_them_at_once(of_limits: Object) -> None:
    assert next_start(begun(), 1, **of_limits) == 0


def test_a_sweeps_own_time_counts_from_the_first_start_alone() -> None:
    spec = sweep(limits=limits(10, 3) | {"timeout": "1h"}).spec
    assert spec is not None
    assert due_starts(spec, Roster.of([running(1), begun(2)]), at(1)).due == set()
    assert due_starts(spec, Roster.of([begun(1), begun(2)]), at(1)).due == {1, 2}


@pytest.mark.parametrize(
    ("one", "due"),
    [
        pytest.param(begun(of=pod(0, 1, phase="Succeeded"), ready=1), 4, id="ended, and the Job counts it yet"),
        pytest.param(begun(of=pod(0, 1, phase="Failed"), ready=0), 4, id="failed: the Job may make another"),
        pytest.param(begun(of=pod(None, phase="Failed"), ready=0), None, id="refused by its node"),
        pytest.param(begun(of=pod(None, phase="Pending"), ready=0), None, id="it waits"),
        pytest.param(
            trial(job=job_body(finished="Complete"), pod=pod(0, 1, phase="Succeeded")), 3, id="its log is to be read"
        ),
        pytest.param(
            begun(of=pod(0, 1, phase="Failed"), ready=0, runTime={"seconds": 1, "time": stamp(1)}, startTime=STAMP),
            None,
            id="it waits again",
        ),
    ],
)
def test_once_its_pod_has_ended_its_job_has_two_seconds_to_say_so(one: Trial, due: float | None) -> None:
    assert next_start(one, 2) == due


def test_the_moment_is_one_of_those_at_which_the_sweep_is_looked_at() -> None:
    spec = sweep(limits=limits(10, 3), metrics={"source": "Annotation"}).spec
    assert spec is not None
    actions, next_check = settle(spec, Roster.of([begun(1), begun(2, of=pod(1))]), DEFAULT_PACE, at(1), {})
    assert (actions, next_check) == ((), at(3))


def test_a_trial_whose_pod_has_ended_has_begun_though_no_start_was_recorded() -> None:
    assert begun(of=pod(0, 1, phase="Succeeded"), ready=0).has_begun
    assert not begun(of=pod(None, phase="Failed"), ready=0).has_begun
