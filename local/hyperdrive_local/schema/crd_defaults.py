"""Defaults of a schema: they have to be valid values of it."""

import copy
from collections.abc import Iterator
from dataclasses import replace

from hyperdrive_local.schema import errors
from hyperdrive_local.schema.errors import FieldError
from hyperdrive_local.schema.nodes import ABSENT, Node
from hyperdrive_local.schema.pruning import prune
from hyperdrive_local.schema.rules import RuleSet
from hyperdrive_local.schema.values import check_value


def check_defaults(node: Node, path: str, *, is_root: bool = True) -> Iterator[FieldError]:
    """Yield the errors of every default here and below."""
    if node.default is not ABSENT and node.default is not None:
        yield from _check_default(node, f"{path}.default")
    for name, child in node.properties.items():
        if not (is_root and name == "metadata"):
            yield from check_defaults(child, f"{path}.properties[{name}]", is_root=child.embedded)
    if node.additional is not None:
        yield from check_defaults(node.additional, f"{path}.additionalProperties", is_root=node.additional.embedded)
    if node.items is not None:
        yield from check_defaults(node.items, f"{path}.items", is_root=node.items.embedded)


def _check_default(node: Node, path: str) -> Iterator[FieldError]:
    value = copy.deepcopy(node.default)
    if prune(value, node, is_root=node.embedded):
        yield errors.invalid(path, node.default, "must not have unknown fields")
        return
    found = check_value(value, node).errors
    if not found and node.has_rules:
        found = RuleSet(node).check(value)
    for error in found:
        yield replace(error, path=path if error.path in {"", errors.NO_PATH} else f"{path}.{error.path}")
