"""docs/reference.md: every field of both kinds, made from the schemas that the API server gets."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Schema = Mapping[str, Any]

_INTRODUCTION: Final = """\
# Reference of all fields

Made from the schemas in `crds/` by `make generate`: what stands here is what the API server checks. Each heading is
what `kubectl explain` takes. A field without a default may be left out unless it is *required*.
"""
#: What every Kubernetes object has, and the schema of a CRD does not describe.
_COMMON: Final = {
    "apiVersion": "hyperdrive.dev/v1alpha1",
    "kind": "The kind, as in the heading.",
    "metadata": "Name, namespace, labels and annotations, as in every Kubernetes object.",
}
_DEEPEST_HEADING: Final = 6
_TABLE: Final = ("| field | type | default | limits | description |", "|---|---|---|---|---|")


def reference(definitions: Sequence[Mapping[str, Any]]) -> str:
    """Return the page for these CustomResourceDefinitions."""
    kinds = [(crd["spec"]["names"], crd["spec"]["versions"][0]) for crd in definitions]
    lines = [_INTRODUCTION]
    for names, version in kinds:
        lines += _contents(names["singular"], version["schema"]["openAPIV3Schema"], 0)
    for names, version in kinds:
        lines += _kind(names, version)
    return "\n".join(lines).rstrip("\n") + "\n"


def _kind(names: Mapping[str, Any], version: Mapping[str, Any]) -> Iterator[str]:
    schema = version["schema"]["openAPIV3Schema"]
    sections = list(_sections(names["singular"], schema, 2))
    yield from sections[0]
    yield f"`kubectl get {names['plural']}` (short: `{names['shortNames'][0]}`) shows:\n"
    yield from ("| column | what it is | only with `-o wide` |", "|---|---|---|")
    for column in version["additionalPrinterColumns"]:
        wide = "yes" if column.get("priority") else ""
        yield f"| {column['name'].upper()} | {_cell(column['description'])} | {wide} |"
    yield ""
    for section in sections[1:]:
        yield from section


def _contents(path: str, schema: Schema, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}- [{path}](#{_anchor(path)})"
    for name, child in _objects(schema):
        yield from _contents(f"{path}.{name}", child, depth + 1)
    if not depth:
        yield ""


def _sections(path: str, schema: Schema, level: int) -> Iterator[list[str]]:
    """Yield the section of an object, then those of the objects in it."""
    yield list(_section(path, schema, level))
    for name, child in _objects(schema):
        yield from _sections(f"{path}.{name}", child, level + 1)


def _section(path: str, schema: Schema, level: int) -> Iterator[str]:
    yield f"{'#' * min(level, _DEEPEST_HEADING)} {path}\n"
    if schema.get("description"):
        yield f"{_text(schema['description'])}\n"
    yield from _TABLE
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        yield _row(path, name, field, is_required=name in required)
    yield ""
    if rules := dict.fromkeys(_rules(schema)):
        yield "Rules, in the API server's words:\n"
        yield from rules
        yield ""


def _row(path: str, name: str, field: Schema, *, is_required: bool) -> str:
    default = "*required*" if is_required else _default(field)
    description = field.get("description") or _COMMON.get(name, "")
    cells = (f"`{name}`", _type(f"{path}.{name}", field), default, "; ".join(_limits(field)), _cell(description))
    return f"| {' | '.join(cells)} |"


# --- parts of a section ----------------------------------------------------------------------------------------------


def _objects(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the fields that have a section of their own: objects with fields, and lists and maps of such."""
    for name, field in schema["properties"].items():
        inner = _inner(field)
        if "properties" in inner:
            # the words of the field say more than those of what it is made of
            yield name, {**inner, "description": field.get("description") or inner.get("description")}


def _inner(field: Schema) -> Schema:
    """Return what a list or map is made of, or the field itself."""
    within = field.get("items") or field.get("additionalProperties")
    return _inner(within) if isinstance(within, Mapping) else field


def _rules(schema: Schema) -> Iterator[str]:
    """Yield the messages of an object's rules, and of those of its fields that have no section to tell them in."""
    for rule in schema.get("x-kubernetes-validations", ()):
        yield f"- {_text(rule['message'])}"
    for name, field in schema["properties"].items():
        node: Schema | None = field
        while node is not None and "properties" not in node:
            for rule in node.get("x-kubernetes-validations", ()):
                message = _text(rule["message"])
                yield f"- {message}" if message.startswith(name) else f"- `{name}`: {message}"
            within = node.get("items") or node.get("additionalProperties")
            node = within if isinstance(within, Mapping) else None


def _type(path: str, field: Schema) -> str:
    if "properties" in field:
        return f"[object](#{_anchor(path)})"
    if field.get("type") == "array":
        return f"list of {_type(path, field['items'])}"
    if isinstance(field.get("additionalProperties"), Mapping):
        return f"map to {_type(path, field['additionalProperties'])}"
    if "type" not in field:
        return "integer or string" if field.get("x-kubernetes-int-or-string") else "any JSON"
    if field["type"] == "object" and field.get("x-kubernetes-preserve-unknown-fields"):
        return "any object"
    return str(field.get("format") or field["type"])


def _default(field: Schema) -> str:
    if "default" not in field or field["default"] == {}:
        return ""  # that of an object are those of its fields
    value = field["default"]
    return _code(value if isinstance(value, str) else json.dumps(value))


def _limits(field: Schema) -> Iterator[str]:
    if "enum" in field:
        yield f"one of {', '.join(_code(str(value)) for value in field['enum'])}"
    if "minimum" in field:
        yield f"{'above' if field.get('exclusiveMinimum') else 'at least'} {field['minimum']}"
    if "maximum" in field:
        yield f"at most {field['maximum']}"
    for unit, least, most in (
        ("characters", "minLength", "maxLength"),
        ("items", "minItems", "maxItems"),
        ("entries", "minProperties", "maxProperties"),
    ):
        if least in field or most in field:
            yield _range(field.get(least, 0), field.get(most), unit)
    if "pattern" in field:
        yield f"matches {_code(field['pattern'])}"
    if any(rule["rule"] == "self == oldSelf" for rule in field.get("x-kubernetes-validations", ())):
        yield "immutable"
    within = field.get("items") or field.get("additionalProperties")
    if isinstance(within, Mapping) and "properties" not in within:
        yield from (f"each {limit}" for limit in _limits(within))


def _range(least: int, most: int | None, unit: str) -> str:
    if most is None:
        return f"at least {least} {unit}"
    return f"{least} to {most} {unit}" if least else f"at most {most} {unit}"


# --- Markdown --------------------------------------------------------------------------------------------------------


def _anchor(heading: str) -> str:
    """Return how a heading is linked to: GitHub drops what is no letter, digit, blank or dash."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _text(words: str) -> str:
    """Return plain words as Markdown on one line: what looks like code as code, and no HTML."""
    line = " ".join(words.split()).replace("<", "&lt;")
    return re.sub(r"\$\([^)]*\)|\b[A-Z]+(?:_[A-Z]+)+\b", lambda match: f"`{match[0]}`", line)


def _cell(words: str) -> str:
    return _text(words).replace("|", r"\|")


def _code(text: str) -> str:
    """Return code for a cell of a table, where a bar is escaped even in code."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", r"\|")
