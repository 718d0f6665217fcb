"""Placeholders: `$(params.NAME)` in any string of a template, Tekton's form.

It clashes with neither Helm's {{ }}, Flux's ${ } nor the kubelet's $(ENV), which has no dot in its names.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hyperdrive_operator.api import names

from .problems import Problem

_PLACEHOLDER = re.compile(r"\$\(params\.([^()\s]+)\)")
#: Also what was meant as one: $(params.x without its end, or with a blank in it.
_ATTEMPT = re.compile(r"\$\(\s*params\b[^)]*\)?")

#: Fields of a Job whose values are strings to the API server, so that a number in them must be written as one.
_STRING_FIELDS = frozenset(
    {"command", "args", "env", "labels", "annotations", "nodeSelector", "matchLabels", "values", "data"}
)


_LEFT_OUT = object()


def render(node: Any, parameters: Mapping[str, Any], *, as_string: bool = False) -> Any:
    """Return a copy with every placeholder replaced; a string that is only a placeholder takes the value's type.

    A list item or field whose string needs a parameter that has no value (an inactive one: `placeholder_problems` finds
    the unknown ones first) is left out.
    """
    if isinstance(node, str):
        return _render_string(node, parameters, as_string=as_string)
    if isinstance(node, list):
        items = (render(item, parameters, as_string=as_string) for item in node)
        return [item for item in items if item is not _LEFT_OUT]
    if isinstance(node, dict):
        fields = (
            (key, render(value, parameters, as_string=as_string or key in _STRING_FIELDS))
            for key, value in node.items()
        )
        return {key: value for key, value in fields if value is not _LEFT_OUT}
    return node


def text_of(value: Any) -> str:
    """Return a parameter's value as a script reads it: 32, 0.001, true, text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _render_string(text: str, parameters: Mapping[str, Any], *, as_string: bool) -> Any:
    if any(name not in parameters for name in _PLACEHOLDER.findall(text)):
        return _LEFT_OUT
    whole = _PLACEHOLDER.fullmatch(text)
    if whole and not as_string:
        return parameters[whole[1]]
    return _PLACEHOLDER.sub(lambda match: text_of(parameters[match[1]]), text)


def placeholder_problems(template: Any, known: Collection[str], field: str) -> list[Problem]:
    """Find placeholders that name no parameter, are misspelt, or stand where none can be replaced."""
    return [
        Problem(names.REASON_INVALID_TEMPLATE, path, problem)
        for path, text, is_key in _strings(template, field)
        for attempt in _ATTEMPT.findall(text)
        if (problem := _problem(attempt, known, is_key=is_key))
    ]


def _problem(attempt: str, known: Collection[str], *, is_key: bool) -> str | None:
    match = _PLACEHOLDER.fullmatch(attempt)
    if match is None:
        return f"{attempt!r} is no placeholder: write $(params.NAME)"
    if is_key:
        return f"{attempt!r} stands in a field's name, where it is not replaced: move it into a value"
    if match[1] not in known:
        return f"{attempt!r} names no parameter of searchSpace: use one of {', '.join(sorted(known))}"
    return None


def _strings(node: Any, path: str) -> Iterator[tuple[str, str, bool]]:
    """Yield (path, text, whether it is a key) for every string in a template."""
    if isinstance(node, str):
        yield path, node, False
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _strings(item, f"{path}[{index}]")
    elif isinstance(node, dict):
        for key, value in node.items():
            yield path, str(key), True
            yield from _strings(value, f"{path}.{key}")
