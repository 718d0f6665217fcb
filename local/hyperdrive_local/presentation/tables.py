"""Objects as rows of a `Table`, which is what kubectl asks for to print."""

import functools
from collections.abc import Sequence
from typing import Any

from hyperdrive_local.kinds import Kind
from hyperdrive_local.objects import Object
from hyperdrive_local.presentation import columns
from hyperdrive_local.presentation.durations import since
from hyperdrive_local.presentation.jsonpath import Path, PathError, compile_path
from hyperdrive_local.schema import golang

# lists are long and made often; a definition's columns are compiled once while it is served
compiled = functools.lru_cache(maxsize=1024)(compile_path)


def definitions(kind: Kind) -> list[columns.Column]:
    """The columns of a kind."""
    if not kind.custom:
        return columns.BUILTIN.get(kind.resource.kind, columns.PLAIN)[0]
    return [columns.NAME, *(_definition(column) for column in kind.columns)]


def _definition(column: dict[str, Any]) -> columns.Column:
    description = f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
    return {
        "name": column["name"],
        "type": column["type"],
        "format": column.get("format", ""),
        "description": column.get("description") or description,
        "priority": column.get("priority", 0),
    }


def cells(kind: Kind, obj: Object) -> list[Any]:
    """The cells of an object, as it is stored."""
    if not kind.custom:
        return columns.BUILTIN.get(kind.resource.kind, columns.PLAIN)[1](obj)
    return [columns.name_of(obj), *(_cell(column, obj) for column in kind.columns)]


def _cell(column: dict[str, Any], obj: Object) -> Any:
    found = _find(column["jsonPath"])(obj)
    value = found[0] if found else None
    if value is None:
        return None
    wanted = column["type"]
    if wanted == "string":
        return _text(value)
    if wanted == "date":
        age = since(value) if isinstance(value, str) else "<unknown>"
        return "<invalid>" if age == "<unknown>" else age
    if wanted == "boolean":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if wanted == "integer" else value


def _find(text: str) -> Path:
    try:
        return compiled(text)
    except PathError:
        return lambda _obj: []


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return golang.number(value) if isinstance(value, int | float) else golang.as_json(value)


def table(
    kind: Kind, objects: Sequence[Object], metadata: dict[str, Any], *, include: str = "Metadata", header: bool = True
) -> Object:
    """The `Table` of some objects; `include` is how much of each comes along, for what prints more than cells."""
    rows = [{"cells": cells(kind, obj), "object": _included(kind, obj, include)} for obj in objects]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions(kind) if header else None,
        "rows": rows,
    }


def _included(kind: Kind, obj: Object, include: str) -> Object | None:
    if include == "None":
        return None
    if include == "Object":
        return obj | {"apiVersion": kind.resource.api_version}
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
