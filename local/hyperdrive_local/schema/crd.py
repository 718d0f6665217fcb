"""What is refused in a CustomResourceDefinition."""

from typing import Any

from hyperdrive_local.schema.errors import FieldError


def check_crd(crd: dict[str, Any]) -> list[FieldError]:
    """Return what is wrong with a CustomResourceDefinition."""
    del crd
    return []
