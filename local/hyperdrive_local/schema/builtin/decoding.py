"""Values that a builtin kind can't hold: they fail while they are decoded, with the words of Go's JSON decoder."""

from typing import Any, Final

from hyperdrive_local.schema.builtin.models import (
    INT_OR_STRING,
    MICRO_TIME,
    QUANTITY,
    REF,
    TIME,
    definition_name,
    definitions_of,
)
from hyperdrive_local.schema.builtin.quantity import SYNTAX, parse_quantity
from hyperdrive_local.schema.formats import FORMATS

Definitions = dict[str, dict[str, Any]]

_RANGES: Final = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_GO_TYPES: Final = {"boolean": "bool", "number": "float64", "string": "string"}
# Strings that have a type of their own in Go.
_NAMED_STRINGS: Final = {
    "completionMode": "v1.CompletionMode",
    "dnsPolicy": "v1.DNSPolicy",
    "imagePullPolicy": "v1.PullPolicy",
    "podReplacementPolicy": "v1.PodReplacementPolicy",
    "restartPolicy": "v1.RestartPolicy",
    "terminationMessagePolicy": "v1.TerminationMessagePolicy",
    "uid": "types.UID",
}


def decoding_problem(group: str, version: str, kind: str, obj: dict[str, Any]) -> str | None:
    """Return why an object is not decoded as this kind, or None if it is: the first problem, as Go tells only one."""
    name = definition_name(group, version, kind)
    if name is None:
        return None
    return _Walk(definitions_of(group, version, kind)).of_struct(obj, name, "", "")


class _Walk:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def of_struct(self, value: Any, name: str, owner: str, path: str) -> str | None:
        """Check a value against a definition; `owner` and `path` are the struct and the path of the field it is in."""
        definition = self._definitions[name]
        if not isinstance(value, dict):
            return _mistyped(value, owner, path, f"v1.{_plain(name)}")
        for key, item in value.items():
            schema = (definition.get("properties") or {}).get(key)
            if schema is None or item is None:
                continue
            where = f"{path}.{key}" if path else key
            problem = self._of_value(item, schema, _plain(name), where)
            if problem:
                return problem
        return None

    def _of_value(self, value: Any, schema: dict[str, Any], owner: str, path: str) -> str | None:
        if "allOf" in schema:
            schema = schema["allOf"][0]
        if REF in schema:
            return self._of_reference(value, schema[REF], owner, path)
        kind = schema.get("type")
        if kind == "array":
            return self._of_list(value, schema, owner, path)
        if kind == "object":
            return self._of_map(value, schema, owner, path)
        return None if kind is None else _of_scalar(value, schema, owner, path)

    def _of_reference(self, value: Any, name: str, owner: str, path: str) -> str | None:
        if name == QUANTITY:
            return None if parse_quantity(value) is not None else SYNTAX
        if name in {TIME, MICRO_TIME}:
            return _of_time(value, owner, path, f"v1.{_plain(name)}")
        if name == INT_OR_STRING:
            fits = isinstance(value, int | str) and not isinstance(value, bool)
            return None if fits else f"json: cannot unmarshal {_word(value)} into Go value of type int32"
        return self.of_struct(value, name, owner, path)

    def _of_list(self, value: Any, schema: dict[str, Any], owner: str, path: str) -> str | None:
        if not isinstance(value, list):
            return _mistyped(value, owner, path, self._go_type(schema, path))
        problems = (self._of_value(item, schema["items"], owner, path) for item in value if item is not None)
        return next((problem for problem in problems if problem), None)

    def _of_map(self, value: Any, schema: dict[str, Any], owner: str, path: str) -> str | None:
        if not isinstance(value, dict):
            return _mistyped(value, owner, path, self._go_type(schema, path))
        values = schema.get("additionalProperties") or {}
        problems = (self._of_value(item, values, owner, path) for item in value.values() if item is not None)
        return next((problem for problem in problems if problem), None)

    def _go_type(self, schema: dict[str, Any], path: str) -> str:
        if "allOf" in schema:
            schema = schema["allOf"][0]
        if REF in schema:
            return {QUANTITY: "resource.Quantity"}.get(schema[REF], f"v1.{_plain(schema[REF])}")
        if schema.get("type") == "array":
            return f"[]{self._go_type(schema['items'], path)}"
        if schema.get("type") == "object":
            values = self._go_type(schema.get("additionalProperties") or {}, path)
            return "v1.ResourceList" if values == "resource.Quantity" else f"map[string]{values}"
        return _scalar_type(schema, path)


def _of_scalar(value: Any, schema: dict[str, Any], owner: str, path: str) -> str | None:
    kind = schema["type"]
    wanted = _scalar_type(schema, path)
    if kind == "integer":
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _mistyped(value, owner, path, wanted)
        low, high = _RANGES[wanted]
        fits = isinstance(value, int) and low <= value <= high
        return None if fits else _mistyped(value, owner, path, wanted, literal=str(value))
    fits = {
        "boolean": isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "string": isinstance(value, str),
    }[kind]
    return None if fits else _mistyped(value, owner, path, wanted)


def _of_time(value: Any, owner: str, path: str, wanted: str) -> str | None:
    if not isinstance(value, str):
        return _mistyped(value, owner, path, wanted)
    if FORMATS["date-time"](value):
        return None
    return f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"'


def _scalar_type(schema: dict[str, Any], path: str) -> str:
    kind = schema.get("type")
    if kind == "integer":
        return "int64" if schema.get("format") == "int64" else "int32"
    if kind == "string":
        return _NAMED_STRINGS.get(path.rpartition(".")[2], "string")
    return _GO_TYPES.get(str(kind), "interface {}")


def _mistyped(value: Any, owner: str, path: str, wanted: str, *, literal: str = "") -> str:
    what = f"{_word(value)} {literal}" if literal else _word(value)
    where = f"struct field {owner}.{path}" if owner else "value"
    return f"json: cannot unmarshal {what} into Go {where} of type {wanted}"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    words: dict[type, str] = {str: "string", int: "number", float: "number", dict: "object", list: "array"}
    return words[type(value)]


def _plain(name: str) -> str:
    return name.rpartition(".")[2]
