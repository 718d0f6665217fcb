"""Ranges of numbers, with the real server's integer arithmetic."""

from typing import Any, Final

from hyperdrive_local.schema import errors, golang
from hyperdrive_local.schema.errors import FieldError
from hyperdrive_local.schema.nodes import Node

_INTEGER_RANGES: Final = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
    "int64": (-(2**63), 2**63 - 1),
}
_LARGEST_EXACT: Final = 2**53 - 1
_FLOAT32_MAX: Final = 3.4028234663852886e38


def check_number(value: Any, node: Node, path: str) -> list[FieldError]:
    """Check a number against its format's width and the schema's bounds."""
    found: list[FieldError] = []
    if not _fits(value, node):
        form = f"with format {node.format}" if node.format else "(default format)"
        found.append(
            errors.invalid(errors.NO_PATH, "", f"Checked value must be of type {node.types[0]} {form} in {path}")
        )
    schema = node.schema
    factor = schema.get("multipleOf")
    if factor is not None and isinstance(value, int) and int(factor) == 0:
        detail = f"factor MultipleOf declared for {path} must be positive: 0"
        found.append(errors.invalid(path, 0, detail))
    elif factor is not None and not _is_multiple(value, factor):
        found.append(_error(path, value, f"should be a multiple of {golang.number(_native(value, factor))}"))
    return found + _check_bounds(value, schema, path)


def _check_bounds(value: Any, schema: dict[str, Any], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    if (most := schema.get("maximum")) is not None:
        limit, strict = _native(value, most), schema.get("exclusiveMaximum")
        if value > limit or (strict and value == limit):
            rule = "less than" if strict else "less than or equal to"
            found.append(_error(path, value, f"should be {rule} {golang.number(limit)}"))
    if (least := schema.get("minimum")) is not None:
        limit, strict = _native(value, least), schema.get("exclusiveMinimum")
        if value < limit or (strict and value == limit):
            rule = "greater than" if strict else "greater than or equal to"
            found.append(_error(path, value, f"should be {rule} {golang.number(limit)}"))
    return found


def _error(path: str, value: Any, text: str) -> FieldError:
    return errors.invalid(path, value, f"{path} in body {text}")


def _native(value: Any, bound: float) -> float:
    """Return the bound in the value's own type: the real server truncates it before it compares integers."""
    return int(bound) if isinstance(value, int) else float(bound)


def is_whole(value: float) -> bool:
    """Tell whether a float stands for an integer; beyond 2^53 it stands for several."""
    return abs(value) <= _LARGEST_EXACT and float(value).is_integer()


def _fits(value: Any, node: Node) -> bool:
    if node.types == ("integer",):
        low, high = _INTEGER_RANGES.get(node.format, _INTEGER_RANGES["int64"])
        return float(value).is_integer() and low <= value <= high
    if node.types != ("number",):
        return True
    return node.format not in {"float", "float32"} or abs(value) <= _FLOAT32_MAX


def _is_multiple(value: Any, factor: float) -> bool:
    if isinstance(value, int):
        return bool(value % int(factor) == 0)
    quotient = 1 / factor * value if factor < 1 else value / factor
    return bool(abs(quotient - round(quotient)) <= 1e-9 * max(1.0, abs(quotient)))
