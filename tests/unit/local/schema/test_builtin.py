"""Semantic rules of builtin kinds beyond those of Jobs, with the messages of a real 1.36 server."""

import copy
from typing import Any

import pytest

from hyperdrive_local.schema import builtin_schema, check_builtin, check_metadata, decoding_problem

SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
POD: dict[str, Any] = {
    "metadata": {"name": "p"},
    "spec": {"restartPolicy": "Always", "containers": [{"name": "m", "image": "busybox"}]},
}
JOB_SPEC: dict[str, Any] = {
    "completions": 1,
    "completionMode": "NonIndexed",
    "suspend": True,
    "template": {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "busybox"}]},
    },
}


def messages(kind: str, obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    return [str(error) for error in check_builtin(kind, obj, old)]


@pytest.mark.parametrize(
    ("kind", "obj", "error"),
    [
        pytest.param("Namespace", {}, 'metadata.name: Invalid value: "a.b": must not contain dots', id="namespace"),
        pytest.param("ConfigMap", {"data": {"a": "b"}}, "", id="config map"),
        pytest.param(
            "ConfigMap",
            {"data": {"a": "b"}, "binaryData": {"a": "YQ=="}},
            'data[a]: Invalid value: "a": duplicate of key present in binaryData',
            id="a key twice",
        ),
        pytest.param(
            "ConfigMap",
            {"data": {"a": "x" * 1048577}},
            "[]: Too long: may not be more than 1048576 bytes",
            id="too much",
        ),
        pytest.param(
            "ConfigMap",
            {"data": {"..a": "b"}},
            "data[..a]: Invalid value: \"..a\": must not start with '..'",
            id="a bad key",
        ),
        pytest.param(
            "Lease",
            {"spec": {"leaseDurationSeconds": 0}},
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
            id="lease",
        ),
        pytest.param(
            "Event",
            {"metadata": {"name": "a", "namespace": "lab"}, "involvedObject": {"namespace": "other"}},
            'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
            id="event of another namespace",
        ),
        pytest.param(
            "Node",
            {"spec": {"taints": [{"key": "a", "effect": "x"}]}},
            'metadata.taints[0].effect: Unsupported value: "x": supported values: '
            '"NoSchedule", "PreferNoSchedule", "NoExecute"',
            id="taint",
        ),
        pytest.param("ServiceAccount", {}, "", id="a dot is allowed elsewhere"),
    ],
)
def test_kind(kind: str, obj: dict[str, Any], error: str) -> None:
    assert messages(kind, {"metadata": {"name": "a.b"}, **obj}) == ([error] if error else [])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({"activeDeadlineSeconds": 5}, "", id="deadline"),
        pytest.param({"containers": [{"name": "m", "image": "other"}]}, "", id="image"),
        pytest.param(
            {"restartPolicy": "Never"}, "spec: Forbidden: pod updates may not change fields other than", id="policy"
        ),
        pytest.param({"nodeName": "n"}, "spec: Forbidden: pod updates may not change fields other than", id="node"),
        pytest.param({"containers": []}, "spec.containers: Required value", id="no containers"),
    ],
)
def test_what_may_change_in_a_pod(change: dict[str, Any], error: str) -> None:
    new = {**POD, "spec": {**POD["spec"], **change}}
    found = messages("Pod", new, POD)
    assert [text[: len(error)] for text in found] == ([error] if error else [])


@pytest.mark.parametrize(
    ("path", "value", "started", "error"),
    [
        pytest.param(
            "completions", 5, False, "spec.completions: Invalid value: 5: field is immutable", id="completions"
        ),
        pytest.param("parallelism", 3, True, "", id="parallelism"),
        pytest.param("suspend", False, True, "", id="resume"),
        pytest.param("template.spec.nodeSelector", {"a": "b"}, False, "", id="schedule what has not started"),
        pytest.param(
            "template.spec.nodeSelector", {"a": "b"}, True, "spec.template.spec: Invalid value:", id="and what has"
        ),
        pytest.param("template.metadata.labels", {"q": "z"}, False, "", id="label what has not started"),
    ],
)
def test_what_may_change_in_a_job(path: str, value: Any, started: bool, error: str) -> None:
    old: dict[str, Any] = {"metadata": {"name": "j"}, "spec": JOB_SPEC, "status": {"startTime": "x"} if started else {}}
    new = copy.deepcopy(old)
    *parents, last = path.split(".")
    at = new["spec"]
    for parent in parents:
        at = at[parent]
    at[last] = value
    found = messages("Job", new, old)
    assert [text[: len(error)] for text in found] == ([error] if error else [])


def test_metadata_of_custom_kinds_has_the_same_rules() -> None:
    found = check_metadata("HyperDrive", {"metadata": {"name": "A", "labels": {"a": "b c"}}})
    assert [error.path for error in found] == ["metadata.name", "metadata.labels"]
    assert found[0].detail.startswith(SUBDOMAIN)


def test_a_deleted_object_gets_no_new_finalizer() -> None:
    old = {"metadata": {"name": "a", "deletionTimestamp": "x", "finalizers": ["a/b"]}}
    new = {"metadata": {"name": "a", "deletionTimestamp": "x", "finalizers": ["a/b", "c/d"]}}
    rule = "no new finalizers can be added if the object is being deleted, found new finalizers"
    assert messages("ConfigMap", new, old) == [f'metadata.finalizers: Forbidden: {rule} []string{{"c/d"}}']


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("batch", "Job"), ("", "Pod"), ("", "Namespace"), ("", "Event"), ("coordination.k8s.io", "Lease"),
        ("", "ConfigMap"), ("", "ServiceAccount"), ("", "Node"), ("apps", "Deployment"), ("events.k8s.io", "Event"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ],
)  # fmt: skip
def test_every_kind_has_a_schema_that_knows_its_fields(group: str, kind: str) -> None:
    schema = builtin_schema(group, "v1", kind)
    assert schema is not None
    assert schema.prune({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "nonsense": 1}) == ["nonsense"]
    assert builtin_schema(group, "v1", kind) is schema


def test_an_unknown_kind_has_none() -> None:
    assert builtin_schema("batch", "v1", "Nonsense") is None
    assert decoding_problem("batch", "v1", "Nonsense", {}) is None


def test_json_numbers_are_quantities() -> None:
    schema = builtin_schema("", "v1", "Pod")
    assert schema is not None
    pod = copy.deepcopy(POD)
    pod["spec"]["containers"][0]["resources"] = {"limits": {"cpu": 0.5, "memory": "1Gi", "x/y": 1}}
    assert schema.validate(pod) == []
    pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "a lot"
    assert "quantities must match" in schema.validate(pod)[0].detail
