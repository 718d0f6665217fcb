"""Equality of objects with unknown fields, and equality and sums of lists without an order (sets and maps).

The library's own equality knows neither.
"""

import json
from typing import Any, Final

from hyperdrive_local.schema.cel.types import CelType

#: Where an object's unknown fields stand, as JSON: rules are not to reach them.
UNKNOWN: Final = "?"


def is_special(kind: CelType) -> bool:
    """Tell whether values of a type have such objects or lists in them."""
    if kind.list_keys is not None or kind.keeps_unknown:
        return True
    below = [*kind.params, *(kind.fields or {}).values()]
    return any(is_special(child) for child in below)


def equal(left: Any, right: Any, kind: CelType) -> bool:
    """Compare two values of a type, numbers by value."""
    if isinstance(left, dict) and isinstance(right, dict):
        return _equal_objects(left, right, kind)
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


def _equal_objects(left: dict[str, Any], right: dict[str, Any], kind: CelType) -> bool:
    """Compare as the API server does: of unknown fields the number counts, and the values of those that both have."""
    known = {key: item for key, item in left.items() if key != UNKNOWN}
    unknown, others = (json.loads(one.get(UNKNOWN, "{}")) for one in (left, right))
    if len(known) + len(unknown) != len(right) - (UNKNOWN in right) + len(others):
        return False
    if not all(key in right and equal(item, right[key], _below(kind, key)) for key, item in known.items()):
        return False
    return all(key not in others or _text(item) == _text(others[key]) for key, item in unknown.items())


def _text(value: Any) -> str:
    """Return what tells unknown values apart: 1 is not 1.0 there."""
    return json.dumps(value, sort_keys=True)


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
