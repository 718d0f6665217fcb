"""Equality and sums of lists that are sets or maps: their order says nothing."""

from typing import Any

from hyperdrive_local.schema.cel.types import CelType


def has_unordered(kind: CelType) -> bool:
    """Tell whether values of a type have such lists in them."""
    if kind.list_keys is not None:
        return True
    below = [*kind.params, *(kind.fields or {}).values()]
    return any(has_unordered(child) for child in below)


def equal(left: Any, right: Any, kind: CelType) -> bool:
    """Compare two values of a type, numbers by value."""
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return False
        return all(equal(item, right[key], _below(kind, key)) for key, item in left.items())
    if not isinstance(left, list) or not isinstance(right, list):
        return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
    if len(left) != len(right):
        return False
    item_kind = kind.params[0] if kind.params else kind
    if kind.list_keys is None:
        return all(equal(one, other, item_kind) for one, other in zip(left, right, strict=True))
    rest = {_identity(item, kind.list_keys): item for item in right}
    return all(
        (identity := _identity(item, kind.list_keys)) in rest and equal(item, rest[identity], item_kind)
        for item in left
    )


def joined(left: list[Any], right: list[Any], kind: CelType) -> list[Any]:
    """Add the right list to the left one: an item that is there already is replaced in its place."""
    keys = kind.list_keys or ()
    items = {_identity(item, keys): item for item in left}
    items |= {_identity(item, keys): item for item in right}
    return list(items.values())


def _identity(item: Any, keys: tuple[str, ...]) -> str:
    return repr([item.get(key) for key in keys]) if keys and isinstance(item, dict) else repr(item)


def _below(kind: CelType, key: str) -> CelType:
    if kind.fields is not None and key in kind.fields:
        return kind.fields[key]
    return kind.params[1] if len(kind.params) == 2 else kind
