"""The manifests of a trial's record and Job."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import choice, job_template, sweep

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.jobs import (
    build_job,
    build_trial,
    environment,
    reporter_environment,
    summary,
    template_problems,
    variable_name,
)
from hyperdrive_operator.core.problems import sentence

from .test_template import JSON


def spec(template: Any, *parameters: Any) -> HyperDriveSpec:
    parsed = sweep(trialTemplate=template, searchSpace=list(parameters) or [choice("x", 1)]).spec
    assert parsed is not None
    return parsed


def job(template: Any, parameters: dict[str, Any] | None = None, uid: str = "uid-1") -> dict[str, Any]:
    """Build the Job of trial digits-7."""
    parameters = {"x": 1} if parameters is None else parameters
    return build_job(spec(template), sweep_name="digits", trial="digits-7", trial_uid=uid, parameters=parameters)


def container(manifest: dict[str, Any], index: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]["containers"][index]
    return found


def pod(*containers: Any, **more: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(containers), **more}}}}


def kubelet_expands(text: str, environ: dict[str, str]) -> str:
    """Expand $(NAME) as k8s.io/kubernetes/third_party/forked/golang/expansion does."""
    result, rest = "", text
    while "$" in rest:
        before, _, rest = rest.partition("$")
        result += before
        name, closed, after = rest[1:].partition(")") if rest.startswith("(") else ("", "", "")
        if rest.startswith("$"):
            result, rest = result + "$", rest[1:]
        elif closed:
            result, rest = result + environ.get(name, f"$({name})"), after
        else:
            result += "$"
    return result + rest


def test_a_record_is_owned_by_its_sweep_and_found_by_its_label() -> None:
    record = build_trial(sweep_name="digits", sweep_uid="uid-9", number=3, parameters={"lr": 0.25, "n": 4})
    assert record["metadata"] == {
        "name": "digits-3",
        "labels": {names.LABEL_HYPERDRIVE: "digits", names.LABEL_MANAGED_BY: names.MANAGED_BY},
        "ownerReferences": [
            {
                "apiVersion": "hyperdrive.dev/v1alpha1",
                "kind": "HyperDrive",
                "name": "digits",
                "uid": "uid-9",
                "controller": True,
            }
        ],
    }
    assert record["spec"] == {"number": 3, "parameters": {"lr": 0.25, "n": 4}, "summary": "lr=0.25 n=4"}


def test_a_job_is_owned_by_its_record_alone_and_nothing_waits_for_its_deletion() -> None:
    (owner,) = job(job_template())["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("HyperDriveTrial", "digits-7", "uid-1")
    assert "blockOwnerDeletion" not in owner


def test_a_job_for_a_dry_run_has_no_owner() -> None:
    assert "ownerReferences" not in job(job_template(), uid="")["metadata"]


def test_our_labels_are_on_job_and_pod_and_win_over_the_users() -> None:
    template = job_template()
    template["metadata"] = {"labels": {names.LABEL_TRIAL: "mine", "team": "$(params.x)"}}
    template["spec"]["template"]["metadata"] = {"labels": {names.LABEL_HYPERDRIVE: "mine", "a": "b"}}
    built = job(template)
    ours = {
        names.LABEL_HYPERDRIVE: "digits",
        names.LABEL_TRIAL: "digits-7",
        names.LABEL_ATTEMPT: "1",
        names.LABEL_MANAGED_BY: "hyperdrive-operator",
    }
    assert built["metadata"]["labels"] == {"team": "1", **ours}
    assert built["spec"]["template"]["metadata"]["labels"] == {"a": "b", **ours}


def test_annotations_are_rendered_as_strings() -> None:
    template = {**job_template(), "metadata": {"annotations": {"x": "$(params.x)"}}}
    assert job(template)["metadata"]["annotations"] == {"x": "1"}


def test_every_container_gets_the_parameters_and_the_users_variables_come_after_and_win() -> None:
    own = [{"name": "HYPERDRIVE_PARAM_X", "value": "mine"}, {"name": "URL", "value": "a/$(HYPERDRIVE_TRIAL)"}]
    built = job(pod({"name": "a", "env": own}, {"name": "b", "env": None}, initContainers=[{"name": "c"}]))
    ours = ["HYPERDRIVE_TRIAL", "HYPERDRIVE_PARAMETERS"]
    for_the_reporter = ["HYPERDRIVE_PRIMARY_METRIC", "HYPERDRIVE_GOAL", "HYPERDRIVE_JOB_UID"]
    everything = [*ours, "HYPERDRIVE_PARAM_X", *for_the_reporter]
    assert [variable["name"] for variable in container(built)["env"]] == [
        *ours,
        *for_the_reporter,
        "HYPERDRIVE_PARAM_X",
        "URL",
    ]
    assert container(built)["env"][-2:] == own
    assert [variable["name"] for variable in container(built, 1)["env"]] == everything
    init = built["spec"]["template"]["spec"]["initContainers"][0]
    assert [variable["name"] for variable in init["env"]] == everything


@pytest.mark.parametrize(
    ("parameter", "variable"),
    [
        ("lr", "HYPERDRIVE_PARAM_LR"),
        ("learning-rate", "HYPERDRIVE_PARAM_LEARNING_RATE"),
        ("optimizer.beta_1", "HYPERDRIVE_PARAM_OPTIMIZER_BETA_1"),
    ],
)
def test_variable_name(parameter: str, variable: str) -> None:
    assert variable_name(parameter) == variable


@given(st.text("$()A ab", max_size=12))
def test_a_value_reaches_the_script_as_it_is_whatever_dollars_are_in_it(value: str) -> None:
    # the kubelet turns $$ into $ and $(A) into the variable A
    variable = environment("digits-1", {"x": value})[2]
    assert kubelet_expands(variable["value"], {"A": "expanded", "": "nothing"}) == value


def test_environment_values_are_texts() -> None:
    values = {variable["name"]: variable["value"] for variable in environment("t-1", {"a": True, "b": 1.5, "c": [1]})}
    assert values == {
        "HYPERDRIVE_TRIAL": "t-1",
        "HYPERDRIVE_PARAMETERS": '{"a":true,"b":1.5,"c":[1]}',
        "HYPERDRIVE_PARAM_A": "true",
        "HYPERDRIVE_PARAM_B": "1.5",
        "HYPERDRIVE_PARAM_C": "[1]",
    }


def test_the_reporter_learns_the_primary_metric_as_it_is_written_its_goal_and_its_job() -> None:
    parsed = sweep(objective={"primaryMetric": "$(x)/acc", "goal": "Minimize"}).spec
    assert parsed is not None
    metric, goal, uid = reporter_environment(parsed.objective)
    assert kubelet_expands(metric["value"], {"x": "expanded"}) == "$(x)/acc"
    assert goal == {"name": "HYPERDRIVE_GOAL", "value": "Minimize"}
    label = "metadata.labels['batch.kubernetes.io/controller-uid']"
    assert uid == {"name": "HYPERDRIVE_JOB_UID", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": label}}}


def test_building_does_not_change_the_template() -> None:
    template = job_template()
    parsed = spec(template)
    for _ in range(2):
        build_job(parsed, sweep_name="digits", trial="digits-7", trial_uid="u", parameters={"x": 1})
    assert parsed.trial_template.spec == job_template()["spec"]


def test_summary_is_for_people_and_bounded() -> None:
    assert summary({"lr": 0.00012345678, "n": 32, "on": True, "s": "adam"}) == "lr=0.0001235 n=32 on=true s=adam"
    assert len(summary({"s": "a" * 10_000})) == 4096


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        pytest.param({"spec": {}}, "spec.trialTemplate.spec.template.spec: must be a pod's spec", id="empty"),
        pytest.param({"spec": {"template": []}}, "spec.template.spec: must be a pod's spec", id="a list"),
        pytest.param({"spec": {"template": {"spec": "x"}}}, "must be a pod's spec", id="a text"),
        pytest.param(pod(), "spec.template.spec.containers: must list at least one container", id="no container"),
        pytest.param(pod("x"), "containers: must be a list of containers", id="a container that is a text"),
        pytest.param(pod({"env": "x"}), "containers: env must be a list", id="env that is a text"),
        pytest.param(pod({"env": [5]}), "containers: env must be a list", id="env of numbers"),
        pytest.param(pod({}, initContainers=5), "initContainers: must be a list", id="init containers"),
        pytest.param(
            {"spec": {**pod({})["spec"], "ttlSecondsAfterFinished": 10}},
            "ttlSecondsAfterFinished: must be at least 300, or a finished Job may be gone before its metrics are read",
            id="a short life after the end",
        ),
        pytest.param(
            {"spec": {"template": {"metadata": "x", **pod({})["spec"]["template"]}}},
            "template.metadata: must be an object",
            id="metadata that is a text",
        ),
        pytest.param(pod({"image": "$(params.y)"}), "containers[0].image: '$(params.y)' names no parameter", id="typo"),
        pytest.param(
            {"metadata": {"labels": {"a": "$(params.y)"}}, **pod({})},
            "spec.trialTemplate.metadata.labels.a: '$(params.y)' names no parameter",
            id="typo in a label",
        ),
    ],
)
def test_template_problems(template: Any, problem: str) -> None:
    assert problem in sentence(template_problems(spec(template)))


def test_two_parameters_of_one_environment_variable_are_a_problem() -> None:
    (problem,) = template_problems(spec(job_template(), choice("x", 1), choice("a-b", 1), choice("a.b", 1)))
    assert (problem.reason, problem.field) == ("InvalidSpec", "spec.searchSpace[2].name")
    assert "share the environment variable HYPERDRIVE_PARAM_A_B: rename one" in problem.message


def test_a_template_nested_without_end_is_a_problem_and_no_crash() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    (problem,) = template_problems(spec(pod({"name": "a", "x": deep})))
    assert problem.field == "spec.trialTemplate.spec"


def test_empty_metadata_is_no_problem() -> None:
    template = pod({"name": "a"})
    template["spec"]["template"]["metadata"] = {"labels": None, "creationTimestamp": None}
    assert template_problems(spec(template)) == ()
    assert job(template)["spec"]["template"]["metadata"]["labels"][names.LABEL_TRIAL] == "digits-7"


def test_metadata_of_null_is_empty_metadata() -> None:
    template = pod({"name": "a"})
    template["spec"]["template"]["metadata"] = None
    assert template_problems(spec(template)) == ()
    assert job(template)["spec"]["template"]["metadata"]["labels"][names.LABEL_TRIAL] == "digits-7"


CONTAINERS = st.fixed_dictionaries({}, optional={"env": JSON | st.lists(st.fixed_dictionaries({"name": JSON}))})
POD_SPECS = st.fixed_dictionaries({"containers": st.lists(CONTAINERS) | JSON}, optional={"initContainers": JSON})
METADATA: st.SearchStrategy[Any] = st.just({"labels": {}}) | JSON
POD_TEMPLATES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"spec": POD_SPECS | JSON}, optional={"metadata": METADATA}
)
JOB_SPECS = st.fixed_dictionaries({"template": POD_TEMPLATES | JSON}, optional={"ttlSecondsAfterFinished": JSON})


@given(JOB_SPECS | st.dictionaries(st.text(max_size=5), JSON))
def test_a_template_of_any_json_has_problems_or_builds(job_spec: dict[str, Any]) -> None:
    parsed = spec({"spec": job_spec})
    if not template_problems(parsed):
        build_job(parsed, sweep_name="digits", trial="digits-7", trial_uid="u", parameters={"x": 1})


def test_a_variables_name_may_be_any_json_until_the_api_server_judges_it() -> None:
    env: list[Any] = [{"name": ["a"]}, {"name": {}}, {}]
    assert container(job(pod({"name": "a", "env": env})))["env"][-3:] == env
