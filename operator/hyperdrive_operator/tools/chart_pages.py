"""values.yaml, values.schema.json and README.md of the chart, from the models of its values."""

import json
from collections.abc import Iterator
from textwrap import wrap
from typing import Any, Final

from .chart_values import ChartValues

Schema = dict[str, Any]

_README: Final = """\
# hyperdrive-operator

    helm install hyperdrive-operator charts/hyperdrive-operator --namespace hyperdrive-system --create-namespace

installs the operator with its permissions and CRDs: by default, what `manifests/install.yaml` does. How to choose
values, to upgrade, to uninstall, and what happens to CRDs that are there already:
[docs/install.md](../../docs/install.md).

`values.schema.json` refuses what is not in this table, and names it. `values.yaml`, the schema and this page are made
by `make generate` from `operator/hyperdrive_operator/tools/chart_values.py`.

| value | default | what it is |
|---|---|---|
"""
#: What pydantic writes and Helm has no use for: the defaults stand in values.yaml.
_DROPPED: Final = ("title", "default")


def values_yaml() -> str:
    """Return values.yaml: each default below its words."""
    defaults = ChartValues().model_dump(by_alias=True)
    lines = ["# Values of the chart, each with its default. Made from tools/chart_values.py by `make generate`."]
    for name, field in _properties(ChartValues).items():
        lines += ["", *_comment(field)]
        inner = field.get("properties")
        if not inner:
            lines.append(_entry(name, defaults[name]))
            continue
        lines.append(f"{name}:")
        for key, one in inner.items():
            lines += [f"  {line}" for line in (*_comment(one), _entry(key, defaults[name][key]))]
    return "\n".join(lines) + "\n"


def values_schema() -> str:
    """Return values.schema.json, in draft 7 and without references: what old and new Helms read."""
    schema = _inlined(ChartValues.model_json_schema(by_alias=True, mode="validation"))
    schema["properties"]["global"] = {"type": "object", "description": "Helm's own, for charts that contain this one."}
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **schema}, indent=2) + "\n"


def readme() -> str:
    """Return README.md with the table of all values."""
    defaults = ChartValues().model_dump(by_alias=True)
    rows = []
    for name, field in _properties(ChartValues).items():
        inner = field.get("properties")
        if not inner:
            rows.append(_row(name, defaults[name], field))
            continue
        rows += [_row(f"{name}.{key}", defaults[name][key], one) for key, one in inner.items()]
    return _README + "\n".join(rows) + "\n"


def _properties(model: type[ChartValues]) -> Schema:
    found: Schema = _inlined(model.model_json_schema(by_alias=True))["properties"]
    return found


def _row(path: str, default: Any, field: Schema) -> str:
    shown = json.dumps(default)
    limits = f" One of {', '.join(f'`{one}`' for one in field['enum'])}." if "enum" in field else ""
    return f"| `{path}` | `{shown}` | {field['description']}{limits} |"


def _comment(field: Schema) -> Iterator[str]:
    words = field["description"].replace("`", "")
    if "enum" in field:
        words += f" One of {', '.join(field['enum'])}."
    yield from (f"# {line}" for line in wrap(words, 116))


def _entry(name: str, default: Any) -> str:
    return f"{name}: {json.dumps(default)}"  # JSON is YAML


def _inlined(schema: Schema) -> Schema:
    definitions = schema.pop("$defs", {})
    found: Schema = _inline(schema, definitions)
    return found


def _inline(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    found = {key: _inline(value, definitions) for key, value in node.items() if key not in _DROPPED}
    if found.get("additionalProperties") is True:
        del found["additionalProperties"]
    if "patternProperties" in found:
        found["additionalProperties"] = False  # a key that the pattern does not take is wrong, not free
    return found
