"""Sweeps that end before they have run all their trials, all at once; and that go on."""

import json
from collections.abc import Callable

from .kubectl import Kubectl, Object
from .sweeps import choice, condition, of, trials

#: Reports its parameter at once and then each second, for two minutes.
ENDLESS = 'i=0; while [ $i -lt 120 ]; do echo "score=$HYPERDRIVE_PARAM_X"; i=$((i + 1)); sleep 1; done'
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
