"""The OpenAPI documents, with what kubectl needs beside the types: how it is to merge the lists of built-in kinds."""

from typing import Any

from hyperdrive_local.customresources import Definitions
from hyperdrive_local.errors import no_such_resource
from hyperdrive_local.objects import Object, clone
from hyperdrive_local.resources import BUILTIN
from hyperdrive_local.schema import openapi_v2, openapi_v3_group, openapi_v3_index
from hyperdrive_local.writes.patching import MERGE_KEYS, SETS

BUILTIN_GROUPS = {resource.group for resource in BUILTIN}


class Documents:
    """The documents of what is served now; each is made once, until something else is served."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._generation = -1
        self._made: dict[str, Object] = {}

    def get(self, path: str) -> Object:
        """The document at a path below `/openapi/`; ApiError 404 if there is none."""
        if self._generation != self._definitions.generation:
            self._generation = self._definitions.generation
            self._made.clear()
        if path not in self._made:
            self._made[path] = self._make(path)
        return self._made[path]

    def _make(self, path: str) -> Object:
        definitions = self._definitions.all()
        if path == "v2":
            return with_merge_keys(openapi_v2(definitions))
        if path == "v3":
            return openapi_v3_index(definitions)
        parts = path.split("/")
        if len(parts) not in {3, 4} or parts[:2] not in (["v3", "api"], ["v3", "apis"]):
            raise no_such_resource()
        group, version = ("", parts[2]) if len(parts) == 3 else (parts[2], parts[3])
        document = openapi_v3_group(group, version, definitions)
        if not document.get("paths"):
            raise no_such_resource()
        return with_merge_keys(document) if group in BUILTIN_GROUPS else document


def with_merge_keys(document: Object) -> Object:
    """The document with the merge key of each list of a built-in kind: what `kubectl apply` computes its patch by."""
    document = clone(document)
    schemas = document.get("definitions") or document.get("components", {}).get("schemas", {})
    for name, schema in schemas.items():
        if name.startswith("io.k8s."):
            for field, described in schema.get("properties", {}).items():
                _annotate(field, described)
    return document


def _annotate(field: str, described: dict[str, Any]) -> None:
    if described.get("type") != "array":
        return
    if field in SETS:
        described["x-kubernetes-patch-strategy"] = "merge"
    elif keys := MERGE_KEYS.get(field):
        described["x-kubernetes-patch-strategy"] = "merge"
        described["x-kubernetes-patch-merge-key"] = keys[0]
