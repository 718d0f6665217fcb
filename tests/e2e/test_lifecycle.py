"""Sweeps that end before they have run all their trials, all at once; and that go on."""

import json
import time
from collections.abc import Callable

from .kubectl import Kubectl, Object
from .sweeps import choice, condition, of, trials

#: Reports its parameter at once and then each second, for two minutes.
ENDLESS = 'i=0; while [ $i -lt 120 ]; do echo "score=$HYPERDRIVE_PARAM_X"; i=$((i + 1)); sleep 1; done'
QUEUED = {"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "research"}}}
SPACE = choice("x", 1, 2, 3, 4, 5, 6)


def patch(kubectl: Kubectl, name: str, spec: Object) -> None:
    """Change a sweep as a person does."""
    kubectl("patch", "hd", name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")


def assert_ended(kubectl: Kubectl, name: str, reason: str) -> None:
    """Hold a sweep that ended while trials ran to what it promises."""
    kubectl.wait(f"hd/{name}", "condition=Complete")
    assert condition(kubectl.get("hd", name), "Complete")["reason"] == reason
    for job in kubectl.list("jobs", of(name)):
        kubectl.wait(f"job/{job['metadata']['name']}", "condition=Failed")
    assert kubectl.get("hd", name)["status"]["bestTrial"]
    cut = [one["status"] for one in trials(kubectl, name) if one["status"]["state"] == "Cancelled"]
    assert {status["reason"] for status in cut} == {reason}
    assert all("value" in status for status in cut if status.get("reports")), "reports are kept"


def test_each_ending_ends_what_runs_and_raised_limits_go_on(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    def begin(name: str, script: str = ENDLESS, **spec: object) -> None:
        sweep = make_sweep(name, script, space=SPACE, total=6, at_once=2)
        limits = spec.pop("limits", {})
        sweep["spec"] = sweep["spec"] | spec
        sweep["spec"]["limits"] |= limits
        namespace.apply(sweep)

    begin("target", objective={"primaryMetric": "score", "goal": "Maximize", "target": 2})
    begin("timeout", limits={"timeout": "30s"})
    begin("cancelled")
    begin("stopped", "sleep 8; echo score=$(params.x)")
    namespace.wait("hd/stopped", "jsonpath={.status.trials.running}=2")
    patch(namespace, "stopped", {"state": "Stopped"})
    begin("paused", "sleep 8; echo score=$(params.x)", runningTrials={"whenPaused": "Suspend"})
    namespace.wait("hd/paused", "jsonpath={.status.trials.running}=2")
    patch(namespace, "paused", {"state": "Paused"})
    namespace.wait("hdt/cancelled-2", "jsonpath={.status.value}=2")
    patch(namespace, "cancelled", {"state": "Cancelled"})

    assert_ended(namespace, "target", "TargetReached")
    assert_ended(namespace, "cancelled", "Cancelled")
    assert namespace.get("hdt", "cancelled-2")["status"]["value"] == 2
    assert_ended(namespace, "timeout", "TimeoutReached")
    namespace.wait("hd/stopped", "condition=Complete")
    assert [one["status"]["state"] for one in trials(namespace, "stopped")] == ["Succeeded", "Succeeded"]

    for job in namespace.list("jobs", of("paused")):
        namespace.wait(f"job/{job['metadata']['name']}", "condition=Suspended")
    patch(namespace, "paused", {"state": "Running"})
    patch(namespace, "stopped", {"state": "Running", "limits": {"maxTotalTrials": 3}})
    namespace.wait("hd/paused", "condition=Complete")
    assert [one["status"]["state"] for one in trials(namespace, "paused")] == ["Succeeded"] * 6
    namespace.wait("hd/stopped", "jsonpath={.status.progress}=3/3")
    assert condition(namespace.get("hd", "stopped"), "Complete")["reason"] == "AllTrialsFinished"


def test_queued_trials_spend_nothing_and_a_budget_that_is_spent_ends_the_sweep(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    sweep = make_sweep("queued", ENDLESS, space=SPACE, total=6, at_once=2)
    template = sweep["spec"]["trialTemplate"]
    sweep["spec"]["trialTemplate"] = QUEUED | {"spec": {"suspend": True, **template["spec"]}}
    sweep["spec"]["limits"] |= {"trialTimeout": "2m", "maxTotalTrialTime": "40s", "maxResourceHours": {"pods": 1}}
    namespace.apply(sweep)

    # nobody plays Kueue yet
    namespace.wait("hd/queued", "jsonpath={.status.state}=Queued")
    assert [one["status"]["state"] for one in trials(namespace, "queued")] == ["Queued", "Queued"]
    time.sleep(10)  # nothing shall happen: there is nothing to wait for
    status = namespace.get("hd", "queued")["status"]
    assert (status["state"], status["trials"]["queued"]) == ("Queued", 2)
    assert status["budget"]["trialTime"] == {"used": "0s", "left": "40s"}

    resume(namespace, "queued-1", is_resumed=True)
    namespace.wait("hdt/queued-1", "jsonpath={.status.state}=Running")
    assert namespace.get("hdt", "queued-2")["status"]["state"] == "Queued"
    namespace.wait("hdt/queued-1", "jsonpath={.status.value}=1")
    resume(namespace, "queued-1", is_resumed=False)
    namespace.wait("hdt/queued-1", "jsonpath={.status.state}=Queued")
    told = namespace.get("hdt", "queued-1")["status"]
    assert (told["interruptions"]["count"], told["interruptions"]["reason"]) == (1, "Suspended")
    assert 1 <= told["runTime"]["seconds"] < 40
    for name in ("queued-1", "queued-2"):
        resume(namespace, name, is_resumed=True)

    assert_ended(namespace, "queued", "BudgetSpent")
    ended = namespace.get("hd", "queued")["status"]
    assert ended["budget"]["trialTime"]["left"] == "0s"
    seconds = [one["status"]["runTime"]["seconds"] for one in trials(namespace, "queued")]
    assert sum(seconds) >= 40
    assert float(ended["budget"]["resourceHours"]["pods"]["used"]) == round(sum(seconds) / 3600, 3)


def resume(kubectl: Kubectl, job: str, *, is_resumed: bool) -> None:
    """Play Kueue, which admits a Job or takes its quota away."""
    kubectl("patch", "job", job, "--type=merge", f"--patch={json.dumps({'spec': {'suspend': not is_resumed}})}")
