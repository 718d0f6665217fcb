"""OpenAPI v3: an index of groups, and a document for each."""

import functools
import hashlib
import json
from typing import Any

from hyperdrive_local.schema.builtin.models import REF
from hyperdrive_local.schema.openapi.kinds import ServedKind, served_kinds
from hyperdrive_local.schema.openapi.paths import common, patch_types, paths_of

_PREFIX = "#/components/schemas/"
_INFO = {"title": "Kubernetes", "version": "1.36"}


def openapi_v3_index(crds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the index: the document of each group and version, its URL changing with its content."""
    paths: dict[str, Any] = {}
    for kind in served_kinds(crds):
        path = kind.group_version_path
        if path not in paths:
            document = openapi_v3_group(kind.group, kind.version, crds)
            digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest().upper()
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


def openapi_v3_group(group: str, version: str, crds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document of one group and version."""
    kinds = [kind for kind in served_kinds(crds) if (kind.group, kind.version) == (group, version)]
    if all(kind.crd_schema is None for kind in kinds):
        return _builtin_document(group, version)
    return _document(kinds)


@functools.cache
def _builtin_document(group: str, version: str) -> dict[str, Any]:
    return _document([kind for kind in served_kinds([]) if (kind.group, kind.version) == (group, version)])


def _document(kinds: list[ServedKind]) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for kind in kinds:
        schemas |= {name: _schema(body) for name, body in kind.definitions().items()}
        paths |= paths_of(kind, _operation, _path_parameter)
    return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": schemas}}


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with full references, and in the dialect of OpenAPI documents."""
    if REF in schema:
        return {REF: _PREFIX + schema[REF]}
    result = {key: _converted(key, value) for key, value in schema.items()}
    if result.get("format") == "quantity":
        return {"description": schema["description"], "oneOf": [{"type": "string"}, {"type": "number"}]}
    if result.get("format") == "int-or-string":
        del result["x-kubernetes-int-or-string"]
        result["oneOf"] = [{"type": "integer"}, {"type": "string"}]
    return result


def _converted(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _schema(child) for name, child in value.items()}
    if key in {"items", "additionalProperties", "not"} and isinstance(value, dict):
        return _schema(value)
    if key in {"allOf", "anyOf", "oneOf"}:
        return [_schema(child) for child in value]
    return value


def _path_parameter(name: str) -> dict[str, Any]:
    text = "name of the object" if name == "name" else "object name and auth scope, such as for teams and projects"
    return {
        "name": name,
        "in": "path",
        "description": text,
        "required": True,
        "schema": {"type": "string", "uniqueItems": True},
    }


def _operation(kind: ServedKind, method: str, parameters: dict[str, str], action: str, identity: str) -> dict[str, Any]:
    reference = {"schema": {REF: _PREFIX + kind.definition}}
    operation = {
        **common(kind, action, identity),
        "responses": {"200": {"description": "OK", "content": {"application/json": reference}}},
    }
    if parameters:
        operation["parameters"] = [
            {"name": name, "in": "query", "description": text, "schema": {"type": "string", "uniqueItems": True}}
            for name, text in parameters.items()
        ]
    if method in {"post", "put"}:
        operation["requestBody"] = {"content": {"*/*": reference}, "required": True}
    elif method == "patch":
        free = {"schema": {"type": "object"}}
        operation["requestBody"] = {"content": dict.fromkeys(patch_types(kind), free), "required": True}
    return operation
