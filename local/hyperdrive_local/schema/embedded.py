"""Embedded resources: objects within objects, with a type and metadata of their own."""

from typing import Any

from hyperdrive_local.schema import errors
from hyperdrive_local.schema.builtin.metadata import check_annotations, check_labels
from hyperdrive_local.schema.builtin.names import dns_1035_problems
from hyperdrive_local.schema.errors import FieldError
from hyperdrive_local.schema.nodes import Node, child_of


def check_embedded(value: Any, node: Node, path: str = "") -> list[FieldError]:
    """Check type and metadata of every resource that is embedded below a value."""
    if not node.has_embedded:
        return []
    found: list[FieldError] = []
    if isinstance(value, dict):
        if node.embedded:
            found += _check_resource(value, path)
        for key, item in value.items():
            child = child_of(node, key)
            if child is not None:
                where = f"{path}.{key}" if path else key
                found += check_embedded(item, child, where if key in node.properties else f"{path}[{key}]")
    elif isinstance(value, list) and node.items is not None:
        for index, item in enumerate(value):
            found += check_embedded(item, node.items, f"{path}[{index}]")
    return found


def _check_resource(value: dict[str, Any], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for key in ("apiVersion", "kind"):
        text = value.get(key)
        if text is not None and not isinstance(text, str):
            found.append(errors.invalid(f"{path}.{key}", text, "must be a string"))
        elif not text:
            found.append(errors.required(f"{path}.{key}"))
    version, kind = value.get("apiVersion"), value.get("kind")
    if isinstance(version, str) and version.count("/") > 1:
        found.append(errors.invalid(f"{path}.apiVersion", version, f"unexpected GroupVersion string: {version}"))
    if isinstance(kind, str) and kind:
        found += [
            errors.invalid(f"{path}.kind", kind, f"may have mixed case, but should otherwise match: {problem}")
            for problem in dns_1035_problems(kind.lower())
        ]
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        name = metadata.get("name")
        if isinstance(name, str):
            found += [errors.invalid(f"{path}.metadata.name", name, problem) for problem in _name_problems(name)]
        found += check_labels(_texts(metadata.get("labels")), f"{path}.metadata.labels")
        found += check_annotations(_texts(metadata.get("annotations")), f"{path}.metadata.annotations")
    return found


def _name_problems(name: str) -> list[str]:
    """Of the name, nothing is known but that it is to be part of a path."""
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{char}'" for char in "/%" if char in name]


def _texts(value: Any) -> dict[str, str]:
    return {key: item for key, item in value.items() if isinstance(item, str)} if isinstance(value, dict) else {}
