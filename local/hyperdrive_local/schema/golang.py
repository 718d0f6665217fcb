"""Write values as Go writes them: the real server's messages are made with %v, %q and encoding/json."""

import json
import math
from typing import Any

OMITTED: Any = object()  # for an error about a value that is not to be printed

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}


def quoted(text: str) -> str:
    """Return what Go's %q prints for a string."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def number(value: float) -> str:
    """Return what Go's %v prints for an int64 or a float64: exponents only below 1e-4 and from 1e21 on."""
    return str(value) if isinstance(value, int) else _float(value, lowest=1e-4, exponent_digits=2)


def _float(value: float, *, lowest: float, exponent_digits: int) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    mantissa, _, exponent = f"{value!r}".partition("e")
    digits = mantissa.replace(".", "").lstrip("-")
    point = len(mantissa.lstrip("-").split(".", maxsplit=1)[0]) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    stripped = stripped.rstrip("0")
    sign = "-" if value < 0 else ""
    if lowest <= abs(value) < 1e21:
        return sign + _fixed(stripped, point)
    power = point - 1
    tail = f".{stripped[1:]}" if len(stripped) > 1 else ""
    return f"{sign}{stripped[0]}{tail}e{'-' if power < 0 else '+'}{abs(power):0{exponent_digits}d}"


def _fixed(digits: str, point: int) -> str:
    if point <= 0:
        return "0." + "0" * -point + digits
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


class Ordered(dict[str, Any]):
    """A struct: its fields are written in their own order, where the keys of a map are sorted."""


def as_json(value: Any) -> str:
    """Return what encoding/json prints: sorted keys, no spaces, and <, > and & escaped."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{as_json(str(key))}:{as_json(value[key])}" for key in _keys(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(as_json(item) for item in value) + "]"
    if isinstance(value, float):
        return _float(value, lowest=1e-6, exponent_digits=1)
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        for char in "<>&\u2028\u2029":
            text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _keys(value: dict[str, Any]) -> list[str]:
    return list(value) if isinstance(value, Ordered) else sorted(value)


def type_name(value: Any) -> str:
    """Return the JSON schema type of a decoded value, as the validator names it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "object" if isinstance(value, dict) else "array"
