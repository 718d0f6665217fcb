"""JSON values as CEL values: the schema says whether 3 is an int or a double, and which fields exist."""

import base64
import datetime
import json
from collections.abc import Callable
from typing import Any

from hyperdrive_local.schema.cel.equality import UNKNOWN
from hyperdrive_local.schema.cel.naming import escape
from hyperdrive_local.schema.formats import duration_nanoseconds
from hyperdrive_local.schema.nodes import Node

Convert = Callable[[Any], Any]


def converter(node: Node, *, is_root: bool = False) -> Convert:
    """Return the function that turns a value of this schema into what the CEL library is given."""
    if node.int_or_string or not node.types:
        return _same
    kind = node.types[0]
    if kind == "number":
        return _nullable(float)
    if kind == "integer":
        return _nullable(int)
    if kind == "string":
        return _nullable(_STRINGS.get(node.format, _same))
    if kind == "array":
        return _list_converter(node)
    return _object_converter(node, is_root=is_root) if kind == "object" else _same


def _same(value: Any) -> Any:
    return value


def _nullable(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _list_converter(node: Node) -> Convert:
    if node.items is None:
        return _same
    convert = converter(node.items, is_root=node.items.embedded)
    return lambda value: [convert(item) for item in value] if isinstance(value, list) else value


def _object_converter(node: Node, *, is_root: bool) -> Convert:
    if node.additional is not None:
        convert = converter(node.additional, is_root=node.additional.embedded)
        return lambda value: {key: convert(item) for key, item in value.items()} if isinstance(value, dict) else value
    fields = {
        name: (escaped, converter(child, is_root=child.embedded))
        for name, child in node.properties.items()
        if (escaped := escape(name)) is not None
    }
    if is_root or node.embedded:
        fields |= {"apiVersion": ("apiVersion", _same), "kind": ("kind", _same), "metadata": ("metadata", _metadata)}

    def convert_object(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        # a null is as good as absent to rules
        known = {
            fields[key][0]: fields[key][1](item) for key, item in value.items() if item is not None and key in fields
        }
        if not node.preserve_unknown:
            return known
        return {**known, UNKNOWN: json.dumps({key: item for key, item in value.items() if key not in fields})}

    return convert_object


def _metadata(value: Any) -> Any:
    """Rules see the name alone: nothing else of the metadata may decide whether a spec is valid."""
    if not isinstance(value, dict):
        return {}
    return {key: value[key] for key in ("name", "generateName") if key in value}


def _timestamp(text: str) -> datetime.datetime:
    parsed = datetime.datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)


def _duration(text: str) -> datetime.timedelta:
    return datetime.timedelta(microseconds=(duration_nanoseconds(text) or 0) / 1000)


_STRINGS: dict[str, Convert] = {
    "date": _timestamp,
    "date-time": _timestamp,
    "duration": _duration,
    "byte": base64.b64decode,
}
