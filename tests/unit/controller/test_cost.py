"""What a trial costs, counted: requests, writes and bytes, the same after 10 trials and after 1,000."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.builders import NAMESPACE, NOW, expression, limits, sweep_manifest
from tests.support.laboratory import STARTED, Laboratory

from hyperdrive_operator.core import timestamps
from hyperdrive_operator.core.jobs import build_trial
from hyperdrive_operator.core.roster import Roster
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, Object

#: Trials that are counted, after so many others, and how many run at once.
COUNTED, AT_ONCE = 40, 4


@dataclass(frozen=True)
class Cost:
    """Of COUNTED trials."""

    writes: Counter[str]
    reads: int
    bytes_written: int


async def cost_after(before: int, more_limits: Object, run_seconds: float = STARTED, **spec: Any) -> Cost:
    """Run a sweep that has ended trials already, and return what the rest of them cost."""
    lab = Laboratory(run_seconds=run_seconds)
    total = before + COUNTED
    space = [expression("x", "randint", lower=0, upper=9_999)]
    spec = {"samplingAlgorithm": {"type": "Random", "seed": 1}, "searchSpace": space, **spec}
    manifest = lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(total, AT_ONCE) | more_limits, **spec))
    for number in range(1, before + 1):
        uid = manifest["metadata"]["uid"]
        record = build_trial(sweep_name="digits", sweep_uid=uid, number=number, parameters={"x": -number})
        record["metadata"]["namespace"] = NAMESPACE
        lab.cluster.put(HYPERDRIVE_TRIALS, record)
        status = {
            "state": "Succeeded",
            "value": 1e6,
            "startTime": timestamps.text(NOW),
            "completionTime": timestamps.text(NOW),
        }
        lab.cluster.change(HYPERDRIVE_TRIALS, record["metadata"]["name"], {"status": status}, subresource="status")
    lab.cluster.requests = 0
    lab.restart()
    await lab.run_to_the_end()
    assert lab.status["progress"] == f"{total}/{total}"
    writes = lab.writes()
    sizes = sum(len(json.dumps(write.body)) for write in lab.cluster.writes)
    return Cost(writes, lab.cluster.requests - len(lab.cluster.writes), sizes)


async def test_a_trial_takes_four_writes_and_the_sweep_few() -> None:
    cost = await cost_after(0, {})
    assert cost.writes["create hyperdrivetrials"] == cost.writes["create jobs"] == COUNTED
    assert cost.writes["patch hyperdrivetrials/status"] == 2 * COUNTED
    assert set(cost.writes) == {
        "create hyperdrivetrials",
        "create jobs",
        "patch hyperdrivetrials/status",
        "patch hyperdrives/status",
    }
    # at most one a second, and of the seconds in which a batch of trials runs here one has no news
    assert cost.writes["patch hyperdrives/status"] <= 3 * COUNTED / AT_ONCE + 2


async def test_a_trial_of_one_second_takes_three_writes_its_start_none() -> None:
    cost = await cost_after(0, {}, run_seconds=1)
    assert cost.writes["create hyperdrivetrials"] == cost.writes["create jobs"] == COUNTED
    assert cost.writes["patch hyperdrivetrials/status"] == COUNTED


LIMITS = {
    "maxTotalTrialTime": "9000h",
    "maxFailedTrials": 9,
    "maxTrialsWithoutImprovement": 9_000,
    "timeout": "9h",
    "trialTimeout": "9h",
}
AIM = {"primaryMetric": "accuracy", "goal": "Maximize", "target": 1e9}


@pytest.mark.parametrize(
    ("more_limits", "spec"),
    [
        pytest.param({}, {}, id="plain"),
        pytest.param({}, {"earlyTermination": {"type": "MedianStopping"}}, id="early termination"),
        pytest.param(LIMITS, {"objective": AIM}, id="limits"),
        pytest.param({}, {"finishedJobs": {"keep": "Best"}}, id="Jobs that are deleted"),
    ],
)
async def test_a_trial_costs_the_same_after_a_thousand_and_no_pass_looks_at_all_of_them(
    more_limits: Object, spec: Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Roster, "_all", None)  # to go through all trials is an error here
    early, late = await cost_after(10, more_limits, **spec), await cost_after(1_000, more_limits, **spec)
    assert late.writes == early.writes
    assert late.reads == early.reads
    assert late.bytes_written <= 1.05 * early.bytes_written  # names and counts have more digits
