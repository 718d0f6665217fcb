"""From a request's path to what it is about."""

from dataclasses import dataclass

from hyperdrive_local.errors import no_such_resource
from hyperdrive_local.kinds import Kind, Kinds


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: all objects, those of a namespace, one, or a part of one."""

    kind: Kind
    namespace: str | None  # None: of all namespaces
    name: str = ""
    subresource: str = ""

    @property
    def key_namespace(self) -> str:
        """The namespace as it identifies an object: empty for what has none."""
        return self.namespace or ""


def find_target(kinds: Kinds, path: str) -> Target:
    """What `/api/...` or `/apis/...` names; ApiError 404 if nothing is served there."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        return _target(kinds, "", parts[1], parts[2:])
    if parts[0] == "apis" and len(parts) > 3:
        return _target(kinds, parts[1], parts[2], parts[3:])
    raise no_such_resource()


def _target(kinds: Kinds, group: str, version: str, rest: list[str]) -> Target:
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2 and not (group == "" and rest[2] in {"status", "finalize"}):
        namespace, rest = rest[1], rest[2:]
    kind = kinds.get(group, version, rest[0])
    if len(rest) > 3 or (namespace is not None and not kind.resource.namespaced):
        raise no_such_resource()
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if subresource and subresource not in kind.resource.subresources:
        raise no_such_resource()
    if name and kind.resource.namespaced and namespace is None:
        raise no_such_resource()
    return Target(kind, namespace, name, subresource)
