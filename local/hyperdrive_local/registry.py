"""THE API, in this process: what the HTTP server serves and what the controllers call. Synchronous, in memory.

All of it runs on one event loop, so a call is atomic: nothing can happen between its reads and its writes.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from hyperdrive_local.objects import Object
from hyperdrive_local.resources import Resource

FieldValidation = Literal["Strict", "Warn", "Ignore"]


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: `type` is ADDED, MODIFIED, DELETED (or ERROR, whose object is a Status). Never modify `object`."""

    type: str
    object: Object


class Registry:
    """Every object of the cluster, and the rules by which they change."""

    def resource(self, group: str, plural: str) -> Resource:
        """The resource served under that name, in its preferred version; ApiError 404 if there is none."""
        raise NotImplementedError

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """A copy of the object; namespace is empty for cluster-scoped ones."""
        raise NotImplementedError

    def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> tuple[list[Object], int]:
        """The objects (not copies: never modify them), of all namespaces if None, and the resourceVersion they had."""
        raise NotImplementedError

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
        raise NotImplementedError

    def update(  # noqa: PLR0913  what a PUT says
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
        raise NotImplementedError

    def patch(  # noqa: PLR0913  what a PATCH says
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
        raise NotImplementedError

    def delete(  # noqa: PLR0913  what a DELETE says
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        propagation: str = "Background",
        grace_seconds: int | None = None,
    ) -> Object:
        """Delete an object, or mark it as being deleted if it has finalizers or a grace period; returns its last state."""
        raise NotImplementedError

    def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        since: int,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[WatchEvent]:
        """Every change after the resourceVersion `since`, in order; ApiError 410 if that is too old."""
        raise NotImplementedError
