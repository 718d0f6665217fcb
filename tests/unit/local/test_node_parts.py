"""The node's smaller parts: capacity, environment, logs."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hyperdrive_local.node.capacity import requests_of, why_not
from hyperdrive_local.node.environment import command_line, expand, pod_environment
from hyperdrive_local.node.fields import ConfigError
from hyperdrive_local.node.image import Image
from hyperdrive_local.node.logs import MAX_LINE, LogFile
from hyperdrive_local.node.object import node_object
from hyperdrive_local.node.volumes import make_volumes

POD: dict[str, Any] = {
    "metadata": {"name": "a", "namespace": "lab", "uid": "u", "labels": {"team": "vision"}},
    "spec": {"containers": [{"name": "main"}]},
}


def pod_asking(*containers: dict[str, str], init: tuple[dict[str, str], ...] = (), **spec: Any) -> dict[str, Any]:
    def made(requests: dict[str, str]) -> dict[str, Any]:
        return {"name": "c", "resources": {"requests": requests}}

    return {"spec": {"containers": list(map(made, containers)), "initContainers": list(map(made, init)), **spec}}


def test_a_pod_takes_what_its_containers_take_or_its_greediest_init_container() -> None:
    pod = pod_asking({"cpu": "1"}, {"cpu": "500m"}, init=({"cpu": "2"}, {"memory": "1Ki"}))
    assert requests_of(pod) == {"cpu": Fraction(2), "memory": Fraction(1024), "pods": Fraction(1)}


@pytest.mark.parametrize(
    ("pod", "taken", "reason"),
    [
        pytest.param(pod_asking({"cpu": "1"}), {"cpu": 1}, "", id="fits exactly"),
        pytest.param(pod_asking({}), {"cpu": 2}, "", id="asks for nothing"),
        pytest.param(pod_asking({"cpu": "1500m"}), {"cpu": 1}, "1 Insufficient cpu. ", id="not now"),
        pytest.param(pod_asking({"cpu": "3"}), {}, "1 Insufficient cpu. ", id="never"),
        pytest.param(pod_asking({"nvidia.com/gpu": "1"}), {}, "1 Insufficient nvidia.com/gpu. ", id="no such thing"),
        pytest.param(pod_asking({}), {"pods": 3}, "1 Too many pods. ", id="too many"),
        pytest.param(
            pod_asking({"cpu": "3", "memory": "2Gi"}),
            {},
            "1 Insufficient cpu, 1 Insufficient memory. ",
            id="two reasons",
        ),
        pytest.param(
            pod_asking({}, nodeSelector={"gpu": "yes"}), {}, "didn't match Pod's node affinity/selector", id="selector"
        ),
    ],
)
def test_the_scheduler_says_why_not(pod: dict[str, Any], taken: dict[str, int], reason: str) -> None:
    node = node_object({"cpu": "2", "memory": "1Gi", "pods": "3"})
    message = why_not(pod, [{what: Fraction(amount) for what, amount in taken.items()}], node)
    assert reason in message
    assert bool(message) == bool(reason)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$(A)", "1"),
        ("$$(A)", "$(A)"),
        ("$(B)", "$(B)"),
        ("$A", "$A"),
        ("x$(A)y$(A)", "x1y1"),
        ("$$", "$"),
        ("$(A", "$(A"),
    ],
)
def test_references_are_expanded_as_the_kubelet_does(text: str, result: str) -> None:
    assert expand(text, {"A": "1"}) == result


def environment(container: dict[str, Any], maps: dict[str, Any] | None = None) -> dict[str, str]:
    return pod_environment(POD, {"name": "main", **container}, {"cpu": "4"}, (maps or {}).get)


def test_the_environment_comes_from_everywhere() -> None:
    fields = {"TEAM": "metadata.labels['team']", "WHERE": "metadata.namespace"}
    container = {
        "resources": {"limits": {"cpu": "1500m"}},
        "envFrom": [{"prefix": "X_", "configMapRef": {"name": "m"}}, {"secretRef": {"name": "s", "optional": True}}],
        "env": [
            *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
            {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"name": "ALL", "value": "$(TEAM)-$(X_k)"},
            {"name": "NONE", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "no", "optional": True}}},
        ],
    }
    assert environment(container, {"m": {"data": {"k": "v"}}}) == {
        "X_k": "v",
        "TEAM": "vision",
        "WHERE": "lab",
        "CPUS": "2",
        "ALL": "vision-v",
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "no", "key": "k"}}, 'configmap "no" not found'),
        ({"configMapKeyRef": {"name": "m", "key": "no"}}, "couldn't find key no in ConfigMap lab/m"),
        ({"secretKeyRef": {"name": "s", "key": "k"}}, 'secret "s" not found'),
        ({"fieldRef": {"fieldPath": "spec.volumes"}}, "fieldRef.fieldPath 'spec.volumes' is not known"),
    ],
)
def test_what_is_missing_is_named(source: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        environment({"env": [{"name": "A", "valueFrom": source}]}, {"m": {"data": {"k": "v"}}})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({}, ["run", "default"]),
        ({"args": ["$(A)"]}, ["run", "1"]),
        ({"command": ["mine"]}, ["mine"]),
        ({"command": ["mine"], "args": ["x"]}, ["mine", "x"]),
    ],
)
def test_command_and_args_replace_the_images(container: dict[str, Any], words: list[str]) -> None:
    image = Image(entrypoint=("run",), command=("default",))
    assert command_line({"name": "main", **container}, image, {"A": "1"}) == words


def test_volumes_are_folders(tmp_path: Path) -> None:
    volumes = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "settings", "configMap": {"name": "m", "items": [{"key": "k", "path": "sub/k.txt"}]}},
        {"name": "about", "downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    pod = {**POD, "spec": {**POD["spec"], "volumes": volumes}}
    places = make_volumes(pod, tmp_path, {"m": {"data": {"k": "v"}}}.get)
    assert list(places["scratch"].iterdir()) == []
    assert (places["settings"] / "sub" / "k.txt").read_text() == "v"
    assert (places["about"] / "name").read_text() == "a"


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"name": "v", "hostPath": {"path": "/"}}, "spec.volumes[0].hostPath"),
        ({"name": "v", "persistentVolumeClaim": {"claimName": "c"}}, "spec.volumes[0].persistentVolumeClaim"),
        ({"name": "v", "configMap": {"name": "no"}}, 'configmap "no" not found'),
        ({"name": "v", "configMap": {"name": "m", "items": [{"key": "k", "path": "../up"}]}}, "../up: a volume's path"),
    ],
)
def test_a_volume_that_cannot_be_had_is_named(tmp_path: Path, volume: dict[str, Any], message: str) -> None:
    pod = {**POD, "spec": {**POD["spec"], "volumes": [volume]}}
    with pytest.raises(ConfigError) as caught:
        make_volumes(pod, tmp_path, {"m": {"data": {"k": "v"}}}.get)
    assert str(caught.value).startswith(message)


def contents(path: Path) -> list[tuple[str, str, str]]:
    """A log's lines without their times."""
    fields = [line.split(" ", 3) for line in path.read_text().splitlines()]
    return [(stream, tag, text) for _, stream, tag, text in fields]


async def test_a_log_keeps_lines_whole(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "0.log")
    log.write("stdout", b"on")
    log.write("stderr", b"other\n")
    log.write("stdout", b"e\ntwo\nthr")
    log.close()
    log.close()
    assert contents(log.path) == [
        ("stderr", "F", "other"),
        ("stdout", "F", "one"),
        ("stdout", "F", "two"),
        ("stdout", "P", "thr"),
    ]


async def test_a_long_line_is_written_in_parts(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "0.log")
    log.write("stdout", b"x" * (2 * MAX_LINE + 5))
    log.write("stdout", b"\n" + b"y" * (MAX_LINE + 1) + b"\n")
    log.close()
    assert [(tag, len(text)) for _, tag, text in contents(log.path)] == [
        ("P", MAX_LINE),
        ("P", MAX_LINE),
        ("F", 5),
        ("P", MAX_LINE),
        ("F", 1),
    ]


async def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "0.log")
    log.write("stdout", b"".join(b"line %d\n" % n for n in range(200)) + b"end")
    log.close()
    assert log.tail(3, 2048) == "line 198\nline 199\nend"
    assert log.tail(80, 10) == "ne 199\nend"
