"""Stopping trials is crash-safe: whatever write is lost, the end is the same."""

from typing import Any

import pytest
from tests.support.fake_cluster import Failure
from tests.support.laboratory import Laboratory

from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, JOBS

from .stopping import WHEN, Killed, deadline, laboratory


async def play(lab: Laboratory) -> dict[str, Any]:
    """Run a sweep in which every second trial is stopped; return what must be the same whatever happens on the way."""
    for _ in range(60):
        await lab.settle()
        lab.clock.advance(2)
        await lab.start_trials()
        for record in lab.cluster.all(HYPERDRIVE_TRIALS):
            if record["status"]["state"] == "Running" and "curve" not in record["status"]:
                lab.report(record["metadata"]["name"], record["spec"]["number"] % 2)
        await lab.settle()
        lab.stop_jobs()
        lab.finish_jobs(lambda _: "accuracy=1")
        await lab.settle()
        if lab.is_over:
            break
    deadlines = {job["metadata"]["name"]: deadline(lab, job["metadata"]["name"]) for job in lab.cluster.all(JOBS)}
    counts = {key: lab.status["trials"][key] for key in ("succeeded", "earlyStopped", "failed")}
    return {"states": lab.trial_states(), "deadlines": deadlines, "counts": counts, "state": lab.status["state"]}


async def test_a_kill_before_or_after_any_write_makes_no_difference() -> None:
    policy = {"type": "Threshold", "threshold": {"lower": 0.5}}
    lab = laboratory(policy)
    expected, writes = await play(lab), len(lab.cluster.writes)
    assert list(expected["states"].values()) == ["Succeeded", "EarlyStopped"] * 2
    assert list(expected["deadlines"].values()) == [None, 0] * 2
    assert expected["counts"] == {"succeeded": 2, "earlyStopped": 2, "failed": 0}
    for at in range(writes):
        for when in WHEN:
            lab = laboratory(policy)
            lab.cluster.failure = Failure(at, when, Killed())
            with pytest.raises(Killed):
                await play(lab)
            lab.cluster.failure = None
            lab.restart()
            assert await play(lab) == expected, f"killed {when} write {at}: {lab.cluster.writes[at].what}"
