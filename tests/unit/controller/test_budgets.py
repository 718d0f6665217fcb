"""Budgets: what trials have run in all is counted, survives everything, ends the sweep in time, and can be raised."""

import math
import random
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from tests.support.builders import expression, job_template, limits, sweep_manifest
from tests.support.fake_cluster import Failure
from tests.support.laboratory import Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Object

from .stopping import WHEN, Killed

REQUESTS = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"nvidia.com/gpu": 2}}


def manifest(total: int = 8, at_once: int = 2, *, job: Object | None = None, **of_limits: Any) -> Object:
    template = job_template(**(job or {}))
    template["spec"]["template"]["spec"]["containers"][0]["resources"] = REQUESTS
    space = [expression("x", "randint", lower=0, upper=100)]
    spec = of_limits.pop("spec", {})
    given = limits(total, at_once) | of_limits
    return sweep_manifest(searchSpace=space, limits=given, trialTemplate=template, **spec)


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory = Laboratory()
    yield laboratory
    await laboratory.logs.close()


async def begin(lab: Laboratory, **given: Any) -> float | None:
    """Let the first trials run; return the seconds until the next look."""
    lab.cluster.put(HYPERDRIVES, manifest(**given))
    await lab.settle()
    lab.start_jobs()
    return await lab.settle()


def change(lab: Laboratory, **spec: Any) -> None:
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": spec})


def ending(lab: Laboratory) -> str:
    kind = "Failed" if lab.condition("Failed")["status"] == "True" else "Complete"
    assert lab.condition(kind)["status"] == "True"
    said: str = lab.condition(kind)["reason"]
    return said


async def test_a_sweep_is_woken_at_the_instant_at_which_its_budget_is_spent_and_goes_on_with_more(
    lab: Laboratory,
) -> None:
    await begin(lab, maxTotalTrialTime="100s")
    lab.clock.advance(1)
    lab.report("digits-1", 0.5)
    delay = await lab.settle()
    assert delay == pytest.approx(49, abs=0.01), "two run"
    lab.clock.advance(48)
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Running"}
    lab.clock.advance(1)
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Cancelled"}
    lab.stop_jobs()
    await lab.settle()
    assert (ending(lab), lab.status["state"], lab.cluster.unfinished_jobs()) == (
        names.REASON_BUDGET_SPENT,
        "Complete",
        0,
    )
    assert lab.status["budget"]["trialTime"]["left"] == "0s"
    assert "limits.maxTotalTrialTime (100s) is spent" in lab.condition("Complete")["message"]
    lab.clock.advance(3600)
    lab.restart()
    assert await lab.settle() is None, "nothing is to come"

    change(lab, limits={"maxTotalTrialTime": "1h"})
    await lab.settle()
    assert (lab.status["state"], lab.cluster.unfinished_jobs()) == ("Running", 2)
    await lab.run_to_the_end()
    assert ending(lab) == names.REASON_ALL_TRIALS_FINISHED


@pytest.mark.parametrize(
    ("resource", "amount", "seconds"),
    [("nvidia.com/gpu", 1, 1800), ("cpu", "0.5", 3600), ("memory", "512Mi", 1800), ("pods", 1, 3600)],
)
async def test_resources_are_counted_by_what_all_pods_of_a_trial_request(
    lab: Laboratory, resource: str, amount: Any, seconds: int
) -> None:
    await begin(lab, at_once=1, maxResourceHours={resource: amount})
    lab.clock.advance(seconds - 1)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running"}
    lab.clock.advance(1)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Cancelled"}
    assert lab.record("digits-1")["status"]["reason"] == names.REASON_BUDGET_SPENT
    told = lab.status["budget"]["resourceHours"][resource]
    assert (told["used"], told["left"].rstrip("Mi")) == (str(amount), "0")


async def test_a_trial_of_several_pods_spends_for_each_of_them(lab: Laboratory) -> None:
    await begin(lab, at_once=1, job={"parallelism": 4, "completions": 4}, maxResourceHours={"nvidia.com/gpu": 8})
    assert lab.record("digits-1")["status"]["requests"] == {
        "cpu": 2,
        "memory": 4 * 2**30,
        "nvidia.com/gpu": 8,
        "pods": 4,
    }
    lab.clock.advance(3599)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running"}
    lab.clock.advance(1)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Cancelled"}


async def test_running_trials_finish_beyond_the_budget_where_that_is_declared(lab: Laboratory) -> None:
    await begin(lab, maxTotalTrialTime="100s", spec={"runningTrials": {"whenEnded": "Continue"}})
    lab.clock.advance(60)
    await lab.settle()
    assert set(lab.trial_states().values()) == {"Running"}
    lab.finish_jobs()
    await lab.settle()
    assert (ending(lab), lab.status["progress"]) == (names.REASON_BUDGET_SPENT, "2/8")
    assert lab.status["budget"]["trialTime"] == {"used": "2m", "left": "0s"}


async def test_what_was_used_survives_jobs_that_are_gone_and_a_restart(lab: Laboratory) -> None:
    await begin(lab, maxTotalTrialTime="1h", maxResourceHours={"cpu": 10}, at_once=3, total=3)
    lab.clock.advance(360)
    lab.finish_jobs()
    await lab.settle()
    used = lab.status["budget"]
    assert used["trialTime"] == {"used": "18m", "left": "42m"}
    assert used["resourceHours"] == {"cpu": {"used": "0.15", "left": "9.85"}}
    for job in lab.cluster.all(JOBS):
        lab.cluster.remove(JOBS, job["metadata"]["name"])  # its time to live has passed
    lab.restart()
    lab.clock.advance(3600)
    await lab.settle()
    assert lab.status["budget"] == used


async def test_a_budget_that_is_given_later_counts_what_was_used_before(lab: Laboratory) -> None:
    await begin(lab)
    lab.clock.advance(600)
    lab.finish_jobs()
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    assert "budget" not in lab.status
    change(lab, limits={"maxResourceHours": {"cpu": "0.1"}})
    await lab.settle()
    assert lab.status["budget"]["resourceHours"]["cpu"]["left"] == "0"
    assert lab.trial_states()["digits-3"] == "Cancelled"


async def test_what_is_queued_spends_nothing(lab: Laboratory) -> None:
    await begin(lab, maxTotalTrialTime="10m", at_once=1, total=1)
    lab.clock.advance(100)
    lab.suspend_job("digits-1")
    assert await lab.settle() is None, "no clock runs"
    assert lab.record("digits-1")["status"]["runTime"]["seconds"] == 100
    lab.clock.advance(86400)
    lab.restart()
    await lab.settle()
    assert lab.status["budget"]["trialTime"] == {"used": "1m40s", "left": "8m20s"}
    lab.resume_job("digits-1")
    lab.start_jobs()
    await lab.settle()
    lab.clock.advance(499)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running"}
    lab.clock.advance(1)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Cancelled"}


async def test_a_trial_that_is_run_again_goes_on_spending(lab: Laboratory) -> None:
    await begin(lab, maxTotalTrialTime="10m", at_once=1, total=1)
    lab.clock.advance(100)
    lab.finish_jobs(lambda _: "no metric")
    await lab.settle()
    lab.cluster.change(HYPERDRIVE_TRIALS, "digits-1", {"spec": {"attempt": 2}})
    await lab.settle()
    lab.clock.advance(30)
    lab.cluster.finish_deletions()
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Queued"}
    assert lab.status["budget"]["trialTime"]["used"] == "1m40s"
    lab.clock.advance(3600)
    lab.start_jobs()
    await lab.settle()
    lab.clock.advance(499)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running"}
    lab.clock.advance(1)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Cancelled"}


async def test_each_attempt_is_known_before_its_pod_can_go(lab: Laboratory) -> None:
    await begin(lab, maxTotalTrialTime="10m", at_once=1, total=1, job={"backoffLimit": 3})
    lab.clock.advance(50)
    accident = Accident(lab, random.Random(0))  # noqa: S311  not for secrets
    accident.fail("digits-1")
    lab.clock.advance(10)
    accident.run(lab.cluster.one(JOBS, "digits-1"))
    await lab.settle()
    lab.clock.advance(200)
    accident.delete("digits-1")
    await lab.settle()
    lab.clock.advance(3600)
    await lab.settle()
    assert lab.status["budget"]["trialTime"]["used"] == "4m10s", "the first pod is there to be seen, the second is not"
    assert lab.record("digits-1")["status"]["runTime"]["seconds"] == 250


async def test_what_is_used_costs_a_write_a_minute_and_a_trial_none(lab: Laboratory) -> None:
    await begin(lab, maxTotalTrialTime="10h", at_once=1, total=1)
    before = lab.writes()
    for second in range(600):
        lab.clock.advance(1)
        lab.cluster.logs["digits-1-pod"] = f"accuracy=0.{second}"
        await lab.step()
    made = lab.writes() - before
    assert made["patch hyperdrives/status"] in {9, 10}
    assert lab.status["budget"]["trialTime"]["used"].startswith(("9m", "10m"))
    lab.finish_jobs()
    await lab.settle()
    assert lab.status["budget"]["trialTime"]["used"] == "10m"
    assert lab.writes()["create jobs"] == 1
    assert lab.writes()["patch jobs"] == 0


async def test_a_resource_that_no_pod_requests_is_no_budget(lab: Laboratory) -> None:
    lab.cluster.put(HYPERDRIVES, manifest(maxResourceHours={"nvidia.com/gpus": 10}))
    await lab.settle()
    assert (lab.status["state"], lab.trial_states()) == ("Invalid", {})
    message = lab.condition("Accepted")["message"]
    assert message.startswith(
        "spec.limits.maxResourceHours[nvidia.com/gpus]: no container of spec.trialTemplate requests"
    )
    change(lab, limits={"maxResourceHours": {"nvidia.com/gpus": None, "nvidia.com/gpu": 10}})
    await lab.settle()
    assert lab.status["state"] == "Running"


async def test_a_template_whose_resources_are_a_parameter_may_request_anything(lab: Laboratory) -> None:
    sweep = manifest(maxResourceHours={"nvidia.com/gpu": 10})
    sweep["spec"]["searchSpace"] = [{"name": "machine", "choice": {"values": [{"limits": {"nvidia.com/gpu": 4}}]}}]
    pod = sweep["spec"]["trialTemplate"]["spec"]["template"]["spec"]
    pod["containers"][0] |= {"args": [], "resources": "$(params.machine)"}
    lab.cluster.put(HYPERDRIVES, sweep)
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    assert lab.record("digits-1")["status"]["requests"]["nvidia.com/gpu"] == 4


# --- whatever happens ------------------------------------------------------------------------------------------------


class Ledger:
    """What really ran, by watching the pods alone: none of the operator's code is asked."""

    def __init__(self, lab: Laboratory) -> None:
        self._lab = lab
        self._seconds = 0.0
        self._since: datetime = lab.clock.now

    def advance(self, seconds: float) -> None:
        """Let time pass in which the pods that are there run."""
        self._seconds += seconds * len(self.running)
        self._lab.clock.advance(seconds)

    @property
    def running(self) -> list[str]:
        return [pod["metadata"]["name"] for pod in self._lab.cluster.all(PODS) if pod["status"]["phase"] == "Running"]

    @property
    def seconds(self) -> float:
        return self._seconds


class Accident:
    """What befalls trials: Kueue, failing pods that are retried, pods that are deleted, an end."""

    def __init__(self, lab: Laboratory, chance: random.Random) -> None:
        self._lab, self._chance, self._pods = lab, chance, 0

    def happen(self) -> None:
        jobs = [job["metadata"]["name"] for job in self._lab.cluster.all(JOBS) if not finished(job)]
        if jobs:
            name = self._chance.choice(jobs)
            self._chance.choice([self.suspend, self.fail, self.delete, self.finish])(name)
        for job in self._lab.cluster.all(JOBS):
            if self._chance.random() < 0.7:
                self.run(job)

    def suspend(self, name: str) -> None:
        if self._lab.cluster.one(JOBS, name)["spec"].get("suspend"):
            self._lab.resume_job(name)
        else:
            self._lab.suspend_job(name)

    def fail(self, name: str) -> None:
        for pod in self._live(name):
            begun, now = pod["status"]["startTime"], timestamps.text(self._lab.clock.now)
            end = {"terminated": {"exitCode": 1, "startedAt": begun, "finishedAt": now}}
            status = {"phase": "Failed", "containerStatuses": [{"name": "train", "state": end}]}
            self._lab.cluster.change(PODS, pod["metadata"]["name"], {"status": status})
        self._lab.cluster.change(JOBS, name, {"status": {"ready": 0}}, subresource="status")

    def delete(self, name: str) -> None:
        for pod in self._live(name):
            self._lab.cluster.remove(PODS, pod["metadata"]["name"])
        self._lab.cluster.change(JOBS, name, {"status": {"ready": 0}}, subresource="status")

    def finish(self, name: str) -> None:
        for pod in self._live(name):
            self._lab.cluster.logs[pod["metadata"]["name"]] = "accuracy=0.5"
            self._lab.cluster.change(PODS, pod["metadata"]["name"], {"status": {"phase": "Succeeded"}})
            self._lab.end_job(name, "Complete")

    def run(self, job: Object) -> None:
        name = job["metadata"]["name"]
        if finished(job) or job["spec"].get("suspend") or self._live(name):
            return
        self._pods += 1
        now = timestamps.text(self._lab.clock.now)
        self._lab.add_pod(job, phase="Running", suffix=f"pod-{self._pods}", startTime=now)
        self._lab.cluster.change(JOBS, name, {"status": {"ready": 1, "startTime": now}}, subresource="status")

    def _live(self, name: str) -> list[Object]:
        pods = [pod for pod in self._lab.cluster.all(PODS) if pod["status"]["phase"] == "Running"]
        return [pod for pod in pods if pod["metadata"]["ownerReferences"][0]["name"] == name]


def finished(job: Object) -> bool:
    return any(one["type"] in {"Complete", "Failed"} for one in job["status"].get("conditions") or ())


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_the_budget_is_never_exceeded_and_what_is_told_is_what_ran(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  not for secrets
    lab, budget = Laboratory(), 900.0
    lab.cluster.put(HYPERDRIVES, manifest(total=50, at_once=3, maxTotalTrialTime="15m", job={"backoffLimit": 99}))
    ledger, accident = Ledger(lab), Accident(lab, chance)
    delay = await lab.settle()
    for _ in range(400):
        accident.happen()
        delay = await _live_on(lab, chance)
        if lab.stop_jobs():
            delay = await _live_on(lab, chance)
        if lab.is_over:
            break
        # whole seconds, as timestamps tell them; but the last of them may be a part of one
        wait = min(chance.randint(1, 20), delay or math.inf)
        ledger.advance(math.floor(wait) or wait)
        assert ledger.seconds <= budget + 0.01, "whoever waits for an event is woken before it is exceeded"
    told = sum(trial["status"].get("runTime", {}).get("seconds", 0) for trial in _records(lab))
    assert lab.is_over
    assert ending(lab) == names.REASON_BUDGET_SPENT
    assert ledger.seconds <= budget + 0.01
    # timestamps tell whole seconds, rounded up; each attempt has a start and an end
    assert ledger.seconds - 1 <= told <= ledger.seconds + 2 * len(lab.cluster.all(PODS)) + 2 * len(_records(lab))
    await lab.logs.close()


async def _live_on(lab: Laboratory, chance: random.Random) -> float | None:
    """Let the operator do what is to be done; at times it dies at a write, and is there again at once."""
    if chance.random() < 0.3:
        lab.cluster.failure = Failure(len(lab.cluster.writes) + chance.randint(0, 3), chance.choice(WHEN), Killed())
    try:
        delay = await lab.settle()
    except Killed:
        await lab.logs.close()
        lab.restart()
        lab.cluster.failure = None
        delay = await lab.settle()
    lab.cluster.failure = None
    return delay


def _records(lab: Laboratory) -> list[Object]:
    return [lab.record(name) for name in lab.trial_states()]
