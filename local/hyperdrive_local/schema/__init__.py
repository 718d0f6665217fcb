"""Schemas: what the API server accepts, what it drops, what it fills in, and how it words a refusal."""

from hyperdrive_local.schema.builtin.checks import check_builtin
from hyperdrive_local.schema.builtin.decoding import decoding_problem
from hyperdrive_local.schema.builtin.metadata import check_metadata
from hyperdrive_local.schema.builtin.schemas import builtin_schema
from hyperdrive_local.schema.crd import check_crd
from hyperdrive_local.schema.errors import ErrorKind, FieldError, invalid_message
from hyperdrive_local.schema.openapi import openapi_v2, openapi_v3_group, openapi_v3_index
from hyperdrive_local.schema.structural import StructuralSchema

__all__ = [
    "ErrorKind",
    "FieldError",
    "StructuralSchema",
    "builtin_schema",
    "check_builtin",
    "check_crd",
    "check_metadata",
    "decoding_problem",
    "invalid_message",
    "openapi_v2",
    "openapi_v3_group",
    "openapi_v3_index",
]
