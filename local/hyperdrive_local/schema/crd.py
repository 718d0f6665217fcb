"""What is refused in a CustomResourceDefinition."""

import re
from collections.abc import Iterator
from typing import Any, Final

from hyperdrive_local.schema import errors, golang
from hyperdrive_local.schema.builtin.metadata import check_metadata
from hyperdrive_local.schema.builtin.names import dns_1035_problems, subdomain_problems
from hyperdrive_local.schema.crd_defaults import check_defaults
from hyperdrive_local.schema.crd_rules import check_rules
from hyperdrive_local.schema.crd_structure import check_structure
from hyperdrive_local.schema.errors import FieldError
from hyperdrive_local.schema.nodes import compile_node

_COLUMN_TYPES: Final = ["boolean", "date", "integer", "number", "string"]
_COLUMN_FORMATS: Final = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"]
_APPROVAL: Final = "api-approved.kubernetes.io"
_PROTECTED: Final = re.compile(r"(?:.*\.)?(?:k8s|kubernetes)\.io")


def check_crd(crd: dict[str, Any]) -> list[FieldError]:
    """Return what the real server refuses in a CustomResourceDefinition."""
    spec = crd.get("spec") or {}
    found = [*_check_metadata(crd, spec), *_check_group_and_scope(spec), *_check_names(spec.get("names") or {})]
    found += _check_versions(spec)
    if (spec.get("conversion") or {}).get("strategy") not in {None, "None", "Webhook"}:
        strategy = spec["conversion"]["strategy"]
        found.append(errors.not_supported("spec.conversion.strategy", strategy, ["None", "Webhook"]))
    if spec.get("preserveUnknownFields"):
        detail = (
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        )
        found.append(errors.invalid("spec.preserveUnknownFields", True, detail))
    versions = spec.get("versions") or []
    for index, version in enumerate(versions):
        found += _check_version(version, _Paths(versions, index))
    return found


class _Paths:
    """Where parts of a version are told to be: what all versions share, the real server has moved up to the spec."""

    def __init__(self, versions: list[dict[str, Any]], index: int) -> None:
        self._versions = versions
        self._index = index
        self.is_first = index == 0

    def of(self, key: str) -> str | None:
        """Return the path of a part, or None if it has been told of with an earlier version."""
        shared = all(version.get(key) == self._versions[0].get(key) for version in self._versions)
        if not shared:
            return f"spec.versions[{self._index}].{key}"
        return f"spec.{'validation' if key == 'schema' else key}" if self.is_first else None


def _check_metadata(crd: dict[str, Any], spec: dict[str, Any]) -> Iterator[FieldError]:
    yield from check_metadata("CustomResourceDefinition", crd)
    metadata = crd.get("metadata") or {}
    group, plural = spec.get("group") or "", (spec.get("names") or {}).get("plural") or ""
    name = metadata.get("name")
    if name and name != f"{plural}.{group}":
        yield errors.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    if _PROTECTED.fullmatch(group) and not (metadata.get("annotations") or {}).get(_APPROVAL):
        detail = (
            f'protected groups must have approval annotation "{_APPROVAL}", '
            "see https://github.com/kubernetes/enhancements/pull/1111"
        )
        yield errors.required(f"metadata.annotations[{_APPROVAL}]", detail)


def _check_group_and_scope(spec: dict[str, Any]) -> Iterator[FieldError]:
    group, scope = spec.get("group") or "", spec.get("scope") or ""
    if not group:
        yield errors.required("spec.group")
    elif problems := subdomain_problems(group):
        yield errors.invalid("spec.group", group, ",".join(problems))
    elif "." not in group:
        yield errors.invalid("spec.group", group, "should be a domain with at least one dot")
    if not scope:
        yield errors.required("spec.scope")
    elif scope not in {"Cluster", "Namespaced"}:
        yield errors.not_supported("spec.scope", scope, ["Cluster", "Namespaced"])


def _check_names(names: dict[str, Any]) -> Iterator[FieldError]:
    kind = names.get("kind") or ""
    complete = {
        "plural": names.get("plural") or "",
        "singular": names.get("singular") or kind.lower(),
        "kind": kind,
        "listKind": names.get("listKind") or (f"{kind}List" if kind else ""),
    }
    for key, name in complete.items():
        where = f"spec.names.{key}"
        cased = key in {"kind", "listKind"}
        problems = dns_1035_problems(name.lower() if cased else name)
        prefix = "may have mixed case, but should otherwise match: " if cased else ""
        if not name:
            yield errors.required(where)
        elif problems:
            yield errors.invalid(where, name, prefix + ",".join(problems))
    if kind and kind == complete["listKind"]:
        yield errors.invalid("spec.names.listKind", kind, "kind and listKind may not be the same")
    for key in ("shortNames", "categories"):
        for index, name in enumerate(names.get(key) or []):
            if problems := dns_1035_problems(name):
                yield errors.invalid(f"spec.names.{key}[{index}]", name, ",".join(problems))


def _check_versions(spec: dict[str, Any]) -> Iterator[FieldError]:
    versions = spec.get("versions") or []
    names = [version.get("name") or "" for version in versions]
    for index, name in enumerate(names):
        if problems := dns_1035_problems(name):
            yield errors.invalid(f"spec.versions[{index}].name", name, ",".join(problems))
            if index == 0:  # the first one is the deprecated spec.version, too
                yield errors.invalid("spec.version", name, ",".join(problems))
    shown = [_shown(version) for version in versions]
    if len(set(names)) != len(names):
        yield errors.invalid("spec.versions", shown, "must contain unique version names")
    stored = [name for name, version in zip(names, versions, strict=True) if version.get("storage")]
    if len(stored) != 1:
        yield errors.invalid("spec.versions", shown, "must have exactly one version marked as storage version")
        if not stored:
            yield errors.invalid("status.storedVersions", None, "must have at least one stored version")
        else:
            detail = f"must have the storage version {stored[-1]}"
            yield errors.invalid("status.storedVersions", stored[:1], detail)


def _shown(version: dict[str, Any]) -> golang.Ordered:
    """Return a version as the real server prints it: the Go struct, with what is shared moved up to the spec."""
    return golang.Ordered(
        {
            "Name": version.get("name") or "",
            "Served": bool(version.get("served")),
            "Storage": bool(version.get("storage")),
            "Deprecated": bool(version.get("deprecated")),
            "DeprecationWarning": version.get("deprecationWarning"),
            "Schema": None,
            "Subresources": None,
            "AdditionalPrinterColumns": None,
            "SelectableFields": None,
        }
    )


def _check_version(version: dict[str, Any], paths: _Paths) -> Iterator[FieldError]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is None:
        yield errors.required(f"spec.versions[{paths._index}].schema.openAPIV3Schema")  # noqa: SLF001
    elif (where := paths.of("schema")) is not None:
        yield from check_schema(schema, f"{where}.openAPIV3Schema")
    if (where := paths.of("additionalPrinterColumns")) is not None:
        for index, column in enumerate(version.get("additionalPrinterColumns") or []):
            yield from _check_column(column, f"{where}[{index}]")
    if (where := paths.of("selectableFields")) is not None and schema is not None:
        for index, selectable in enumerate(version.get("selectableFields") or []):
            yield from _check_selectable(selectable.get("jsonPath") or "", schema, f"{where}[{index}].jsonPath")
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None and (where := paths.of("subresources")) is not None:
        for key in ("specReplicasPath", "statusReplicasPath"):
            if not scale.get(key):
                yield errors.required(f"{where}.scale.{key}")


def check_schema(schema: dict[str, Any], path: str) -> list[FieldError]:
    """Return what is wrong with the schema of one version."""
    found = list(check_structure(schema, path))
    if found:
        return found  # defaults are looked at only where the structure stands, and rules where the defaults do
    node = compile_node(schema)
    return list(check_defaults(node, path)) or list(check_rules(node, path))


def _check_selectable(json_path: str, schema: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not json_path:
        yield errors.required(path)
        return
    at = schema
    for name in json_path.removeprefix(".").split("."):
        at = (at.get("properties") or {}).get(name) or {}
    if at.get("type") not in {"boolean", "integer", "string"}:
        yield errors.invalid(path, json_path, "is an invalid path: does not refer to a valid field")


def _check_column(column: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not column.get("name"):
        yield errors.required(f"{path}.name")
    kind, form = column.get("type") or "", column.get("format") or ""
    known = f"must be one of {','.join(_COLUMN_TYPES)}"
    if not kind:
        yield errors.required(f"{path}.type", known)
    elif kind not in _COLUMN_TYPES:
        yield errors.invalid(f"{path}.type", kind, known)
    if form and form not in _COLUMN_FORMATS:
        yield errors.invalid(f"{path}.format", form, f"must be one of {','.join(_COLUMN_FORMATS)}")
    json_path = column.get("jsonPath") or ""
    if not json_path:
        yield errors.required(f"{path}.JSONPath")
    elif not json_path.startswith(".") or json_path.count("[") != json_path.count("]"):
        yield errors.invalid(f"{path}.JSONPath", json_path, "must be a simple json path starting with .")
