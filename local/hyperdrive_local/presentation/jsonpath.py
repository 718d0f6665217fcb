"""The JSONPath of printer columns: fields, indexes, wildcards, slices of one, and filters that compare."""

import re
from collections.abc import Callable, Iterable
from typing import Any

Step = Callable[[Any], Iterable[Any]]
Path = Callable[[Any], list[Any]]

TOKEN = re.compile(
    r"""
    \.\.(?P<deep>[^.\[\]]+)
    | \.?\[\?\((?P<filter>.*?)\)\]
    | \.?\[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]
    | \.?\[(?P<index>-?\d+|\*)\]
    | \.(?P<field>(?:\\.|[^.\[\]\\])+)
    """,
    re.VERBOSE,
)
COMPARISON = re.compile(r"^\s*@(?P<path>.*?)\s*(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.+?)\s*$")


class PathError(ValueError):
    """The text is no path that is understood here."""


def compile_path(text: str) -> Path:
    """A function that gives the values at that path, none if there are none."""
    steps = list(_steps(text.strip()))

    def find(value: Any) -> list[Any]:
        found = [value]
        for step in steps:
            found = [item for each in found for item in step(each)]
        return found

    return find


def _steps(text: str) -> Iterable[Step]:
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise PathError(f"{text!r} cannot be read from {text[at:]!r} on")
        yield _step(match)
        at = match.end()


def _step(match: re.Match[str]) -> Step:
    groups = match.groupdict()
    if groups["filter"] is not None:
        return _filter(groups["filter"])
    if groups["index"] is not None:
        return _each if groups["index"] == "*" else _index(int(groups["index"]))
    if groups["deep"] is not None:
        return _deep(groups["deep"])
    name = groups["field"] if groups["quoted"] is None else groups["quoted"][1:-1]
    name = re.sub(r"\\(.)", r"\1", name)
    return _each if name == "*" else _field(name)


def _field(name: str) -> Step:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _index(index: int) -> Step:
    def step(value: Any) -> list[Any]:
        return [value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else []

    return step


def _each(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else []


def _deep(name: str) -> Step:
    def step(value: Any) -> Iterable[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]
        for item in _each(value):
            yield from step(item)

    return step


def _filter(text: str) -> Step:
    match = COMPARISON.match(text)
    path = compile_path(match["path"] if match else text.strip().removeprefix("@"))
    if not match:
        return lambda value: [item for item in _each(value) if path(item)]
    wanted, compare = _literal(match["value"]), _COMPARE[match["operator"]]
    return lambda value: [item for item in _each(value) if any(_holds(compare, left, wanted) for left in path(item))]


def _literal(text: str) -> Any:
    if text[0] in "'\"":
        return text[1:-1]
    if text in {"true", "false"}:
        return text == "true"
    try:
        return float(text)
    except ValueError as error:
        raise PathError(f"{text!r} in a filter is neither quoted nor a number nor a boolean") from error


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    ">": lambda left, right: bool(left > right),
    "<=": lambda left, right: bool(left <= right),
    ">=": lambda left, right: bool(left >= right),
}


def _holds(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    try:
        return compare(left, right)
    except TypeError:
        return False  # of different types
