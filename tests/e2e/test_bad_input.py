"""What bad input gets: words that name the field and the fix, and no effect on the sweep beside it."""

from collections.abc import Callable
from copy import deepcopy

import pytest

from .kubectl import Kubectl, KubectlError, Object
from .sweeps import choice, condition, events, reason_is, trials

FIVE = 5  # so many fruitless trials, and a sweep gives up


def _with(sweep: Object, **pod_spec: object) -> Object:
    sweep["spec"]["trialTemplate"]["spec"]["template"]["spec"] |= pod_spec
    return sweep


def test_bad_sweeps_say_what_to_mend_and_leave_a_good_one_alone(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    refused = _with(make_sweep("refused", "true"), restartPolicy="Always")
    missing_image = make_sweep("missing-image", "true", total=2)
    container = missing_image["spec"]["trialTemplate"]["spec"]["template"]["spec"]["containers"][0]
    container["image"] = "localhost/no-such-image:1"
    taken = make_sweep("taken", "echo score=1", total=2)
    somebodys = {
        "apiVersion": "hyperdrive.dev/v1alpha1",
        "kind": "HyperDriveTrial",
        "metadata": {"name": "taken-1"},
        "spec": {"number": 1, "parameters": {"x": 9}},
    }
    namespace.apply(
        somebodys,
        make_sweep("placeholder", "echo score=$(params.lr)"),
        refused,
        make_sweep("silent", "echo accuracy=0.5 loss=1", total=20),
        make_sweep("nan", "echo score=nan", total=20),
        make_sweep("failing", "echo score=1; exit 7", total=20),
        missing_image,
        taken,
        make_sweep("good", "echo score=$(params.x)", total=8),
    )
    namespace.wait("hd/good", "condition=Complete")
    assert namespace.get("hd", "good")["status"]["bestTrial"]["value"] == 8
    assert {trial["status"]["state"] for trial in trials(namespace, "good")} == {"Succeeded"}

    _assert_says(
        namespace,
        "placeholder",
        "Accepted",
        "False",
        "InvalidTrialTemplate",
        "spec.trialTemplate.spec.template.spec.containers[0].command[2]",
        "'$(params.lr)' names no parameter of searchSpace: use one of x",
    )
    _assert_says(
        namespace,
        "refused",
        "Accepted",
        "False",
        "InvalidTrialTemplate",
        "spec.template.spec.restartPolicy",
        'valid values: "OnFailure", "Never"',
    )
    _assert_says(
        namespace,
        "silent",
        "Failed",
        "True",
        "MetricNotReported",
        "reported no 'score'",
        "metrics seen: accuracy, loss",
    )
    _assert_says(namespace, "nan", "Failed", "True", "MetricNotANumber", "'score' are no finite numbers", "'nan'")
    _assert_says(namespace, "failing", "Failed", "True", "JobFailed", "exit code 7")
    _assert_says(namespace, "missing-image", "Stalled", "True", "PodWaiting", "missing-image-1", "no-such-image")
    _assert_says(
        namespace,
        "taken",
        "Stalled",
        "True",
        "NameTaken",
        "HyperDriveTrial named 'taken-1' exists and is not this HyperDrive's",
        "delete it, or rename",
    )
    for name in ("placeholder-1", "refused-1", "taken-1"):
        assert not namespace.exists("job", name)
    for name in ("silent", "nan", "failing"):
        assert len(trials(namespace, name)) < FIVE * 2, f"{name} runs on for nothing"
    assert namespace.get("hdt", "taken-1")["spec"]["parameters"] == {"x": 9}, "somebody else's trial is left alone"

    # what the message says is true
    namespace("delete", "hdt", "taken-1")
    namespace.wait("hd/taken", "condition=Complete")


def _assert_says(namespace: Kubectl, name: str, kind: str, status: str, reason: str, *words: str) -> None:
    """Wait for a condition's reason, and look for words in its message, in the trials' or in an event."""
    namespace.wait(f"hd/{name}", reason_is(kind, reason))
    found = condition(namespace.get("hd", name), kind)
    assert found["status"] == status
    assert [word for word in words if word not in found["message"]] == []
    if kind != "Accepted":
        assert reason in events(namespace, name), "the condition is told as an event too"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"searchSpace": []}, ["spec.searchSpace", "at least 1 item"], id="empty search space"),
        pytest.param(
            {"searchSpace": [{"name": "x", "uniform": {"min": 2, "max": 1}}]},
            ["spec.searchSpace[0].uniform", "min must be below max"],
            id="bounds the wrong way round",
        ),
        pytest.param(
            {"searchSpace": [{"name": "x", "uniform": {"min": 0, "max": 1}}]},
            ["spec", "Grid needs parameters with countable values", "give a continuous range a step q"],
            id="a continuous grid",
        ),
        pytest.param({"limits": {"maxTotalTrials": 0}}, ["spec.limits.maxTotalTrials", "greater than"], id="no trials"),
        pytest.param(
            {"objective": {"primaryMetric": "score", "goal": "Best"}},
            ["spec.objective.goal", '"Maximize", "Minimize"'],
            id="unknown goal",
        ),
    ],
)
def test_what_a_schema_can_see_is_refused_by_the_api_server(
    namespace: Kubectl, make_sweep: Callable[..., Object], change: Object, words: list[str]
) -> None:
    sweep = make_sweep("bad", "true")
    sweep["spec"] |= deepcopy(change)
    with pytest.raises(KubectlError) as refusal:
        namespace.apply(sweep)
    assert [word for word in words if word not in str(refusal.value)] == []
    assert namespace.list("hd") == []


def test_a_name_too_long_for_its_jobs_is_refused_by_the_api_server(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    with pytest.raises(KubectlError, match=r"metadata\.name must have at most 57 characters"):
        namespace.apply(make_sweep("a" * 58, "true"))
    namespace.apply(make_sweep("a" * 57, "echo score=1", total=1))
    namespace.wait(f"hd/{'a' * 57}", "condition=Complete")


def test_search_space_and_objective_can_not_be_changed(namespace: Kubectl, make_sweep: Callable[..., Object]) -> None:
    sweep = make_sweep("fixed", "true")
    sweep["spec"]["trialTemplate"]["spec"]["suspend"] = True
    namespace.apply(sweep)
    for field, value in (
        ("searchSpace", [choice("x", 1)]),
        ("objective", {"primaryMetric": "score", "goal": "Minimize"}),
    ):
        changed = deepcopy(sweep)
        changed["spec"][field] = value
        with pytest.raises(KubectlError, match=f"{field} is immutable.*Create another HyperDrive instead"):
            namespace.apply(changed)


def test_a_quota_holds_a_sweep_back_until_it_is_raised(namespace: Kubectl, make_sweep: Callable[..., Object]) -> None:
    namespace("create", "quota", "jobs", "--hard=count/jobs.batch=0")
    namespace.wait("quota/jobs", "jsonpath={.status.hard.count/jobs\\.batch}=0")
    namespace.apply(make_sweep("patient", "echo score=$(params.x)", total=4, at_once=2))
    _assert_says(namespace, "patient", "Stalled", "True", "QuotaExceeded", "exceeded quota: jobs", "count/jobs.batch=")
    namespace("patch", "quota", "jobs", "--type=merge", '--patch={"spec": {"hard": {"count/jobs.batch": "3"}}}')
    # a finished Job still counts: the fourth waits for room, and says so
    namespace.wait("hd/patient", "jsonpath={.status.progress}=3/4")
    _assert_says(namespace, "patient", "Stalled", "True", "QuotaExceeded", "exceeded quota: jobs")
    namespace("delete", "quota", "jobs")
    namespace.wait("hd/patient", "condition=Complete")
    assert condition(namespace.get("hd", "patient"), "Stalled")["status"] == "False"


def test_a_quota_that_leaves_no_room_for_pods_is_told(namespace: Kubectl, make_sweep: Callable[..., Object]) -> None:
    """The Job is created, and nothing but its own events says that it gets no pod."""
    namespace("create", "quota", "pods", "--hard=pods=0")
    namespace.wait("quota/pods", "jsonpath={.status.hard.pods}=0")
    namespace.apply(make_sweep("podless", "echo score=$(params.x)", total=2, at_once=1))
    _assert_says(namespace, "podless", "Stalled", "True", "PodNotCreated", "kubectl describe job podless-1")
    assert "exceeded quota: pods" in namespace("describe", "job", "podless-1")
    namespace("delete", "quota", "pods")
    # the Job controller's own back-off decides when it tries again
    namespace.wait("hd/podless", "condition=Complete")
