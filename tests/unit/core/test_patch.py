"""Merge patches."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_cluster import _merged

from hyperdrive_operator.core.patch import merge_patch

# null is the one value that a merge patch can't write
VALUES = st.recursive(
    st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("abc", max_size=1), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", max_size=1), VALUES, max_size=4)


@given(OBJECTS, OBJECTS)
def test_applying_it_gives_the_new_object(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert _merged(old, merge_patch(old, new)) == new


@given(OBJECTS)
def test_nothing_is_patched_when_nothing_changed(same: dict[str, Any]) -> None:
    assert merge_patch(same, same) == {}


def test_only_what_changed_is_in_it() -> None:
    old = {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 3}
    assert merge_patch(old, {"a": {"x": 1, "y": 5}, "b": [1, 2], "d": 4}) == {"a": {"y": 5}, "c": None, "d": 4}


def test_a_boolean_is_another_value_than_its_number() -> None:
    assert merge_patch({"a": 1}, {"a": True}) == {"a": True}
