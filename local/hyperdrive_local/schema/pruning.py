"""Removing what the schema does not declare."""

from typing import Any

from hyperdrive_local.schema.nodes import Node

_METADATA_FIELDS = frozenset({
    "annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers",
    "generateName", "generation", "labels", "managedFields", "name", "namespace", "ownerReferences",
    "resourceVersion", "selfLink", "uid",
})  # fmt: skip
_RESOURCE_FIELDS = frozenset({"apiVersion", "kind", "metadata"})


def prune(value: Any, node: Node, *, is_root: bool = True) -> list[str]:
    """Remove unknown fields in place; return their paths."""
    removed: list[str] = []
    _prune(value, node, "", is_root, removed)
    return removed


def _prune(value: Any, node: Node | None, path: str, is_root: bool, removed: list[str]) -> None:
    if isinstance(value, dict):
        _prune_object(value, node, path, is_root, removed)
    elif isinstance(value, list):
        items = node.items if node else None
        if items is None and node is not None and node.preserve_unknown:
            return
        for index, item in enumerate(value):
            _prune(item, items, f"{path}[{index}]", bool(items and items.embedded), removed)


def _prune_object(value: dict[str, Any], node: Node | None, path: str, is_root: bool, removed: list[str]) -> None:
    for key in list(value):
        where = f"{path}.{key}" if path else key
        if is_root and key in _RESOURCE_FIELDS:
            if path and key == "metadata":  # that of an embedded resource; the object's own is not ours to touch
                removed += _prune_metadata(value[key], where)
            continue
        child = node.properties.get(key) if node else None
        if child is not None:
            _prune(value[key], child, where, child.embedded, removed)
        elif node is not None and node.has_additional and (node.additional or node.additional_allowed):
            if node.additional is not None or not node.preserve_unknown:
                _prune(value[key], node.additional, where, bool(node.additional and node.additional.embedded), removed)
        elif node is None or not node.preserve_unknown:
            del value[key]
            removed.append(where)


def _prune_metadata(metadata: Any, path: str) -> list[str]:
    unknown = [key for key in metadata if key not in _METADATA_FIELDS] if isinstance(metadata, dict) else []
    for key in unknown:
        del metadata[key]
    return [f"{path}.{key}" for key in unknown]
