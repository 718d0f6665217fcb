"""Structural schemas of the builtin kinds."""

import functools

from hyperdrive_local.schema.builtin.models import expanded
from hyperdrive_local.schema.structural import StructuralSchema


@functools.cache
def builtin_schema(group: str, version: str, kind: str) -> StructuralSchema | None:
    """Return the schema of a builtin kind, or None if it is not known. Built on the first call."""
    openapi = expanded(group, version, kind)
    return None if openapi is None else StructuralSchema(openapi)
