"""JSON merge patches (RFC 7396)."""

from collections.abc import Mapping
from typing import Any

from hyperdrive_operator.api.v1alpha1 import canonical


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the smallest merge patch that turns `old` into `new`; what is no longer there becomes null."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            if nested := merge_patch(before, value):
                patch[key] = nested
        elif key not in old or canonical(before) != canonical(value):  # to Python True equals 1
            patch[key] = value
    return patch


def without_nulls(value: Any) -> Any:
    """Drop members that are null: a merge patch can't write them, so the object would never be as it should."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
