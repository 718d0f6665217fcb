"""CEL's types, and what a schema looks like in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hyperdrive_local.schema.cel.naming import escape
from hyperdrive_local.schema.nodes import Node


@dataclass(frozen=True, slots=True)
class CelType:
    """A type; objects have fields, and are the same type if they have the same name."""

    name: str
    params: tuple["CelType", ...] = ()
    fields: Mapping[str, "CelType"] | None = field(default=None, compare=False, repr=False)
    list_keys: tuple[str, ...] | None = field(default=None, compare=False, repr=False)
    """Of a list without an order: the keys of its items, none for a set."""
    keeps_unknown: bool = field(default=False, compare=False, repr=False)
    """Of an object: what its schema does not know is kept. No rule sees it, but it counts for equality."""

    def __str__(self) -> str:
        if self == UNBOUND:
            return "dyn"
        return f"{self.name}({', '.join(map(str, self.params))})" if self.params else self.name


DYN: Final = CelType("dyn")
UNBOUND: Final = CelType("_")  # the element of an empty list: any type will do
BOOL: Final = CelType("bool")
INT: Final = CelType("int")
UINT: Final = CelType("uint")
DOUBLE: Final = CelType("double")
STRING: Final = CelType("string")
BYTES: Final = CelType("bytes")
NULL: Final = CelType("null")
TIMESTAMP: Final = CelType("timestamp")
DURATION: Final = CelType("duration")

_SCALARS: Final = {"integer": INT, "number": DOUBLE, "boolean": BOOL}
_STRINGS: Final = {"byte": BYTES, "duration": DURATION, "date": TIMESTAMP, "date-time": TIMESTAMP}
_NOT_NULLABLE: Final = frozenset({"int", "uint", "double", "bool", "string", "bytes", "list", "map", "type"})


def list_of(item: CelType) -> CelType:
    """Return the type of a list."""
    return CelType("list", (item,))


def map_of(key: CelType, value: CelType) -> CelType:
    """Return the type of a map."""
    return CelType("map", (key, value))


def optional_of(value: CelType) -> CelType:
    """Return the type of an optional."""
    return CelType("optional_type", (value,))


def of_schema(node: Node, name: str = "selfType", *, is_root: bool = False) -> CelType | None:
    """Return the type of a schema, or None where it says too little to have one."""
    if node.int_or_string:
        return DYN
    kind = node.types[0] if node.types else ""
    if kind == "string":
        return _STRINGS.get(node.format, STRING)
    if kind == "array":
        item = None if node.items is None else of_schema(node.items, f"{name}.@idx", is_root=node.items.embedded)
        return None if item is None else CelType("list", (item,), list_keys=_list_keys(node))
    return _of_object(node, name, is_root=is_root) if kind == "object" else _SCALARS.get(kind)


def _list_keys(node: Node) -> tuple[str, ...] | None:
    if node.list_type == "set":
        return ()
    if node.list_type != "map":
        return None
    return tuple(escaped for key in node.list_keys if (escaped := escape(key)) is not None)


def _of_object(node: Node, name: str, *, is_root: bool) -> CelType | None:
    if node.additional is not None:
        value = of_schema(node.additional, f"{name}.@elem", is_root=node.additional.embedded)
        return None if value is None else map_of(STRING, value)
    fields: dict[str, CelType] = {}
    for key, child in node.properties.items():
        escaped = escape(key)
        of_child = of_schema(child, f"{name}.{key}", is_root=child.embedded)
        if escaped is not None and of_child is not None:
            fields[escaped] = of_child
    if is_root or node.embedded:
        names = {"name": STRING, "generateName": STRING}
        metadata = CelType(f"{name}.metadata", fields=names)
        fields |= {"apiVersion": STRING, "kind": STRING, "metadata": metadata}
    return CelType(name, fields=fields, keeps_unknown=node.preserve_unknown)


def assignable(actual: CelType, wanted: CelType, bound: dict[str, CelType]) -> bool:
    """Tell whether a value of one type fits another; type variables (capital letters) are bound on the way."""
    if len(wanted.name) == 1 and wanted.name.isupper():
        if wanted.name not in bound or bound[wanted.name] in {DYN, UNBOUND}:
            bound[wanted.name] = actual
            return True
        return assignable(actual, bound[wanted.name], bound)
    if {actual.name, wanted.name} & {"dyn", "_"} or actual.name == wanted.name == "type":
        return True  # any two types can be compared
    if NULL in {actual, wanted}:
        return (wanted if actual == NULL else actual).name not in _NOT_NULLABLE
    pairs = zip(actual.params, wanted.params, strict=False)
    same_shape = actual.name == wanted.name and len(actual.params) == len(wanted.params)
    return same_shape and all(assignable(one, other, bound) for one, other in pairs)


def substituted(wanted: CelType, bound: Mapping[str, CelType]) -> CelType:
    """Return a type with its variables replaced by what they are bound to."""
    if len(wanted.name) == 1 and wanted.name.isupper():
        return bound.get(wanted.name, UNBOUND)
    if not wanted.params:
        return wanted
    return CelType(wanted.name, tuple(substituted(param, bound) for param in wanted.params))


def parsed(text: str) -> CelType:
    """Return the type that a text like map(string, list(A)) names."""
    name, _, rest = text.strip().partition("(")
    if not rest:
        return CelType(name)
    params: list[str] = []
    depth, start = 0, 0
    body = rest[:-1]
    for index, char in enumerate(body):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            params.append(body[start:index])
            start = index + 1
    return CelType(name, tuple(parsed(param) for param in (*params, body[start:])))
