"""The tables of rows/: what a real API server answers to the same question, recorded."""

import copy
import re
from pathlib import Path
from typing import Any

import yaml

Row = dict[str, Any]
ROWS = Path(__file__).parent / "rows"
DROPPED = "(dropped)"


def table(name: str) -> dict[str, Any]:
    """Return a table, with its rows under "rows"."""
    loaded: dict[str, Any] = yaml.safe_load((ROWS / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded


def patched(base: Any, change: Any) -> Any:
    """Return the base with a JSON merge patch applied."""
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    result = copy.deepcopy(base) if isinstance(base, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value)
    return result


def definition_of(base: Row, row: Row) -> Row:
    """Return the CustomResourceDefinition that a row of the table of definitions tells."""
    definition: Row = patched(base, row.get("merge", {}))
    versions = definition["spec"]["versions"]
    if "versions" in row:
        definition["spec"]["versions"] = copy.deepcopy(row["versions"])
    elif "schema" in row:
        versions[0]["schema"]["openAPIV3Schema"] = copy.deepcopy(row["schema"])
    elif "spec schema" in row:
        versions[0]["schema"]["openAPIV3Schema"]["properties"]["spec"] = copy.deepcopy(row["spec schema"])
    return definition


def crd(group: str, kind: str, spec_schema: Row) -> Row:
    """Return a definition of one version whose spec has this schema."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "properties": {"spec": spec_schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def named_alike(text: str) -> str:
    """Return a message without the number that the real server makes up for the name of a type."""
    return re.sub(r"selfType\d+", "selfType", text)
