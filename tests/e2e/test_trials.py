"""What can befall one trial, and what can be done with one: seven sweeps at once on a real kubelet."""

import json
import time
from collections.abc import Callable

from .kubectl import Kubectl, Object
from .sweeps import choice, condition, of, trials

ENDLESS = 'echo "score=$HYPERDRIVE_PARAM_X"; sleep 300'
#: Touches a gigabyte.
GREEDY = "exec python3 -c 'x = bytes(range(256)) * (1 << 22)'"
#: Long enough to be evicted, short enough to be run twice.
BRIEF = 'sleep 8; echo "score=$HYPERDRIVE_PARAM_X"'
QUICK = 'echo "score=$HYPERDRIVE_PARAM_X"'
#: Of the pods of a trial the one of rank 1 fails.
ONE_FAILS = (
    'echo "score=$HYPERDRIVE_PARAM_X"; [ "$JOB_COMPLETION_INDEX" != 1 ] || { echo "rank 1 has no data"; exit 3; }'
)
#: Each repeat of a trial is better by 1 than the one before.
REPEATED = 'echo "score=$((HYPERDRIVE_PARAM_X + HYPERDRIVE_REPEAT))"'


def change(kubectl: Kubectl, kind: str, name: str, spec: Object) -> None:
    """Change a spec as a person does."""
    kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")


def pod_of(kubectl: Kubectl, trial: str) -> Object:
    """Return the pod of a trial that runs, as soon as there is one."""
    kubectl.wait("pods", "condition=Ready", selector=f"hyperdrive.dev/trial={trial}")
    (pod,) = kubectl.list("pods", f"hyperdrive.dev/trial={trial}")
    return pod


def evict(kubectl: Kubectl, pod: str) -> None:
    """Evict a pod as the drain of a node does."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": kubectl.namespace},
    }
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/eviction"
    kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(eviction))


def jobs(kubectl: Kubectl, name: str) -> list[str]:
    """Return the names of a sweep's Jobs."""
    return sorted(job["metadata"]["name"] for job in kubectl.list("jobs", of(name)))


def assert_tidied(kubectl: Kubectl, name: str, best: str, values: list[int]) -> None:
    """Hold a sweep that keeps the best trial's Job to what it promises."""
    kubectl.wait(f"hd/{name}", "condition=Complete")
    until = time.monotonic() + 60
    while jobs(kubectl, name) != [best]:
        assert time.monotonic() < until, jobs(kubectl, name)
        time.sleep(0.5)
    assert [one["status"]["value"] for one in trials(kubectl, name)] == values, "records stay"
    assert condition(kubectl.get("hd", name), "Complete")["status"] == "True"


def test_one_trial_times_out_runs_out_of_memory_is_evicted_cancelled_run_again_and_tidied_away(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    def begin(name: str, script: str, *, total: int = 1, **spec: object) -> None:
        sweep = make_sweep(name, script, space=choice("x", 1, 2, 3), total=total, at_once=3)
        limits = spec.pop("limits", {})
        sweep["spec"] = sweep["spec"] | spec
        sweep["spec"]["limits"] |= limits
        container = sweep["spec"]["trialTemplate"]["spec"]["template"]["spec"]["containers"][0]
        container["resources"] = {"limits": {"memory": "64Mi"}}
        namespace.apply(sweep)

    begin("evicted", BRIEF)
    begin("cancelled", ENDLESS, total=2)
    begin("timeout", ENDLESS, limits={"trialTimeout": "4s"})
    begin("memory", GREEDY)
    begin("again", "exit 3")
    begin("repeated", REPEATED, repeats=3)
    begin("tidied", QUICK, total=3, finishedJobs={"keep": "Best", "deleteAfter": "2s"})

    evict(namespace, pod_of(namespace, "evicted-1")["metadata"]["name"])

    namespace.wait("hdt/cancelled-1", "jsonpath={.status.value}=1")
    change(namespace, "hdt", "cancelled-1", {"state": "Cancelled"})
    namespace.wait("job/cancelled-1", "condition=Failed")
    status = namespace.get("hdt", "cancelled-1")["status"]
    assert (status["state"], status["reason"], status["value"]) == ("Cancelled", "TrialCancelled", 1)
    namespace.wait("hdt/cancelled-2", "jsonpath={.status.state}=Running")  # the other one goes on
    change(namespace, "hdt", "cancelled-2", {"state": "Cancelled"})

    namespace.wait("hdt/timeout-1", "jsonpath={.status.reason}=TimedOut")
    namespace.wait("job/timeout-1", "condition=Failed")
    namespace.wait("hdt/memory-1", "jsonpath={.status.exitReason}=OOMKilled")
    assert namespace.get("hdt", "memory-1")["status"]["exitCode"] == 137

    namespace.wait("hd/again", "condition=Failed")
    assert namespace.get("hdt", "again-1")["status"]["exitCode"] == 3
    first = namespace.get("job", "again-1")["metadata"]["uid"]
    template = make_sweep("again", QUICK)["spec"]["trialTemplate"]
    change(namespace, "hd", "again", {"trialTemplate": template})
    change(namespace, "hdt", "again-1", {"attempt": 2})
    namespace.wait("hd/again", "condition=Complete")
    status = namespace.get("hdt", "again-1")["status"]
    assert (status["state"], status["value"], status["attempt"]) == ("Succeeded", 1, 2)
    assert [(one["attempt"], one["state"], one["exitCode"]) for one in status["attempts"]] == [(1, "Failed", 3)]
    assert namespace.get("job", "again-1")["metadata"]["uid"] != first
    assert len(namespace.list("pods", "hyperdrive.dev/trial=again-1")) == 1

    namespace.wait("hd/repeated", "condition=Complete")
    status = namespace.get("hdt", "repeated-1")["status"]
    assert (status["value"], status["deviation"], status["repeats"]) == (2, 1, [1, 2, 3])
    assert_tidied(namespace, "tidied", "tidied-3", [1, 2, 3])

    namespace.wait("hd/evicted", "condition=Complete")
    status = namespace.get("hdt", "evicted-1")["status"]
    assert (status["state"], status["interruptions"]["count"]) == ("Succeeded", 1)
    assert status["interruptions"]["reason"] == "EvictionByEvictionAPI"
    namespace.wait("hd/cancelled", "condition=Complete")


def test_a_trial_of_which_some_indexes_fail_is_told_by_the_pod_that_failed(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    def begin(name: str, script: str, **job: object) -> None:
        sweep = make_sweep(name, script, space=choice("x", 1), total=1)
        template = sweep["spec"]["trialTemplate"]["spec"]
        del template["backoffLimit"]
        template |= {"completionMode": "Indexed", "completions": 3, "parallelism": 3, "backoffLimitPerIndex": 0, **job}
        namespace.apply(sweep)

    begin("some", ONE_FAILS)
    begin("more", f"{ONE_FAILS}; echo 'rank 0 goes on'; sleep 300", maxFailedIndexes=0)
    for name, reason in (("some", "FailedIndexes"), ("more", "MaxFailedIndexesExceeded")):
        namespace.wait(f"hd/{name}", "condition=Failed")
        status = namespace.get("hdt", f"{name}-1")["status"]
        assert (status["state"], status["reason"], status["exitCode"]) == ("Failed", "JobFailed", 3)
        assert reason in status["message"]
        assert status["message"].endswith("rank 1 has no data")
    assert namespace.get("hdt", "some-1")["status"]["value"] == 1, "what rank 0 has reported is kept"
