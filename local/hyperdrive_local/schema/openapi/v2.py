"""OpenAPI v2 (Swagger): one document for all kinds, in the older dialect."""

from typing import Any, Final

from hyperdrive_local.schema.builtin.models import REF
from hyperdrive_local.schema.openapi.kinds import ServedKind, served_kinds
from hyperdrive_local.schema.openapi.paths import common, patch_types, paths_of

_PREFIX: Final = "#/definitions/"
# Swagger 2.0 has no words for these, and a schema that needs them says less there.
_UNKNOWN: Final = frozenset({"anyOf", "oneOf", "not", "nullable", "default", "allOf"})


def openapi_v2(crds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document of all kinds."""
    definitions: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for kind in served_kinds(crds):
        definitions |= {name: _schema(body) for name, body in kind.definitions().items()}
        paths |= paths_of(kind, _operation, _path_parameter)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths,
        "definitions": definitions,
    }


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    if REF in schema:
        return {REF: _PREFIX + schema[REF]}
    if schema.get("allOf") and REF in schema["allOf"][0]:
        return {"description": schema.get("description", ""), REF: _PREFIX + schema["allOf"][0][REF]}
    result = {key: _converted(key, value) for key, value in schema.items() if key not in _UNKNOWN}
    if result.get("format") in {"quantity", "int-or-string"}:
        result["type"] = "string"
        result.pop("x-kubernetes-int-or-string", None)
        result.pop("x-kubernetes-preserve-unknown-fields", None)
    if schema.get("nullable"):
        result.pop("type", None)  # a null would not be of it
    return result


def _converted(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _schema(child) for name, child in value.items()}
    if key in {"items", "additionalProperties"} and isinstance(value, dict):
        return _schema(value)
    return value


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "type": "string", "uniqueItems": True}


def _operation(kind: ServedKind, method: str, parameters: dict[str, str], action: str, identity: str) -> dict[str, Any]:
    reference = {REF: _PREFIX + kind.definition}
    given: list[dict[str, Any]] = [
        {"name": name, "in": "query", "description": text, "type": "string", "uniqueItems": True}
        for name, text in parameters.items()
    ]
    operation = {
        **common(kind, action, identity),
        "consumes": patch_types(kind) if method == "patch" else ["*/*"],
        "produces": ["application/json"],
        "schemes": ["https"],
        "responses": {"200": {"description": "OK", "schema": reference}},
    }
    if method in {"post", "put", "patch"}:
        body = {"type": "object"} if method == "patch" else reference
        given.insert(0, {"name": "body", "in": "body", "required": True, "schema": body})
    if given:
        operation["parameters"] = given
    return operation
