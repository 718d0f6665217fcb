"""Uniqueness in lists of type set and map."""

from typing import Any

from hyperdrive_local.schema import errors, golang
from hyperdrive_local.schema.errors import FieldError
from hyperdrive_local.schema.nodes import Node, child_of


def check_list_types(value: Any, node: Node, path: str = "") -> list[FieldError]:
    """Return an error for each item that repeats another one of its set or map."""
    if not node.has_list_types:
        return []
    found: list[FieldError] = []
    if isinstance(value, list):
        if node.list_type == "set":
            found += _repeated(value, path)
        elif node.list_type == "map":
            found += _check_map(value, node, path)
        if node.items is not None:
            for index, item in enumerate(value):
                found += check_list_types(item, node.items, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            child = child_of(node, key)
            if child is not None:
                where = f"{path}.{key}" if key in node.properties else f"{path}[{key}]"
                found += check_list_types(item, child, where.lstrip("."))
    return found


def _check_map(items: list[Any], node: Node, path: str) -> list[FieldError]:
    for index, item in enumerate(items):
        if item is not None and not isinstance(item, dict):
            return [errors.invalid(f"{path}[{index}]", item, "must be an object for an array of list-type map")]
    return _repeated([_key(item, node) for item in items], path)


def _key(item: Any, node: Node) -> dict[str, Any]:
    if not isinstance(item, dict):
        return {}
    return {key: item[key] for key in node.list_keys if key in item}


def _repeated(items: list[Any], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        text = golang.as_json(item)
        seen[text] = seen.get(text, 0) + 1
        if seen[text] == 2:  # the third and later ones are not told of
            found.append(errors.duplicate(f"{path}[{index}]", item))
    return found
