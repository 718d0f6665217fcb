"""THE API, in this process: what the HTTP server serves and what the controllers call. Synchronous, in memory.

All of it runs on one event loop, so a call is atomic: nothing can happen between its reads and its writes.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperdrive_local.customresources import Definitions
from hyperdrive_local.kinds import Kinds
from hyperdrive_local.objects import Object, clone
from hyperdrive_local.presentation.presenting import presented, seen
from hyperdrive_local.resources import NAMESPACES, Resource
from hyperdrive_local.selectors import parse
from hyperdrive_local.store import Store
from hyperdrive_local.writes.decoding import FieldValidation, WriteOptions
from hyperdrive_local.writes.deletion import DeleteOptions
from hyperdrive_local.writes.writing import Writer

FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: `type` is ADDED, MODIFIED or DELETED. Never modify `object`."""

    type: str
    object: Object


class Registry:
    """Every object of the cluster, and the rules by which they change."""

    def __init__(self, saved: Path | None = None) -> None:
        """Start with what `dump` saved there, or as an empty cluster."""
        self.store = Store()
        if saved is not None:
            self.store.load(saved)
        self.kinds = Kinds()
        self.definitions = Definitions(self.store, self.kinds)
        self.writer = Writer(self.store, self.definitions)
        for name in FIRST_NAMESPACES:
            if self.store.get(NAMESPACES.storage_key, ("", name)) is None:
                self.create(NAMESPACES, "", {"metadata": {"name": name}})

    def dump(self, path: Path) -> None:
        """Save everything, for another Registry to start with."""
        self.store.dump(path)

    def resource(self, group: str, plural: str) -> Resource:
        """The resource served under that name, in its preferred version; ApiError 404 if there is none."""
        return self.kinds.preferred(group, plural).resource

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """A copy of the object; namespace is empty for cluster-scoped ones."""
        kind = self.kinds.of(resource)
        return clone(presented(kind, self.writer.stored(kind, namespace, name)))

    def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> tuple[list[Object], int]:
        """The objects (not copies: never modify them), of all namespaces if None, and the resourceVersion they had."""
        kind = self.kinds.of(resource)
        test = parse(resource, label_selector, field_selector)
        held = self.store.select(resource.storage_key, namespace)
        return [presented(kind, obj) for obj in held if test(obj)], self.store.version

    def create(
        self,
        resource: Resource,
        namespace: str,
        body: Object,
        *,
        dry_run: bool = False,
        field_validation: FieldValidation = "Strict",
    ) -> Object:
        """Store a new object; returns it as stored."""
        kind = self.kinds.of(resource)
        options = WriteOptions(dry_run=dry_run, field_validation=field_validation)
        return clone(presented(kind, self.writer.create(kind, namespace, clone(body), options)))

    def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Object,
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Replace an object, or its status; 409 if `body` has another resourceVersion than the stored one."""
        kind = self.kinds.of(resource)
        options = WriteOptions(subresource=subresource, dry_run=dry_run)
        return clone(presented(kind, self.writer.update(kind, namespace, name, clone(body), options)))

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Any,
        *,
        content_type: str,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Change an object by a patch: `content_type` is that of the HTTP request."""
        kind = self.kinds.of(resource)
        options = WriteOptions(subresource=subresource, dry_run=dry_run, patched=True)
        return clone(
            presented(kind, self.writer.patch(kind, namespace, name, patch, content_type=content_type, options=options))
        )

    def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        propagation: str = "Background",
        grace_seconds: int | None = None,
    ) -> Object:
        """Delete an object, or mark it as being deleted if something holds it; returns its last state."""
        kind = self.kinds.of(resource)
        options = DeleteOptions(uid=uid, propagation=propagation, grace_seconds=grace_seconds)
        return clone(presented(kind, self.writer.delete(kind, namespace, name, options)[0]))

    def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        since: int,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[WatchEvent]:
        """Every change after the resourceVersion `since`, in order.

        ApiError 410 if that is too old: now, or later when the reader has fallen too far behind. Ends by itself when
        the resource is no longer served.
        """
        kind = self.kinds.of(resource)
        test = parse(resource, label_selector, field_selector)
        reader = self.store.reader(resource.storage_key, since)
        is_gone = self.kinds.is_gone(resource)

        async def events() -> AsyncIterator[WatchEvent]:
            while (changes := reader.take()) or not is_gone():
                for change in changes:
                    if sight := seen(change, test, namespace):
                        yield WatchEvent(sight[0], presented(kind, sight[1]))
                if not changes:
                    await reader.wait()

        return events()
