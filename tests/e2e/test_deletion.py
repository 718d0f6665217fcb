"""What a sweep made goes with it, whoever deletes it and whether or not an operator is there."""

import shlex
from collections.abc import Callable

from .installation import Installation
from .kubectl import Kubectl, Object
from .sweeps import of

MADE = "hyperdrivetrials,jobs,pods"
ENDLESS = "sleep 600"


def _start(namespace: Kubectl, sweep: Object) -> None:
    namespace.apply(sweep)
    namespace.wait(f"hd/{sweep['metadata']['name']}", "jsonpath={.status.trials.running}=3")


def _assert_all_gone(namespace: Kubectl, name: str) -> None:
    namespace.wait(MADE, "delete", selector=of(name), seconds=60)


def test_deleting_a_sweep_removes_its_trials_jobs_and_pods(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    _start(namespace, make_sweep("short-lived", ENDLESS, total=9))
    namespace("delete", "hd", "short-lived")
    _assert_all_gone(namespace, "short-lived")


def test_deleting_a_sweep_or_its_namespace_while_no_operator_is_there_removes_as_much(
    namespace: Kubectl, operator: Installation, make_sweep: Callable[..., Object]
) -> None:
    _start(namespace, make_sweep("orphaned", ENDLESS, total=9))
    other = Kubectl(f"{namespace.namespace}-2")
    other("create", "namespace", other.namespace)
    _start(other, make_sweep("running", ENDLESS, total=9))
    with operator.stopped():
        other("delete", "namespace", other.namespace, "--timeout=60s", seconds=70)
        namespace("delete", "hd", "orphaned", seconds=20)
        _assert_all_gone(namespace, "orphaned")
        namespace.apply(make_sweep("orphaned", "echo score=$(params.x)", total=2))
        unseen = namespace.get("hd", "orphaned")["status"]
        assert unseen == {"observedGeneration": -1, "state": "Pending"}, "who reads statuses sees that nothing is done"
    # the new one of the same name is not taken for the old one
    namespace.wait("hd/orphaned", "condition=Complete")


def test_deleting_the_namespace_of_a_running_sweep_does_not_hang(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    _start(namespace, make_sweep("running", ENDLESS, total=9))
    Kubectl()("delete", "namespace", namespace.namespace, "--timeout=60s", seconds=70)


def test_a_running_job_that_somebody_deletes_is_a_failed_trial_and_the_sweep_goes_on(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    script = 'test "$HYPERDRIVE_PARAM_X" != 1 || sleep 600; echo score=$HYPERDRIVE_PARAM_X'
    namespace.apply(make_sweep("robbed", script, total=3, at_once=1))
    namespace.wait("hdt/robbed-1", "create")
    namespace.wait("hdt/robbed-1", "jsonpath={.status.state}=Running")
    namespace("delete", "job", "robbed-1")
    namespace.wait("hd/robbed", "condition=Complete")
    lost = namespace.get("hdt", "robbed-1")["status"]
    assert (lost["state"], lost["reason"]) == ("Failed", "JobDeleted")
    _, kubectl, way = lost["message"].partition("kubectl ")
    assert kubectl, "it says how to run the combination again"
    assert namespace.get("hd", "robbed")["status"]["bestTrial"]["value"] == 3

    # what the message says is true
    namespace(*shlex.split(way))
    namespace.wait("job/robbed-1", "create")
    again = namespace.get("hdt", "robbed-1")
    assert again["spec"]["parameters"] == {"x": 1}
