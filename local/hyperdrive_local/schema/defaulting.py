"""Filling in defaults, and dropping nulls that no schema allows."""

import copy
from typing import Any

from hyperdrive_local.schema.nodes import ABSENT, Node, child_of


def apply_defaults(value: Any, node: Node) -> None:
    """Set defaults in place, only inside parents that are there; then drop the nulls that are not allowed."""
    if node.has_defaults:
        _default(value, node)
    drop_nulls(value, node)


def _unwanted_null(value: Any, node: Node) -> bool:
    return value is None and not node.nullable


def _default(value: Any, node: Node) -> None:
    if isinstance(value, dict):
        _default_object(value, node)
    elif isinstance(value, list) and node.items is not None:
        for index, item in enumerate(value):
            if _unwanted_null(item, node.items) and node.items.default is not ABSENT:
                value[index] = copy.deepcopy(node.items.default)
            _default(value[index], node.items)


def _default_object(value: dict[str, Any], node: Node) -> None:
    for key, child in node.properties.items():
        if child.default is ABSENT or child.default is None:
            continue
        if key not in value or _unwanted_null(value[key], child):
            value[key] = copy.deepcopy(child.default)
    for key, item in value.items():
        below = child_of(node, key)
        if below is None or not below.has_defaults:
            continue
        if key not in node.properties and _unwanted_null(item, below) and below.default is not ABSENT:
            value[key] = copy.deepcopy(below.default)
        _default(value[key], below)


def drop_nulls(value: Any, node: Node) -> None:
    """Remove fields that are null where the schema allows no null."""
    if isinstance(value, dict):
        for key in list(value):
            child = child_of(node, key)
            if child is None:
                continue
            if _unwanted_null(value[key], child):
                del value[key]
            else:
                drop_nulls(value[key], child)
    elif isinstance(value, list) and node.items is not None:
        for item in value:
            drop_nulls(item, node.items)
