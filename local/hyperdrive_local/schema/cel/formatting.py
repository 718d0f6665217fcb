"""string.format of CEL's strings extension."""

import datetime
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from hyperdrive_local.schema import golang

_CLAUSE: Final = re.compile(r"%(?:%|(?:\.(?P<digits>\d+))?(?P<verb>.))", re.DOTALL)


_INTEGERS: Final = frozenset({"int", "uint"})
_NUMBERS: Final = _INTEGERS | {"double"}
_RULES: Final = {
    "d": (_INTEGERS, "decimal clause can only be used on integers"),
    "f": (_NUMBERS, "fixed-point clause can only be used on doubles"),
    "e": (_NUMBERS, "scientific clause can only be used on doubles"),
    "b": (_INTEGERS | {"bool"}, "only integers and bools can be formatted as binary"),
    "x": (_INTEGERS | {"string", "bytes"}, "only integers, byte buffers, and strings can be formatted as hex"),
    "o": (_INTEGERS, "octal clause can only be used on integers"),
}


class FormatError(ValueError):
    """A clause and its value do not go together."""


def format_text(template: str, values: list[Any]) -> str:
    """Return the template with its clauses replaced, one value each."""
    rest = iter(values)
    used = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal used
        if match[0] == "%%":
            return "%"
        if used >= len(values):
            raise FormatError(f"index {used} out of range")
        used += 1
        return _clause(match["verb"], match["digits"], next(rest))

    return _CLAUSE.sub(replace, template)


def _clause(verb: str, digits: str | None, value: Any) -> str:
    if verb == "s":
        return plain(value)
    if verb in "feE" and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{float(value):.{digits or 6}{verb}}"
    if verb == "d" and isinstance(value, int | float) and not isinstance(value, bool):
        return golang.number(value)
    if verb in "bxXo" and isinstance(value, int):
        return f"{value:{verb}}"
    if verb in "xX" and isinstance(value, str | bytes):
        raw = value.encode() if isinstance(value, str) else value
        return raw.hex() if verb == "x" else raw.hex().upper()
    if verb not in "sdfeEbxXo":
        raise FormatError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
    _, rule = _RULES[verb.lower()]
    raise FormatError(f"error during formatting: {rule}, was given {_cel_type(value)}")


def _cel_type(value: Any) -> str:
    return {"boolean": "bool", "integer": "int", "number": "double"}.get(name := golang.type_name(value), name)


def format_problems(template: str, kinds: list[str]) -> Iterator[tuple[int | None, str]]:
    """Yield what is bound to fail, given the types of the values: the value's index, or None for the template."""
    used = 0
    for match in _CLAUSE.finditer(template):
        verb = match["verb"]
        if verb is None:
            continue
        if used >= len(kinds):
            yield None, f"index {used} out of range"
            return
        if verb not in "sdfeEbxXo":
            yield None, f'could not parse formatting clause: unrecognized formatting clause "{verb}"'
            return
        allowed, rule = _RULES.get(verb.lower(), (frozenset(), ""))
        if rule and kinds[used] not in allowed | {"dyn", "_"}:
            yield used, f"error during formatting: {rule}, was given {kinds[used]}"
        used += 1


def plain(value: Any) -> str:
    """Return a value as %s writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{plain(key)}: {plain(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(plain(item) for item in value) + "]"
    return _PLAIN.get(type(value), str)(value)


def timestamp_text(value: datetime.datetime) -> str:
    """Return RFC 3339 in UTC, with no more digits than needed."""
    text = value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def duration_text(value: datetime.timedelta) -> str:
    """Return a duration in seconds."""
    return f"{golang.number(value / datetime.timedelta(seconds=1))}s"


_PLAIN: Final[dict[type, Callable[[Any], str]]] = {
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    bytes: lambda value: str(value, errors="replace"),
    int: golang.number,
    float: golang.number,
    datetime.datetime: timestamp_text,
    datetime.timedelta: duration_text,
}
