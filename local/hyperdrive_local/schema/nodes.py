"""A schema compiled once into a tree of nodes, so that validating an object looks nothing up twice."""

import re
from dataclasses import dataclass, field
from typing import Any

from hyperdrive_local.schema.formats import SUPPORTED
from hyperdrive_local.schema.patterns import PatternError, compile_re2

ABSENT: Any = object()


@dataclass(slots=True, eq=False)
class Node:
    """One schema node: structure, defaults and value rules."""

    schema: dict[str, Any]
    types: tuple[str, ...] = ()
    format: str = ""
    nullable: bool = False
    properties: dict[str, "Node"] = field(default_factory=dict)
    additional: "Node | None" = None  # the schema of additionalProperties
    additional_allowed: bool = True  # False for additionalProperties: false
    has_additional: bool = False
    items: "Node | None" = None
    required: tuple[str, ...] = ()
    preserve_unknown: bool = False
    embedded: bool = False
    int_or_string: bool = False
    list_type: str = "atomic"
    list_keys: tuple[str, ...] = ()
    map_type: str = "granular"
    default: Any = ABSENT
    enum: tuple[Any, ...] = ()
    pattern: re.Pattern[str] | None = None
    all_of: tuple["Node", ...] = ()
    any_of: tuple["Node", ...] = ()
    one_of: tuple["Node", ...] = ()
    negated: "Node | None" = None
    has_rules: bool = False  # here or below
    has_list_types: bool = False
    has_embedded: bool = False
    has_defaults: bool = False

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The CEL rules of this very node."""
        rules: list[dict[str, Any]] = self.schema.get("x-kubernetes-validations") or []
        return rules


def compile_node(schema: dict[str, Any]) -> Node:
    """Return the node of a schema and of all that is below it."""
    int_or_string = bool(schema.get("x-kubernetes-int-or-string"))
    declared = schema.get("type")
    additional = schema.get("additionalProperties")
    node = Node(
        schema=schema,
        types=("integer", "string") if int_or_string else (declared,) if declared else (),
        format=_format(schema),
        nullable=bool(schema.get("nullable")),
        properties={name: compile_node(child) for name, child in (schema.get("properties") or {}).items()},
        additional=compile_node(additional) if isinstance(additional, dict) else None,
        additional_allowed=additional is not False,
        has_additional=additional is not None,
        items=compile_node(schema["items"]) if isinstance(schema.get("items"), dict) else None,
        required=tuple(schema.get("required") or ()),
        preserve_unknown=bool(schema.get("x-kubernetes-preserve-unknown-fields")),
        embedded=bool(schema.get("x-kubernetes-embedded-resource")),
        int_or_string=int_or_string,
        list_type=schema.get("x-kubernetes-list-type") or "atomic",
        list_keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()),
        map_type=schema.get("x-kubernetes-map-type") or "granular",
        default=schema.get("default", ABSENT),
        enum=tuple(schema.get("enum") or ()),
        pattern=_pattern(schema.get("pattern")),
        all_of=tuple(compile_node(child) for child in schema.get("allOf") or ()),
        any_of=tuple(compile_node(child) for child in schema.get("anyOf") or ()),
        one_of=tuple(compile_node(child) for child in schema.get("oneOf") or ()),
        negated=compile_node(schema["not"]) if isinstance(schema.get("not"), dict) else None,
    )
    _summarise(node)
    return node


def _format(schema: dict[str, Any]) -> str:
    """Return the format, if it is one that is looked at: of all others the real server takes no notice."""
    declared = schema.get("format") or ""
    return declared if declared in SUPPORTED else ""


def _pattern(text: str | None) -> re.Pattern[str] | None:
    if not text:
        return None
    try:
        return compile_re2(text)
    except PatternError:
        return None  # check_crd refuses it; here there is nothing left to enforce


def _summarise(node: Node) -> None:
    below = [*node.properties.values(), *(child for child in (node.additional, node.items) if child), *node.all_of]
    node.has_rules = bool(node.rules) or any(child.has_rules for child in below)
    node.has_list_types = node.list_type in {"set", "map"} or any(child.has_list_types for child in below)
    node.has_embedded = node.embedded or any(child.has_embedded for child in below)
    node.has_defaults = node.default is not ABSENT or any(child.has_defaults for child in below)


def child_of(node: Node, key: str) -> Node | None:
    """Return the schema of one field: a declared one, or that of additionalProperties."""
    return node.properties.get(key) or node.additional
