"""Structural schemas of the builtin kinds."""

import functools
from typing import Any

from hyperdrive_local.schema.builtin.decoding import decoding_problem
from hyperdrive_local.schema.builtin.models import expanded
from hyperdrive_local.schema.errors import NO_PATH, ErrorKind, FieldError, type_invalid
from hyperdrive_local.schema.structural import StructuralSchema


class BuiltinSchema(StructuralSchema):
    """The schema of a builtin kind: what Go's decoder refuses is refused, of its own types too."""

    def __init__(self, openapi: dict[str, Any], group: str, version: str, kind: str) -> None:
        super().__init__(openapi)
        self._kind = (group, version, kind)

    def validate(self, obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[FieldError]:
        """Return what can't be decoded, most of it by field; semantic rules are check_builtin's."""
        found = [error for error in super().validate(obj, old) if error.kind is ErrorKind.TYPE_INVALID]
        problem = None if found else decoding_problem(*self._kind, obj)
        if problem is not None:  # a quantity that is none, or 1.0 for an integer
            found.append(type_invalid(NO_PATH, "", problem))
        return found


@functools.cache
def builtin_schema(group: str, version: str, kind: str) -> StructuralSchema | None:
    """Return the schema of a builtin kind, or None if it is not known. Built on the first call."""
    openapi = expanded(group, version, kind)
    return None if openapi is None else BuiltinSchema(openapi, group, version, kind)
