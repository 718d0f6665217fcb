"""Every served kind, builtin or custom, in the one form that the documents are made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from hyperdrive_local.resources import BUILTIN
from hyperdrive_local.schema.builtin.models import GVK, REF, definition_name, definitions_of

OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_API_VERSION: Final = {
    "description": "APIVersion defines the versioned schema of this representation of an object.",
    "type": "string",
}
_KIND: Final = {
    "description": "Kind is a string value representing the REST resource this object represents. In CamelCase.",
    "type": "string",
}


@dataclass(frozen=True, slots=True)
class ServedKind:
    """One kind in one version."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    has_status: bool
    definition: str  # the name of its definition
    crd_schema: dict[str, Any] | None = None  # of a custom kind

    @property
    def gvk(self) -> dict[str, str]:
        """Group, version and kind, in the form of the extension."""
        return {"group": self.group, "kind": self.kind, "version": self.version}

    @property
    def group_version_path(self) -> str:
        """The path under which the kind's group and version are served."""
        return f"apis/{self.group}/{self.version}" if self.group else f"api/{self.version}"

    def definitions(self) -> dict[str, dict[str, Any]]:
        """Return the definitions of the kind and of all that it refers to, by name; references are bare names."""
        if self.crd_schema is None:
            return dict(definitions_of(self.group, self.version, self.kind))
        found = {name: body for name, body in definitions_of("", "v1", "ConfigMap").items() if "ConfigMap" not in name}
        schema = dict(self.crd_schema)
        schema["properties"] = {
            **(schema.get("properties") or {}),
            "apiVersion": _API_VERSION,
            "kind": _KIND,
            "metadata": {"description": "Standard object's metadata.", "allOf": [{REF: OBJECT_META}]},
        }
        found[self.definition] = {**schema, GVK: [self.gvk]}
        return found


def served_kinds(crds: list[dict[str, Any]]) -> list[ServedKind]:
    """Return all builtin kinds and every served version of each CRD."""
    return [*_builtin(), *(kind for crd in crds for kind in _custom(crd))]


def _builtin() -> Iterator[ServedKind]:
    for resource in BUILTIN:
        name = definition_name(resource.group, resource.version, resource.kind)
        if name is not None:
            yield ServedKind(
                resource.group,
                resource.version,
                resource.kind,
                resource.plural,
                resource.namespaced,
                "status" in resource.subresources,
                name,
            )


def _custom(crd: dict[str, Any]) -> Iterator[ServedKind]:
    spec = crd["spec"]
    for version in spec.get("versions") or []:
        if not version.get("served"):
            continue
        prefix = ".".join(reversed(spec["group"].split(".")))
        kind = spec["names"]["kind"]
        yield ServedKind(
            spec["group"],
            version["name"],
            kind,
            spec["names"]["plural"],
            spec.get("scope") == "Namespaced",
            "status" in (version.get("subresources") or {}),
            f"{prefix}.{version['name']}.{kind}",
            (version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"},
        )
