"""The OpenAPI documents: every reference leads somewhere, and kubectl finds what it looks for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperdrive_local.schema import openapi_v2, openapi_v3_group, openapi_v3_index

GVK = "x-kubernetes-group-version-kind"
CRDS = [yaml.safe_load(file.read_text()) for file in (Path(__file__).parents[4] / "crds").glob("*.yaml")]
GROUPS = [
    ("", "v1"), ("batch", "v1"), ("apps", "v1"), ("events.k8s.io", "v1"), ("coordination.k8s.io", "v1"),
    ("apiextensions.k8s.io", "v1"), ("hyperdrive.dev", "v1alpha1"),
]  # fmt: skip


def references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            yield from references(value)
    elif isinstance(document, list):
        for item in document:
            yield from references(item)


def lookup(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_every_reference_of_v2_leads_to_a_definition() -> None:
    document = openapi_v2(CRDS)
    assert len({lookup(document, reference)["description"] for reference in references(document)}) > 100


@pytest.mark.parametrize(("group", "version"), GROUPS)
def test_every_reference_of_v3_leads_to_a_definition(group: str, version: str) -> None:
    document = openapi_v3_group(group, version, CRDS)
    assert all(lookup(document, reference) for reference in references(document))
    assert document["openapi"] == "3.0.0"


@pytest.mark.parametrize(("group", "version"), GROUPS)
def test_kubectl_can_ask_for_strict_validation(group: str, version: str) -> None:
    for path, item in openapi_v3_group(group, version, CRDS)["paths"].items():
        for method in {"patch", "post", "put"} & item.keys():
            given = {parameter["name"] for parameter in item[method]["parameters"]}
            assert {"fieldValidation", "dryRun", "fieldManager"} <= given, path
            assert item[method][GVK]["group"] == group


def test_kubectl_finds_a_kind_by_its_resource_and_its_schema_by_its_kind() -> None:
    document = openapi_v3_group("hyperdrive.dev", "v1alpha1", CRDS)
    item = document["paths"]["/apis/hyperdrive.dev/v1alpha1/namespaces/{namespace}/hyperdrives"]
    gvk = item["get"][GVK]
    assert gvk == {"group": "hyperdrive.dev", "version": "v1alpha1", "kind": "HyperDrive"}
    (schema,) = [one for one in document["components"]["schemas"].values() if one.get(GVK) == [gvk]]
    goal = schema["properties"]["spec"]["properties"]["objective"]["properties"]["goal"]
    assert goal["enum"] == ["Maximize", "Minimize"]


def test_the_index_changes_with_the_definitions() -> None:
    index, changed = openapi_v3_index(CRDS), json.loads(json.dumps(CRDS))
    changed[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "another"
    other = openapi_v3_index(changed)
    path = "apis/hyperdrive.dev/v1alpha1"
    assert index["paths"][path] != other["paths"][path]
    assert index["paths"]["apis/batch/v1"] == other["paths"]["apis/batch/v1"]
    assert index["paths"][path]["serverRelativeURL"].startswith(f"/openapi/v3/{path}?hash=")


def test_what_swagger_has_no_words_for_is_left_out() -> None:
    document = openapi_v2(CRDS)
    port = document["definitions"]["io.k8s.api.core.v1.HTTPGetAction"]["properties"]["port"]
    assert lookup(document, port["$ref"])["format"] == "int-or-string"
    text = json.dumps({name: body for name, body in document["definitions"].items() if not name.startswith("io.k8s")})
    assert not [word for word in ('"oneOf"', '"anyOf"', '"nullable"', '"default"') if word in text]
