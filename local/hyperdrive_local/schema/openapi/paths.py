"""The paths of a kind: enough for kubectl to find the kind behind a URL and the query parameters it takes."""

from collections.abc import Callable
from typing import Any, Final

from hyperdrive_local.schema.builtin.models import GVK
from hyperdrive_local.schema.openapi.kinds import ServedKind

PATCH_TYPES: Final = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
)
STRATEGIC: Final = "application/strategic-merge-patch+json"
_WRITE_PARAMETERS: Final = {
    "dryRun": "When present, indicates that modifications should not be persisted.",
    "fieldManager": "The name of the actor that is making these changes.",
    "fieldValidation": "What becomes of unknown and duplicate fields: Ignore, Warn or Strict.",
}
_VERBS: Final = {"get": "read", "put": "replace", "patch": "patch", "delete": "delete", "post": "create"}

# Builds one operation: the kind, the HTTP method, its query parameters, the action and a unique id.
MakeOperation = Callable[[ServedKind, str, dict[str, str], str, str], dict[str, Any]]
MakeParameter = Callable[[str], dict[str, Any]]


def paths_of(kind: ServedKind, operation: MakeOperation, parameter: MakeParameter) -> dict[str, Any]:
    """Return the path items of a kind."""
    root = f"/{kind.group_version_path}"
    scope = f"{root}/namespaces/{{namespace}}" if kind.namespaced else root
    within = [parameter("namespace")] if kind.namespaced else []
    collection, item = f"{scope}/{kind.plural}", f"{scope}/{kind.plural}/{{name}}"
    paths: dict[str, Any] = {}
    if kind.namespaced:
        paths[f"{root}/{kind.plural}"] = {"get": operation(kind, "get", {}, "list", _identity(kind, "listAll"))}
    paths[collection] = {
        "get": operation(kind, "get", {}, "list", _identity(kind, "list")),
        "post": operation(kind, "post", _WRITE_PARAMETERS, "post", _identity(kind, "create")),
        "delete": operation(kind, "delete", {}, "deletecollection", _identity(kind, "deleteCollection")),
        "parameters": within,
    }
    paths[item] = {**_item(kind, operation, ""), "parameters": [parameter("name"), *within]}
    if kind.has_status:
        paths[f"{item}/status"] = {**_item(kind, operation, "Status"), "parameters": [parameter("name"), *within]}
    return {path: {key: value for key, value in entry.items() if value} for path, entry in paths.items()}


def _item(kind: ServedKind, operation: MakeOperation, suffix: str) -> dict[str, Any]:
    methods = ("get", "put", "patch") if suffix else ("get", "put", "patch", "delete")
    return {
        method: operation(
            kind,
            method,
            {**_WRITE_PARAMETERS, **({"force": "Take fields over."} if method == "patch" else {})}
            if method in {"put", "patch"}
            else {},
            method,
            _identity(kind, _VERBS[method], suffix),
        )
        for method in methods
    }


def _identity(kind: ServedKind, verb: str, suffix: str = "") -> str:
    group = "".join(part.capitalize() for part in (kind.group or "core").split("."))
    scope = "Namespaced" if kind.namespaced else ""
    return f"{verb}{group}{kind.version.capitalize()}{scope}{kind.kind}{suffix}"


def common(kind: ServedKind, action: str, identity: str) -> dict[str, Any]:
    """Return what an operation says in every version of OpenAPI."""
    tag = f"{(kind.group or 'core').removesuffix('.k8s.io')}_{kind.version}"
    verb = {"post": "create", "put": "replace", "get": "read"}.get(action, action)
    return {
        "tags": [tag],
        "description": f"{verb} the specified {kind.kind}",
        "operationId": identity,
        "x-kubernetes-action": action,
        GVK: kind.gvk,
    }


def patch_types(kind: ServedKind) -> list[str]:
    """Return the media types of patches that the kind takes: a strategic merge needs Go types."""
    return list(PATCH_TYPES) if kind.crd_schema is not None else [*PATCH_TYPES, STRATEGIC]
