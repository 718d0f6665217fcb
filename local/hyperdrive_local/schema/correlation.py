"""Pairing a value with its old self, as ratcheting and transition rules need it."""

from typing import Any

from hyperdrive_local.schema.nodes import ABSENT, Node


def same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are deeply equal, with 1 and True, and 1 and 1.0, kept apart."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def list_key(node: Node, item: Any) -> tuple[Any, ...] | None:
    """Return the key of an item of a list of type map; absent keys count as null."""
    if not isinstance(item, dict):
        return None
    return tuple(repr(item.get(key)) for key in node.list_keys)


def old_field(node: Node, old: Any, key: str) -> Any:
    """Return the old value of a field for a transition rule: an atomic map is only ever taken as a whole."""
    return ABSENT if node.map_type == "atomic" else compared_field(old, key)


def compared_field(old: Any, key: str) -> Any:
    """Return the old value of a field, or ABSENT where there is none."""
    return old.get(key, ABSENT) if isinstance(old, dict) else ABSENT


def old_items(node: Node, old: Any) -> dict[tuple[Any, ...], Any] | None:
    """Return the old items by their keys, or None for a list whose items can't be paired."""
    if node.list_type != "map" or not isinstance(old, list):
        return None
    return {key: item for item in old if (key := list_key(node, item)) is not None}


def old_item(node: Node, pairs: dict[tuple[Any, ...], Any] | None, item: Any) -> Any:
    """Return the old item that has the same key, or ABSENT."""
    if pairs is None:
        return ABSENT
    key = list_key(node, item)
    return ABSENT if key is None else pairs.get(key, ABSENT)
