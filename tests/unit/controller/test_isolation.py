"""Broken sweeps beside a good one: each costs a bounded number of passes and requests, and none takes its turn."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.support.builders import choice, expression, job_template, limits, sweep_manifest
from tests.support.fake_cluster import Write
from tests.support.virtual_time import run_virtually
from tests.unit.controller.test_controller import Plant

from hyperdrive_operator.controller.queue import Key
from hyperdrive_operator.kube.errors import ConflictError, ForbiddenError, InvalidError, TransientError
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, PODS, Object

TYPO = job_template()
TYPO["spec"]["template"]["spec"]["containers"][0]["args"] = ["--lr=$(params.rate)"]
SPACE = [expression("x", "randint", upper=1_000_000)]
SECONDS = 90
#: Of each kind: fifty-four in all.
EACH = 3
#: Of one sweep in that time. A walk through 100,000 combinations that all break a constraint is 200 passes, once; a
#: status that can't be written is tried again after 50 ms, 100 ms and so on.
MOST_PASSES = 250
MOST_WRITES = 150
GOOD = sweep_manifest("good", limits=limits(12, 3), searchSpace=SPACE)

#: What is wrong in the manifest itself.
WRITTEN: dict[str, dict[str, Any]] = {
    "placeholder": {"trialTemplate": TYPO},
    "space": {"searchSpace": [choice("a-b", 1), choice("a.b", 2)]},
    "constraint": {"constraints": [{"rule": "params.x < 0"}]},
    "rare": {"constraints": [{"rule": "params.x < 300"}], "samplingAlgorithm": {"type": "Random"}},
    "rule": {"constraints": [{"rule": "params.x >"}]},
    "source": {"warmStart": {"from": ["nobody"]}},
}
#: What the API server says to each write of a Job, or of the sweep's status.
REFUSED: dict[str, Exception] = {
    "template": InvalidError(422, "Invalid", 'Job.batch "x" is invalid: spec.template.spec.containers[0].image'),
    "quota": ForbiddenError(403, "Forbidden", 'jobs.batch "x" is forbidden: exceeded quota: small, requested: pods=1'),
    "forbidden": ForbiddenError(403, "Forbidden", 'User "operator" cannot create resource "jobs"'),
    "broken": TransientError(500, "InternalError", "etcd is gone"),
    "conflict": ConflictError(409, "Conflict", "somebody writes it all the time"),
}
_NO_IMAGE = {"name": "train", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
#: What becomes of the pods.
STUCK: dict[str, Object] = {
    "image": {"containerStatuses": [_NO_IMAGE]},
    "unschedulable": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]},
    "podless": {},
}
SAYS = {"silent": "epoch 1", "nan": "accuracy=nan", "huge": "x" * 10_000 + "\n" + "y=1\n" * 100, "crash": "boom"}
#: These do run; or it is the API server that fails, which is no fault of theirs, and is told in the operator's log.
UNSAID = {"rare", "podless", "broken", "conflict"}
KINDS = (*WRITTEN, *REFUSED, *STUCK, *SAYS)


def kind_of(name: str) -> str:
    """Return the kind of a sweep, or of a trial's: image2-7 is an image."""
    return name.partition("-")[0].rstrip("0123456789")


class Town:
    """An operator with its sweeps, and everybody else in the cluster, who do something each second."""

    def __init__(self, broken: tuple[str, ...]) -> None:
        self.plant = Plant()
        self.passes: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.cluster, self.lab = self.plant.cluster, self.plant.lab
        self.cluster.rules.append(self.judge)
        self.cluster.put(HYPERDRIVES, GOOD)
        for kind in broken:
            for number in range(EACH):
                spec = {"searchSpace": SPACE, "limits": limits(20, 2), **WRITTEN.get(kind, {})}
                self.cluster.put(HYPERDRIVES, sweep_manifest(f"{kind}{number}", **spec))

    def judge(self, write: Write) -> None:
        kind = kind_of(write.name)
        self.requests[write.name.partition("-")[0]] += 1
        is_status = write.kind is HYPERDRIVES
        if kind in REFUSED and (is_status if kind == "conflict" else write.kind is JOBS):
            raise REFUSED[kind]

    def count(self) -> None:
        reconcile: Callable[..., Any] = self.plant.controller._reconciler.reconcile

        async def counted(key: Key, *rest: Any) -> float | None:
            self.passes[key.name] += 1
            delay: float | None = await reconcile(key, *rest)
            return delay

        self.plant.controller._reconciler.reconcile = counted  # type: ignore[assignment, method-assign]  # counts

    def play(self) -> None:
        """Play the Job controller and the kubelets for a second."""
        with_pod = {pod["metadata"]["ownerReferences"][0]["uid"]: pod for pod in self.cluster.all(PODS)}
        for job in self.cluster.all(JOBS):
            name, pod = job["metadata"]["name"], with_pod.get(job["metadata"]["uid"])
            kind = kind_of(name)
            if kind == "podless" or job["status"].get("conditions"):
                continue
            if pod is None:
                self.lab.add_pod(job, phase="Pending" if kind in STUCK else "Running", **STUCK.get(kind, {}))
            elif kind not in STUCK:
                x = self.lab.record(name)["spec"]["parameters"]["x"]
                self.cluster.logs[pod["metadata"]["name"]] = SAYS.get(kind, f"accuracy={x}")
                phase, end = ("Failed", "Failed") if kind == "crash" else ("Succeeded", "Complete")
                self.cluster.change(PODS, pod["metadata"]["name"], {"status": {"phase": phase}})
                self.lab.end_job(name, end)

    def reasons(self, name: str) -> set[str]:
        """Return what a sweep says is wrong with it."""
        conditions = self.cluster.one(HYPERDRIVES, name)["status"].get("conditions") or ()
        return {one["reason"] for one in conditions if one["type"] in {"Stalled", "Failed"} and one["status"] == "True"}

    async def live(self) -> int:
        """Let time pass; return the second in which the good sweep was complete."""
        done = math.inf
        self.plant.watch()
        self.count()
        async with self.plant.at_work():
            for second in range(SECONDS):
                await asyncio.sleep(1)
                self.cluster.clock.advance(1)
                with suppress(KeyError):
                    self.play()
                if self.cluster.one(HYPERDRIVES, "good")["status"].get("completionTime"):
                    done = min(done, second)
        assert done < math.inf, "the good sweep was not complete"
        return int(done)


def test_broken_sweeps_of_every_kind_do_not_delay_a_good_one_and_make_no_storm() -> None:
    alone = run_virtually(Town(()).live)
    town = Town(KINDS)
    beside = run_virtually(town.live)
    assert beside <= alone + 1
    assert {name: passes for name, passes in town.passes.items() if passes > MOST_PASSES} == {}
    assert {name: writes for name, writes in town.requests.items() if writes > MOST_WRITES} == {}
    states = {kind: town.reasons(f"{kind}0") for kind in KINDS}
    assert {kind for kind, reasons in states.items() if not reasons} == UNSAID, states
