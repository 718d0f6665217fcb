"""What makes a schema structural, as every schema of a CRD has to be."""

from collections.abc import Iterator
from typing import Any, Final

from hyperdrive_local.schema import errors
from hyperdrive_local.schema.errors import FieldError
from hyperdrive_local.schema.patterns import PatternError, compile_re2

Schema = dict[str, Any]

_TYPES: Final = ["array", "boolean", "integer", "number", "object", "string"]
_LISTS: Final = ("allOf", "anyOf", "oneOf")
# In allOf and the like there may be value rules alone.
_FORBIDDEN_INSIDE: Final = {
    "type": "must be empty to be structural",
    "description": "must be empty to be structural",
    "title": "must be empty to be structural",
    "default": "must be undefined to be structural",
    "nullable": "must be false to be structural",
    "additionalProperties": "must be undefined to be structural",
    "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
    "x-kubernetes-embedded-resource": "must be false to be structural",
    "x-kubernetes-int-or-string": "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}
_INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]
_UNSUPPORTED: Final = ("$ref", "$schema", "definitions", "dependencies", "id", "patternProperties", "additionalItems")


def check_structure(schema: Schema, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with the schema of a version, from its root on."""
    wrong = list(_check_all_values(schema, path))
    if wrong:  # it is not worth asking then whether it is structural
        yield from wrong
        return
    if not schema.get("type"):
        yield errors.required(f"{path}.type", "must not be empty at the root")
    elif schema["type"] != "object":
        yield errors.invalid(f"{path}.type", schema["type"], "must be object at the root")
    if isinstance(schema.get("additionalProperties"), dict):
        yield errors.forbidden(f"{path}.additionalProperties", "must not be used at the root")
    yield from _check_resource_fields(schema, path)
    yield from _check(schema, path)


def _check_resource_fields(schema: Schema, path: str) -> Iterator[FieldError]:
    properties = schema.get("properties") or {}
    for key in ("apiVersion", "kind"):
        declared = (properties.get(key) or {}).get("type")
        if declared not in {None, "string"}:
            yield errors.invalid(f"{path}.properties[{key}].type", declared, "must be string")
    metadata = properties.get("metadata") or {}
    if metadata.get("type") not in {None, "object"}:
        yield errors.invalid(f"{path}.properties[metadata].type", metadata["type"], "must be object")
    if set(metadata.get("properties") or {}) - {"name", "generateName"}:
        detail = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        yield errors.forbidden(f"{path}.properties[metadata]", detail)


def _check(schema: Schema, path: str) -> Iterator[FieldError]:
    yield from _check_extensions(schema, path)
    yield from _check_list_type(schema, path)
    for name, child in (schema.get("properties") or {}).items():
        where = f"{path}.properties[{name}]"
        if not (path.endswith("openAPIV3Schema") and name in {"apiVersion", "kind", "metadata"}):
            yield from _check_typed(child, where, "must not be empty for specified object fields")
        yield from _check(child, where)
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        where = f"{path}.additionalProperties"
        yield from _check_typed(additional, where, "must not be empty for specified object fields")
        yield from _check(additional, where)
    items = schema.get("items")
    if isinstance(items, dict):
        where = f"{path}.items"
        yield from _check_typed(items, where, "must not be empty for specified array items")
        yield from _check(items, where)
    elif schema.get("type") == "array":
        yield errors.required(f"{path}.items", "must be specified")
    yield from _check_combinations(schema, path, is_top=True)


def _check_typed(schema: Schema, path: str, detail: str) -> Iterator[FieldError]:
    untyped_by_intent = (
        schema.get("x-kubernetes-int-or-string")
        or schema.get("x-kubernetes-preserve-unknown-fields")
        or schema.get("x-kubernetes-embedded-resource")
    )
    if not schema.get("type") and not untyped_by_intent:
        yield errors.required(f"{path}.type", detail)


def _check_all_values(schema: Schema, path: str) -> Iterator[FieldError]:
    """Yield what is wrong at any depth, in allOf and the like too."""
    yield from _check_values(schema, path)
    for name, child in (schema.get("properties") or {}).items():
        yield from _check_all_values(child, f"{path}.properties[{name}]")
    for key in ("additionalProperties", "items", "not"):
        if isinstance(schema.get(key), dict):
            yield from _check_all_values(schema[key], f"{path}.{key}")
    for key in _LISTS:
        for index, child in enumerate(schema.get(key) or []):
            yield from _check_all_values(child, f"{path}.{key}[{index}]")


def _check_values(schema: Schema, path: str) -> Iterator[FieldError]:
    declared = schema.get("type")
    if declared and declared not in _TYPES:
        yield errors.not_supported(f"{path}.type", declared, _TYPES)
        if declared == "null":
            yield errors.forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield errors.forbidden(f"{path}.uniqueItems", detail)
    if schema.get("properties") and schema.get("additionalProperties", True) is not True:
        detail = "additionalProperties and properties are mutual exclusive"
        yield errors.forbidden(f"{path}.additionalProperties", detail)
    yield from (errors.forbidden(f"{path}.{key}", f"{key} is not supported") for key in _UNSUPPORTED if key in schema)
    if pattern := schema.get("pattern"):
        try:
            compile_re2(pattern)
        except PatternError as error:
            detail = f"must be a valid regular expression, but isn't: {error}"
            yield errors.invalid(f"{path}.pattern", pattern, detail)


def _check_extensions(schema: Schema, path: str) -> Iterator[FieldError]:
    preserve = schema.get("x-kubernetes-preserve-unknown-fields")
    if preserve is False:
        where = f"{path}.x-kubernetes-preserve-unknown-fields"
        yield errors.invalid(where, False, "must be true or undefined")
    if schema.get("x-kubernetes-embedded-resource"):
        embedded = "if x-kubernetes-embedded-resource is true"
        if not schema.get("properties") and not preserve:
            detail = f"must not be empty {embedded} without x-kubernetes-preserve-unknown-fields"
            yield errors.required(f"{path}.properties", detail)
        if not schema.get("type"):
            yield errors.required(f"{path}.type", f"must be object {embedded}")
        elif schema["type"] != "object":
            yield errors.invalid(f"{path}.type", schema["type"], f"must be object {embedded}")
    map_type = schema.get("x-kubernetes-map-type")
    if map_type is not None:
        if map_type not in {"atomic", "granular"}:
            yield errors.not_supported(f"{path}.x-kubernetes-map-type", map_type, ["atomic", "granular"])
        if schema.get("type") != "object":
            yield errors.invalid(
                f"{path}.type", schema.get("type") or "", "must be object if x-kubernetes-map-type is specified"
            )


def _check_list_type(schema: Schema, path: str) -> Iterator[FieldError]:
    list_type, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or []
    if list_type is not None:
        if schema.get("type") != "array":
            detail = "must be array if x-kubernetes-list-type is specified"
            yield errors.invalid(f"{path}.type", schema.get("type") or "", detail)
        if list_type not in {"atomic", "set", "map"}:
            yield errors.not_supported(f"{path}.x-kubernetes-list-type", list_type, ["atomic", "set", "map"])
    if keys and list_type != "map":
        detail = "must be map if x-kubernetes-list-map-keys is non-empty"
        yield errors.required(f"{path}.x-kubernetes-list-type", detail)
    items = schema.get("items")
    if list_type == "set" and isinstance(items, dict):
        yield from _check_set_items(items, f"{path}.items")
    if list_type == "map":
        yield from _check_map(items, keys, path)


def _check_set_items(items: Schema, path: str) -> Iterator[FieldError]:
    if items.get("nullable"):
        yield errors.forbidden(f"{path}.nullable", "cannot be nullable when x-kubernetes-list-type is set")
    as_set = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
        yield errors.invalid(f"{path}.x-kubernetes-map-type", items.get("x-kubernetes-map-type"), as_set)
    if items.get("type") == "array" and items.get("x-kubernetes-list-type") not in {None, "atomic"}:
        yield errors.invalid(f"{path}.x-kubernetes-list-type", items.get("x-kubernetes-list-type"), as_set)


def _check_map(items: Any, keys: list[str], path: str) -> Iterator[FieldError]:
    where = f"{path}.x-kubernetes-list-map-keys"
    if not keys:
        yield errors.required(where, "must not be empty if x-kubernetes-list-type is map")
    if not isinstance(items, dict):
        yield errors.required(f"{path}.items", "must have a schema if x-kubernetes-list-type is map")
        return
    if items.get("type") != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        yield errors.invalid(f"{path}.items.type", items.get("type") or "", detail)
        return
    properties = items.get("properties") or {}
    if any(key not in properties for key in keys):
        yield errors.invalid(where, keys, "entries must all be names of item properties")
    if len(set(keys)) != len(keys):
        yield errors.invalid(where, keys, "must not contain duplicate entries")
    for key in dict.fromkeys(key for key in keys if key in properties):
        child, at = properties[key], f"{path}.items.properties[{key}]"
        if child.get("type") in {"array", "object"}:
            detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            yield errors.invalid(f"{at}.type", child["type"], detail)
        elif key not in (items.get("required") or []) and "default" not in child:
            detail = (
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            )
            yield errors.required(f"{at}.default", detail)


def _check_combinations(schema: Schema, path: str, *, is_top: bool) -> Iterator[FieldError]:
    as_either = bool(schema.get("x-kubernetes-int-or-string")) if is_top else False
    for key in _LISTS:
        children = schema.get(key) or []
        if as_either and key == "anyOf" and children == _INT_OR_STRING:
            continue
        for index, child in enumerate(children):
            if as_either and key == "allOf" and index == 0 and child.get("anyOf") == _INT_OR_STRING:
                continue
            yield from _check_inside(child, f"{path}.{key}[{index}]")
    if isinstance(schema.get("not"), dict):
        yield from _check_inside(schema["not"], f"{path}.not")


def _check_inside(schema: Schema, path: str) -> Iterator[FieldError]:
    for key, detail in _FORBIDDEN_INSIDE.items():
        if schema.get(key):
            yield errors.forbidden(f"{path}.{key}", detail)
    for name, child in (schema.get("properties") or {}).items():
        yield from _check_inside(child, f"{path}.properties[{name}]")
    if isinstance(schema.get("items"), dict):
        yield from _check_inside(schema["items"], f"{path}.items")
    yield from _check_combinations(schema, path, is_top=False)
