"""What is known of each served kind: its resource, its schema, and how the real server treats it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hyperdrive_local import resources as builtin
from hyperdrive_local.errors import no_such_resource
from hyperdrive_local.resources import Resource
from hyperdrive_local.schema import StructuralSchema, builtin_schema

# Their updates must say which version they change; the other built-in kinds take "whatever is there".
NEEDS_VERSION = (builtin.LEASES, builtin.CUSTOM_RESOURCE_DEFINITIONS)
# These count the changes of their spec.
HAS_GENERATION = (builtin.JOBS, builtin.PODS, builtin.DEPLOYMENTS, builtin.CUSTOM_RESOURCE_DEFINITIONS)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One served kind in one version."""

    resource: Resource
    schema: StructuralSchema | None
    custom: bool
    columns: tuple[dict[str, Any], ...] = ()

    @property
    def has_status(self) -> bool:
        """Whether the status is written through its own subresource only."""
        return "status" in self.resource.subresources

    @property
    def has_generation(self) -> bool:
        """Whether changes of the spec are counted."""
        return self.custom or self.resource in HAS_GENERATION

    @property
    def needs_version(self) -> bool:
        """Whether an update without a resourceVersion is refused."""
        return self.custom or self.resource in NEEDS_VERSION


def builtin_kind(resource: Resource) -> Kind:
    """A kind that every cluster has."""
    return Kind(resource, builtin_schema(resource.group, resource.version, resource.kind), custom=False)


@dataclass(slots=True)
class Kinds:
    """Every served kind. Of several versions of a group's resource, the first is the preferred one."""

    served: dict[tuple[str, str, str], Kind] = field(
        default_factory=lambda: {(r.group, r.version, r.plural): builtin_kind(r) for r in builtin.BUILTIN}
    )

    def get(self, group: str, version: str, plural: str) -> Kind:
        """The kind served under that name and version; ApiError 404 if there is none."""
        if kind := self.served.get((group, version, plural)):
            return kind
        raise no_such_resource()

    def preferred(self, group: str, plural: str) -> Kind:
        """The kind served under that name in its preferred version; ApiError 404 if there is none."""
        for key, kind in self.served.items():
            if (key[0], key[2]) == (group, plural):
                return kind
        raise no_such_resource()

    def of(self, resource: Resource) -> Kind:
        """What is known of a resource; ApiError 404 if it is no longer served."""
        return self.get(resource.group, resource.version, resource.plural)

    def is_gone(self, resource: Resource) -> Callable[[], bool]:
        """A test of whether a resource is no longer served."""
        key = (resource.group, resource.version, resource.plural)
        return lambda: key not in self.served

    def replace(self, group: str, plural: str, kinds: Iterable[Kind]) -> None:
        """Serve these versions of a custom resource, and no others."""
        self.served = {key: kind for key, kind in self.served.items() if (key[0], key[2]) != (group, plural)}
        self.served |= {(group, kind.resource.version, plural): kind for kind in kinds}
