"""What holds for every schema and every object: what is done is done in place, once, and to the parts it should be."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperdrive_local.schema import StructuralSchema

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "a": {"type": "integer", "default": 1},
                "b": {"type": "object", "default": {}, "properties": {"c": {"type": "string", "default": "x"}}},
                "d": {"type": "object", "properties": {"e": {"type": "integer", "default": 2}}},
                "n": {"type": "string", "nullable": True, "default": "y"},
                "l": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}},
                "m": {"type": "object", "additionalProperties": {"type": "integer"}},
                "f": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        }
    },
}
KEYS = st.sampled_from(["a", "b", "c", "d", "e", "f", "l", "m", "n", "spec", "z"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, "", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)
OBJECTS = st.fixed_dictionaries({"apiVersion": st.just("x/v1"), "kind": st.just("X"), "spec": JSON})


@settings(deadline=None)  # the machine may be busy with other tests
@given(OBJECTS)
def test_done_twice_is_done_once(obj: dict[str, Any]) -> None:
    schema = StructuralSchema(SCHEMA)
    schema.prune(obj)
    schema.default(obj)
    once = copy.deepcopy(obj)
    assert schema.prune(obj) == []
    schema.default(obj)
    assert obj == once


@settings(deadline=None)
@given(OBJECTS, OBJECTS)
def test_judging_changes_nothing_and_no_object_is_worse_than_itself(obj: dict[str, Any], old: dict[str, Any]) -> None:
    schema = StructuralSchema(SCHEMA)
    before = copy.deepcopy((obj, old))
    schema.validate(obj)
    schema.validate(obj, old)
    assert (obj, old) == before
    assert schema.validate(obj, copy.deepcopy(obj)) == []


def test_what_was_pruned_is_named_by_its_path() -> None:
    spec = {"z": 1, "l": [{"a": 1}, {"z": 2}], "d": {"z": {"a": 1}}, "f": {"z": 1}, "m": {"z": 1}}
    obj = {"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "a", "z": 1}, "spec": spec, "z": 1}
    assert sorted(StructuralSchema(SCHEMA).prune(obj)) == ["spec.d.z", "spec.l[1].z", "spec.z", "z"]
    assert obj == {
        "apiVersion": "x/v1",
        "kind": "X",
        "metadata": {"name": "a", "z": 1},
        "spec": {"l": [{"a": 1}, {}], "d": {}, "f": {"z": 1}, "m": {"z": 1}},
    }


@pytest.mark.parametrize(
    ("spec", "filled"),
    [
        pytest.param({}, {"a": 1, "b": {"c": "x"}, "n": "y"}, id="nested defaults only inside what is there"),
        pytest.param({"d": {}}, {"a": 1, "b": {"c": "x"}, "d": {"e": 2}, "n": "y"}, id="inside an empty object"),
        pytest.param(
            {"a": None, "n": None}, {"a": 1, "b": {"c": "x"}, "n": None}, id="null, and a null that is allowed"
        ),
        pytest.param({"a": 5, "b": {"c": "z"}}, {"a": 5, "b": {"c": "z"}, "n": "y"}, id="nothing is overwritten"),
    ],
)
def test_defaults(spec: dict[str, Any], filled: dict[str, Any]) -> None:
    obj = {"spec": spec}
    StructuralSchema(SCHEMA).default(obj)
    assert obj["spec"] == filled


def test_a_default_is_no_object_shared_by_all() -> None:
    schema = StructuralSchema(SCHEMA)
    one, other = {"spec": {}}, {"spec": {}}  # type: dict[str, Any], dict[str, Any]
    schema.default(one)
    one["spec"]["b"]["c"] = "mine"
    schema.default(other)
    assert other["spec"]["b"] == {"c": "x"}


RULES = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {"batch-size": {"type": "integer"}, "set": {"type": "array", "items": {"type": "string"}}},
            "x-kubernetes-validations": [{"rule": "self.batch__dash__size <= 8", "messageExpression": "'at most 8'"}],
        }
    },
    "x-kubernetes-validations": [
        {"rule": "self.metadata.name.size() <= 3", "fieldPath": ".spec", "message": "too long"}
    ],
}


def test_rules_of_the_root_see_the_name_and_nothing_else_of_the_metadata() -> None:
    schema = StructuralSchema(RULES)
    obj = {"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "long", "labels": {}}, "spec": {"batch-size": 9}}
    assert sorted(map(str, schema.validate(obj))) == [
        "spec: Invalid value: at most 8",
        "spec: Invalid value: too long",
    ]
    obj["metadata"] = {"name": "x"}
    obj["spec"] = {"batch-size": 8}
    assert schema.validate(obj) == []
