"""What all models share: camelCase, immutability, and rules that both Python and the API server enforce."""

import json
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

#: Deepest nesting of free JSON. A Job's spec needs some fifteen; without a bound it would end in a RecursionError.
MAX_DEPTH: Final = 64


def _finite(value: Any) -> Any:
    try:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(float(value)) < float("inf")
    except OverflowError:  # a whole number beyond what a double holds
        is_number = False
    if not is_number:
        raise ValueError("must be a finite number")
    return value


#: A JSON number that keeps its type: 32 stays an integer on its way to the script. Never NaN, never a boolean.
Number = Annotated[int | float, BeforeValidator(_finite)]


class Model(BaseModel):
    """A frozen value with camelCase names. Unknown fields are ignored, as the API server prunes them."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        strict=True,
        extra="ignore",
    )


def cel(*rules: tuple[str, str], **extra: Any) -> dict[str, Any]:
    """Build a model's schema extras from (CEL rule, message) pairs.

    Each rule has a twin among the model's validators; tests feed both the same manifests.
    """
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules], **extra}


def canonical(value: Any) -> str:
    """Return the same text for all JSON that comes to the same: keys in order, 1.0 as 1 (so the API server stores it).

    What lies below MAX_DEPTH is not looked at.
    """
    return json.dumps(_canonical(value, MAX_DEPTH), sort_keys=True, separators=(",", ":"))


def is_too_deep(value: Any) -> bool:
    """Tell whether free JSON nests deeper than MAX_DEPTH."""
    layer = [value]
    for _ in range(MAX_DEPTH + 1):
        layer = [item for node in layer for item in _items(node)]
    return bool(layer)


def _items(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _canonical(value: Any, levels: int) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_canonical(item, levels - 1) for item in value] if levels else []
    if isinstance(value, dict):
        return {str(key): _canonical(item, levels - 1) for key, item in value.items()} if levels else {}
    return value
