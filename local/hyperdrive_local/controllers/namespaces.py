"""The namespace controller: empties a namespace that is being deleted, then lets it go."""

import contextlib

from hyperdrive_local.controllers.follow import preferred_resources
from hyperdrive_local.errors import ApiError
from hyperdrive_local.objects import Object
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import NAMESPACES, Resource


class NamespaceController:
    """Fed by `changed` with every change of any object; all it does, it does there."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._leaving: set[str] = set()

    def changed(self, resource: Resource, kind: str, obj: Object) -> None:
        """Empty a namespace once it is being deleted; look again whenever something in it has gone."""
        metadata = obj["metadata"]
        if resource == NAMESPACES:
            if kind == "DELETED":
                self._leaving.discard(metadata["name"])
            elif metadata.get("deletionTimestamp") and metadata["name"] not in self._leaving:
                self._leaving.add(metadata["name"])
                self._empty(metadata["name"])
        elif metadata.get("namespace") in self._leaving and kind in {"DELETED", "ADDED"}:
            self._empty(metadata["namespace"])

    def _empty(self, namespace: str) -> None:
        remaining = 0
        for resource in preferred_resources(self._registry):
            if not resource.namespaced:
                continue
            for obj in self._registry.list(resource, namespace)[0]:
                if not obj["metadata"].get("deletionTimestamp"):
                    with contextlib.suppress(ApiError):
                        self._registry.delete(resource, namespace, obj["metadata"]["name"])
            remaining += len(self._registry.list(resource, namespace)[0])
        if not remaining:
            body = self._registry.get(NAMESPACES, "", namespace)
            body["spec"]["finalizers"] = []
            self._registry.update(NAMESPACES, "", namespace, body, subresource="finalize")
