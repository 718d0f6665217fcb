"""The four laws of the reconcile: fixed point, order-free, crash-safe, bounded."""

import random
from contextlib import suppress
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.builders import expression, limits, sweep_manifest
from tests.support.fake_cluster import Failure, Write
from tests.support.laboratory import STARTED, Laboratory

from hyperdrive_operator.kube.errors import ClusterError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS

SPACE = [expression("x", "qUniform", min=0, max=4.5, q=0.5)]
TOTAL, AT_ONCE = 5, 2
#: Trials whose start is recorded, and such as are over before.
LENGTHS = [pytest.param(STARTED, id="long"), pytest.param(1, id="short")]
WHEN: tuple[Literal["before", "after"], ...] = ("before", "after")


def laboratory(seed: int | None = None, run_seconds: float = STARTED) -> Laboratory:
    """Return a sweep of five trials, two at once, and what must never be seen at any write."""
    shuffle = random.Random(seed) if seed is not None else None  # noqa: S311  not for secrets
    lab = Laboratory(shuffle=shuffle, run_seconds=run_seconds)
    algorithm = {"type": "Random", "seed": 3}
    lab.cluster.put(
        HYPERDRIVES, sweep_manifest(searchSpace=SPACE, samplingAlgorithm=algorithm, limits=limits(TOTAL, AT_ONCE))
    )

    def bounded(write: Write) -> None:
        if write.kind is JOBS and not write.is_dry_run:
            assert lab.cluster.unfinished_jobs() < AT_ONCE, "one more Job would be too many"

    lab.cluster.rules.append(bounded)
    return lab


def outcome(lab: Laboratory) -> dict[str, Any]:
    """Return what must be the same whatever happened on the way: all but uids, versions and times."""
    records = {
        body["metadata"]["name"]: (
            body["spec"],
            {key: body["status"].get(key) for key in ("state", "value", "reports")},
        )
        for body in lab.cluster.all(HYPERDRIVE_TRIALS)
    }
    status = {key: lab.status[key] for key in ("state", "progress", "trials", "bestTrial")}
    conditions = [(c["type"], c["status"], c["reason"], c["message"]) for c in lab.status["conditions"]]
    return {
        "records": records,
        "jobs": sorted(job["metadata"]["name"] for job in lab.cluster.all(JOBS)),
        "status": status,
        "conditions": conditions,
    }


def score(parameters: dict[str, Any]) -> str:
    return f"accuracy={1 - abs(parameters['x'] - 2) / 10}"


async def undisturbed(run_seconds: float = STARTED) -> tuple[dict[str, Any], int]:
    """Return the outcome of a sweep to which nothing happened, and how many writes it took."""
    lab = laboratory(run_seconds=run_seconds)
    await lab.run_to_the_end(score)
    return outcome(lab), len(lab.cluster.writes)


async def test_a_sweep_that_nothing_happens_to_is_a_fixed_point() -> None:
    lab = laboratory()
    for _ in range(TOTAL):
        await lab.settle()
        lab.clock.advance(STARTED)
        await lab.settle()
        before = (lab.cluster.all(HYPERDRIVES), lab.cluster.all(HYPERDRIVE_TRIALS), lab.cluster.all(JOBS))
        lab.clock.advance(3600)
        lab.reconciler._memories.clear()
        await lab.settle()
        assert (lab.cluster.all(HYPERDRIVES), lab.cluster.all(HYPERDRIVE_TRIALS), lab.cluster.all(JOBS)) == before
        lab.start_jobs()
        lab.finish_jobs(score, at_most=1)


async def test_a_restart_at_rest_writes_nothing() -> None:
    lab = laboratory()
    await lab.run_to_the_end(score)
    before = len(lab.cluster.writes)
    lab.restart()
    lab.clock.advance(3600)
    assert await lab.settle() is None
    assert len(lab.cluster.writes) == before


@pytest.mark.parametrize("seed", range(10))
async def test_the_order_and_the_moment_in_which_things_are_seen_make_no_difference(seed: int) -> None:
    lab = laboratory(seed)
    await lab.run_to_the_end(score)
    assert outcome(lab) == (await undisturbed())[0]


@pytest.mark.parametrize("seconds", LENGTHS)
async def test_a_kill_before_or_after_any_write_makes_no_difference(seconds: float) -> None:
    expected, writes = await undisturbed(seconds)
    assert writes >= TOTAL * (4 if seconds == STARTED else 3)
    for at in range(writes):
        for when in WHEN:
            lab = laboratory(run_seconds=seconds)
            lab.cluster.failure = Failure(at, when, Killed())
            try:
                await lab.run_to_the_end(score)
            except Killed:
                lab.cluster.failure = None
                lab.restart()
                await lab.run_to_the_end(score)
            else:
                raise AssertionError("never killed")
            assert outcome(lab) == expected, f"killed {when} write {at}: {lab.cluster.writes[at].what}"


@pytest.mark.parametrize("seconds", LENGTHS)
async def test_a_failure_before_or_after_any_write_is_mended_without_a_restart(seconds: float) -> None:
    expected, writes = await undisturbed(seconds)
    for at in range(writes):
        for when in WHEN:
            lab = laboratory(run_seconds=seconds)
            lab.cluster.failure = Failure(at, when)
            await lab.run_to_the_end(score)
            assert len(lab.errors) >= 1
            assert outcome(lab) == expected, f"failed {when} write {at}: {lab.cluster.writes[at].what}"


@settings(max_examples=25, deadline=None)
@given(st.data())
async def test_whatever_happens_there_are_never_too_many_jobs_and_no_combination_runs_twice(
    data: st.DataObject,
) -> None:
    lab = laboratory(data.draw(st.integers(0, 1000)))
    for _ in range(12):
        match data.draw(
            st.sampled_from(["settle", "step", "start", "finish", "pods", "jobs", "restart", "fail", "wait"])
        ):
            case "settle":
                await lab.settle()
            case "step":
                with suppress(ClusterError):  # of a failure that waited for a write
                    await lab.step()
            case "start" | "finish" | "pods" | "jobs" as what:
                play(lab, what)
            case "restart":
                await lab.logs.close()
                lab.restart()
            case "fail":
                lab.cluster.failure = Failure(len(lab.cluster.writes), data.draw(st.sampled_from(WHEN)))
                await lab.settle()
            case "wait":
                lab.clock.advance(data.draw(st.integers(0, 120)))
    lab.cluster.failure = None
    await lab.run_to_the_end(score)
    assert outcome(lab) == (await undisturbed())[0]


def play(lab: Laboratory, what: str) -> None:
    match what:
        case "start":
            lab.start_jobs()
        case "finish":
            lab.finish_jobs(score, at_most=1)
        case "pods":
            lab.finish_pods(score, at_most=1)
        case "jobs":
            lab.complete_jobs()


class Killed(BaseException):
    """The operator was killed: nothing in it may catch this."""
