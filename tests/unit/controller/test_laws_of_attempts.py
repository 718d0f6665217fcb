"""Whatever is cancelled, run again and tidied away, in whatever order it is seen: no attempt runs twice."""

import random
from contextlib import suppress
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.builders import limits, sweep_manifest
from tests.support.fake_cluster import Failure, Write
from tests.support.laboratory import Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.core.records import ENDED
from hyperdrive_operator.kube.errors import ClusterError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, Object

from .stopping import WHEN

TOTAL, AT_ONCE = 4, 2
STEPS = ["settle", "step", "start", "end", "cancel", "again", "again", "restart", "fail"]


class Play:
    """A sweep, and what people and the cluster do to it."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.lab = Laboratory(shuffle=random.Random(data.draw(st.integers(0, 1000))))  # noqa: S311  not for secrets
        finished_jobs = {"keep": "Best", "deleteAfter": "5s"}
        self.lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(TOTAL, AT_ONCE), finishedJobs=finished_jobs))
        self.lab.cluster.rules.append(self._bounded)
        #: What the last run of each combination has printed: no two print the same.
        self.printed: dict[int, float] = {}
        self._serial = count(1)

    async def step(self, what: str) -> None:
        match what:
            case "settle":
                await self.lab.settle()
            case "step":
                with suppress(ClusterError):  # of a failure that waited for a write
                    await self.lab.step()
            case "start":
                self.lab.start_jobs()
                self.lab.clock.advance(1)
            case "end":
                self.end(at_most=1)
            case "restart":
                await self.lab.logs.close()
                self.lab.restart()
            case "fail":
                self.lab.cluster.failure = Failure(len(self.lab.cluster.writes), self.data.draw(st.sampled_from(WHEN)))
            case "cancel" | "again":
                self._wish(what)

    def end(self, at_most: int) -> int:
        """Let what runs end, and what is deleted go."""
        moved = self.lab.finish_jobs(self._print, at_most) + self.lab.stop_jobs()
        self.lab.clock.advance(3)
        return moved + self.lab.cluster.finish_deletions()

    async def finish(self) -> None:
        """Let all happen that is still to."""
        for _ in range(60):
            await self.lab.settle()
            moved = self.lab.start_jobs() + self.end(at_most=100)
            if not moved and self.lab.is_over:
                break
        self.lab.clock.advance(60)
        await self.lab.settle()

    def _wish(self, what: str) -> None:
        records = self.lab.cluster.all(HYPERDRIVE_TRIALS)
        one = self.data.draw(st.sampled_from(records)) if records else None
        if one is None:
            return
        attempt = one["spec"].get("attempt", 1)
        wish = {"state": "Cancelled"} if what == "cancel" else {"state": "Running", "attempt": attempt + 1}
        if what == "cancel" or one["status"]["state"] in ENDED:  # else the API server refuses it
            self.lab.cluster.change(HYPERDRIVE_TRIALS, one["metadata"]["name"], {"spec": wish})

    def _print(self, parameters: Object) -> str:
        value = next(self._serial) / 1000
        self.printed[parameters["x"]] = value
        return f"accuracy={value}"

    def _bounded(self, write: Write) -> None:
        if write.what == "create jobs" and not write.is_dry_run:
            assert self.lab.cluster.unfinished_jobs() < AT_ONCE, "one more Job would be too many"


@settings(max_examples=30, deadline=None)
@given(st.data())
async def test_no_attempt_runs_twice_no_wish_is_forgotten_and_the_last_attempt_counts(data: st.DataObject) -> None:
    play = Play(data)
    for _ in range(25):
        await play.step(data.draw(st.sampled_from(STEPS)))
    await play.finish()
    lab = play.lab
    assert lab.is_over
    assert_each_attempt_ran_once(lab)
    for record in lab.cluster.all(HYPERDRIVE_TRIALS):
        assert_as_wished(record, play.printed)
    best = lab.status.get("bestTrial")
    kept = [job["metadata"]["name"] for job in lab.cluster.all(JOBS)]
    assert set(kept) <= ({best["name"]} if best else set()), "what is not the best goes"
    await lab.logs.close()


def assert_each_attempt_ran_once(lab: Laboratory) -> None:
    added = [body["metadata"] for kind, event, body in lab.cluster.events if kind is JOBS and event == "ADDED"]
    runs = [(metadata["name"], metadata["labels"][names.LABEL_ATTEMPT]) for metadata in added]
    assert sorted(runs) == sorted(set(runs))


def assert_as_wished(record: Object, printed: dict[int, Any]) -> None:
    spec, status = record["spec"], record["status"]
    assert status["state"] in ENDED
    if spec.get("state") != "Cancelled":
        assert status.get("attempt", 1) == spec.get("attempt", 1)
    if status["state"] == "Succeeded":
        assert status["value"] == printed[spec["parameters"]["x"]]
    assert [one["attempt"] for one in status.get("attempts", ())] == sorted(
        {one["attempt"] for one in status.get("attempts", ())}
    )
