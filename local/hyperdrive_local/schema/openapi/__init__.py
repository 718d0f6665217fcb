"""OpenAPI documents: what kubectl reads to explain fields and to ask for strict validation."""

from hyperdrive_local.schema.openapi.v2 import openapi_v2
from hyperdrive_local.schema.openapi.v3 import openapi_v3_group, openapi_v3_index

__all__ = ["openapi_v2", "openapi_v3_group", "openapi_v3_index"]
