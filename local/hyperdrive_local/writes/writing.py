"""The writes: each is decoded, prepared, checked, and then stored whole. Objects given out are the stored ones."""

from typing import Any

from hyperdrive_local.customresources import Definitions
from hyperdrive_local.errors import ApiError, already_exists, forbidden, not_found, unsupported_media_type
from hyperdrive_local.kinds import Kind
from hyperdrive_local.objects import Object, clone, generate_name
from hyperdrive_local.presentation.presenting import presented
from hyperdrive_local.resources import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, PODS
from hyperdrive_local.schema.golang import as_json, quoted
from hyperdrive_local.store import Store
from hyperdrive_local.writes.decoding import UnknownFieldsError, WriteOptions, check_identity, decode
from hyperdrive_local.writes.deletion import DeleteOptions, check_preconditions, is_held, marked
from hyperdrive_local.writes.patching import APPLY, NO_SERVER_SIDE_APPLY, apply_patch
from hyperdrive_local.writes.preparing import prepare_create, prepare_update


class Writer:
    """All writes to the store. What is passed in is its own to modify; what it returns is not to be modified."""

    def __init__(self, store: Store, definitions: Definitions) -> None:
        self.store = store
        self.definitions = definitions

    def stored(self, kind: Kind, namespace: str, name: str) -> Object:
        """The stored object; ApiError 404 if there is none."""
        obj = self.store.get(kind.resource.storage_key, (namespace, name))
        if obj is None:
            raise not_found(kind.resource, name)
        return obj

    def create(self, kind: Kind, namespace: str, body: Any, options: WriteOptions) -> Object:
        """Store a new object."""
        obj = decode(kind, body, options)
        check_identity(kind, namespace, "", obj)
        self._check_namespace(kind, namespace, obj)
        self.definitions.check_accepts(kind)
        self._generate_name(kind, namespace, obj)
        obj = prepare_create(kind, obj, options)
        self._check_served(kind, obj)
        key = (namespace, obj["metadata"]["name"])
        if self.store.get(kind.resource.storage_key, key):
            raise already_exists(kind.resource, key[1])
        if options.dry_run:
            return obj
        self.store.put(kind.resource.storage_key, key, obj)
        if kind.resource == CUSTOM_RESOURCE_DEFINITIONS:
            self.definitions.changed(obj)
        return obj

    def _check_served(self, kind: Kind, obj: Object) -> None:
        if kind.resource == CUSTOM_RESOURCE_DEFINITIONS:
            self.definitions.check(obj)

    def _check_namespace(self, kind: Kind, namespace: str, obj: Object) -> None:
        if not kind.resource.namespaced:
            return
        held = self.store.get(NAMESPACES.storage_key, ("", namespace))
        if held is None:
            raise not_found(NAMESPACES, namespace)
        if "deletionTimestamp" in held["metadata"]:
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            raise forbidden(kind.resource, obj["metadata"].get("name", ""), why, [cause])

    def _generate_name(self, kind: Kind, namespace: str, obj: Object) -> None:
        metadata = obj["metadata"]
        prefix = metadata.get("generateName")
        if metadata.get("name") or not prefix:
            return
        name = generate_name(prefix)
        while self.store.get(kind.resource.storage_key, (namespace, name)):
            name = generate_name(prefix)
        metadata["name"] = name

    def update(self, kind: Kind, namespace: str, name: str, body: Any, options: WriteOptions) -> Object:
        """Replace an object, or one of its subresources."""
        obj = decode(kind, body, options)
        check_identity(kind, namespace, name, obj)
        stored = self.stored(kind, namespace, name)
        obj = prepare_update(kind, obj, stored, options)
        self._check_served(kind, obj)
        if obj == stored or options.dry_run:
            return obj
        key = (namespace, name)
        if "deletionTimestamp" in obj["metadata"] and not is_held(kind, obj):
            return self._remove(kind, key, obj)
        self.store.put(kind.resource.storage_key, key, obj)
        if kind.resource == CUSTOM_RESOURCE_DEFINITIONS:
            self.definitions.changed(obj)
        return obj

    def patch(
        self, kind: Kind, namespace: str, name: str, patch: Any, *, content_type: str, options: WriteOptions
    ) -> Object:
        """Change an object by a patch."""
        if content_type == APPLY:
            # before the object is looked for: such a patch could have made it
            raise unsupported_media_type(NO_SERVER_SIDE_APPLY)
        stored = presented(kind, self.stored(kind, namespace, name))
        patched = apply_patch(stored, patch, content_type, custom=kind.custom)
        text = as_json(patched) if options.field_validation == "Strict" else ""
        try:
            return self.update(kind, namespace, name, patched, options)
        except UnknownFieldsError as error:
            # the real server, too, shows the whole object here and names no kind
            body = f"Invalid value: {quoted(text)}: {error.problem}"
            details = {"causes": [{"reason": "FieldValueInvalid", "message": body, "field": "patch"}]}
            raise ApiError(422, "Invalid", f' "" is invalid: patch: {body}', details) from error

    def delete(self, kind: Kind, namespace: str, name: str, options: DeleteOptions) -> tuple[Object, bool]:
        """Delete an object; returns its last state and whether it is gone, or only marked."""
        stored = self.stored(kind, namespace, name)
        check_preconditions(kind, stored, options)
        obj = marked(kind, stored, options)
        gone = not is_held(kind, obj)
        if options.dry_run or (obj == stored and not gone):
            return obj, gone
        key = (namespace, name)
        if gone:
            # only a pod is seen with a deletion time in its last event: the others go from one moment to the next
            return self._remove(kind, key, obj if kind.resource == PODS else clone(stored)), True
        self.store.put(kind.resource.storage_key, key, obj)
        if kind.resource == CUSTOM_RESOURCE_DEFINITIONS:
            self._drain(obj)
        return obj, False

    def _remove(self, kind: Kind, key: tuple[str, str], last: Object) -> Object:
        self.store.remove(kind.resource.storage_key, key, last)
        if kind.resource == CUSTOM_RESOURCE_DEFINITIONS:
            self.definitions.removed(last)
        elif kind.custom:
            self._release(kind)
        return last

    def _drain(self, definition: Object) -> None:
        """Delete every object of a kind that is being deleted."""
        terminating = self.definitions.terminating(definition)
        for kind in self.definitions.served(terminating)[:1]:
            for obj in self.store.select(kind.resource.storage_key):
                metadata = obj["metadata"]
                self.delete(kind, metadata.get("namespace", ""), metadata["name"], DeleteOptions())
        self._release_definition(terminating["metadata"]["name"])

    def _release(self, kind: Kind) -> None:
        self._release_definition(f"{kind.resource.plural}.{kind.resource.group}")

    def _release_definition(self, name: str) -> None:
        """Let a kind go that is being deleted and has no objects any more."""
        released = self.definitions.released(name)
        if released is not None and not released["metadata"].get("finalizers"):
            self.store.remove(CUSTOM_RESOURCE_DEFINITIONS.storage_key, ("", name), released)
            self.definitions.removed(released)
