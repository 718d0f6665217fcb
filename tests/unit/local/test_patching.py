"""Patches, pure."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperdrive_local.errors import ApiError
from hyperdrive_local.writes.patching import APPLY, JSON, MERGE, STRATEGIC, apply_patch, merge, strategic

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON_VALUES, max_size=3)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # the examples of RFC 7386
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch(target: Any, patch: Any, result: Any) -> None:
    assert merge(target, patch) == result


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_once_is_a_merge_patch_twice(target: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merge(copy.deepcopy(target), patch)
    assert merge(copy.deepcopy(once), patch) == once


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
@given(obj=OBJECTS, patch=OBJECTS)
def test_a_patch_leaves_the_object_and_itself_alone(
    content_type: str, obj: dict[str, Any], patch: dict[str, Any]
) -> None:
    before = copy.deepcopy((obj, patch))
    apply_patch(obj, patch, content_type, custom=False)
    assert (obj, patch) == before


def containers(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "image": f"{name}:1"} for name in names]


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        pytest.param(
            {"containers": containers("a", "b")},
            {"containers": [{"name": "b", "image": "b:2"}]},
            {"containers": [*containers("a"), {"name": "b", "image": "b:2"}]},
            id="an item is found by its key",
        ),
        pytest.param(
            {"containers": containers("a", "b")},
            {"containers": [{"name": "a", "$patch": "delete"}]},
            {"containers": containers("b")},
            id="an item is deleted",
        ),
        pytest.param(
            {"containers": containers("a", "b")},
            {"containers": [{"$patch": "replace"}, *containers("c")]},
            {"containers": containers("c")},
            id="a list is replaced",
        ),
        pytest.param(
            {"containers": containers("a", "b")},
            {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]},
            {"containers": containers("b", "a")},
            id="a list is put in order",
        ),
        pytest.param({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}, id="other lists are values"),
        pytest.param(
            {"finalizers": ["a", "b"]},
            {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]},
            {"finalizers": ["b", "c"]},
            id="finalizers are a set",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "emptyDir": {}}]},
            {"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}]},
            {"volumes": [{"name": "v", "configMap": {"name": "c"}}]},
            id="one of a union replaces the other",
        ),
        pytest.param(
            {"conditions": [{"type": "A", "status": "True"}]},
            {"conditions": [{"type": "B", "status": "True"}]},
            {"conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "True"}]},
            id="conditions are told apart by type",
        ),
        pytest.param({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}, id="a map is replaced"),
        pytest.param({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {"a": {}}, id="a map is emptied"),
        pytest.param({"a": 1}, {"a": None}, {}, id="null removes"),
    ],
)
def test_a_strategic_patch(target: Any, patch: Any, result: Any) -> None:
    assert strategic(target, patch) == result


@pytest.mark.parametrize(
    ("patch", "content_type", "custom", "code"),
    [
        ([], MERGE, True, 400),
        ({}, JSON, True, 400),
        ([{"op": "add"}], JSON, True, 422),
        ([1], JSON, True, 422),
        ({}, STRATEGIC, True, 415),
        ({}, "application/json", False, 415),
        ({}, APPLY, False, 415),
    ],
)
def test_what_is_no_patch_is_refused(patch: Any, content_type: str, code: int, *, custom: bool) -> None:
    with pytest.raises(ApiError) as refused:
        apply_patch({"a": 1}, patch, content_type, custom=custom)
    assert refused.value.code == code
