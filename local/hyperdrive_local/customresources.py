"""Custom resources: a CustomResourceDefinition becomes served kinds, as long as it is there."""

import re
from typing import Any

from hyperdrive_local.errors import ApiError, invalid
from hyperdrive_local.kinds import Kind, Kinds
from hyperdrive_local.objects import Object, clone, set_condition
from hyperdrive_local.resources import CUSTOM_RESOURCE_DEFINITIONS, Resource
from hyperdrive_local.schema import StructuralSchema
from hyperdrive_local.schema.errors import invalid as invalid_field
from hyperdrive_local.store import Store
from hyperdrive_local.writes.deletion import CLEANUP

VERSION = re.compile(r"v([0-9]+)(?:(alpha|beta)([0-9]+))?")
STABILITY = {"alpha": 0, "beta": 1, None: 2}
AGE_COLUMN = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


def version_rank(version: str) -> tuple[int, int, int]:
    """Newest and most stable last: v1alpha1 < v1beta2 < v1 < v2; what is not such a name comes before all."""
    match = VERSION.fullmatch(version)
    if not match:
        return (-1, 0, 0)
    return STABILITY[match[2]], int(match[1]), int(match[3] or 0)


def kinds_of(definition: Object) -> list[Kind]:
    """The kinds that a definition serves, the preferred version first."""
    spec = definition["spec"]
    served = [version for version in spec.get("versions", []) if version.get("served")]
    served.sort(key=lambda version: version_rank(version["name"]), reverse=True)
    return [_kind(spec, version) for version in served]


def _kind(spec: dict[str, Any], version: dict[str, Any]) -> Kind:
    names = spec["names"]
    resource = Resource(
        spec["group"],
        version["name"],
        names["plural"],
        names["singular"],
        names["kind"],
        short_names=tuple(names.get("shortNames", ())),
        namespaced=spec["scope"] == "Namespaced",
        categories=tuple(names.get("categories", ())),
        subresources=("status",) if "status" in version.get("subresources", {}) else (),
    )
    schema = StructuralSchema(version["schema"]["openAPIV3Schema"])
    columns = tuple(version.get("additionalPrinterColumns") or (AGE_COLUMN,))
    return Kind(resource, schema, custom=True, columns=columns)


class Definitions:
    """Keeps the served kinds in step with the CustomResourceDefinitions in the store."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self.store = store
        self.kinds = kinds
        self.generation = 0  # counts the changes of what is served, for what is made from all of it
        for definition in self.all():
            self._serve(definition)

    def all(self) -> list[Object]:
        """Every definition."""
        return self.store.select(CUSTOM_RESOURCE_DEFINITIONS.storage_key)

    def served(self, definition: Object) -> list[Kind]:
        """The kinds that are served for a definition."""
        spec = definition["spec"]
        key = (spec["group"], spec["names"]["plural"])
        return [kind for (group, _, plural), kind in self.kinds.served.items() if (group, plural) == key]

    @staticmethod
    def check(definition: Object) -> None:
        """Refuse a definition that nothing can be served by, whatever the rules have missed."""
        try:
            kinds_of(definition)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            name = definition["metadata"]["name"]
            problem = invalid_field("spec", "", f"nothing can be served by this definition: {error!r}")
            raise invalid(CUSTOM_RESOURCE_DEFINITIONS, name, [problem]) from error

    def changed(self, definition: Object) -> None:
        """Serve what a definition says now, and say in its status that it is."""
        if "deletionTimestamp" in definition["metadata"]:
            return
        self._serve(definition)
        established = self._established(definition)
        if established != definition:
            self._put(established)

    def _serve(self, definition: Object) -> None:
        spec = definition["spec"]
        served = kinds_of(definition)
        self.kinds.replace(spec["group"], spec["names"]["plural"], served)
        self.generation += 1
        for kind in served[:1]:
            self._read_again(kind)

    def _read_again(self, kind: Kind) -> None:
        """Objects of before are read by the schema of now: its defaults are there, what it does not know is not."""
        if kind.schema is None:
            return
        for obj in self.store.select(kind.resource.storage_key):
            fresh = clone(obj)
            kind.schema.prune(fresh)
            kind.schema.default(fresh)
            if fresh != obj:
                self.store.reread(kind.resource.storage_key, fresh)

    @staticmethod
    def _established(definition: Object) -> Object:
        definition = clone(definition)
        spec, status = definition["spec"], definition.setdefault("status", {})
        status["acceptedNames"] = clone(spec["names"])
        storage = [version["name"] for version in spec["versions"] if version.get("storage")]
        status["storedVersions"] = list(dict.fromkeys([*status.get("storedVersions", []), *storage]))
        for kind, reason, message in (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ):
            set_condition(definition, {"type": kind, "status": "True", "reason": reason, "message": message})
        return definition

    def _put(self, definition: Object) -> Object:
        key = ("", definition["metadata"]["name"])
        return self.store.put(CUSTOM_RESOURCE_DEFINITIONS.storage_key, key, definition)

    def terminating(self, definition: Object) -> Object:
        """Say in its status that a definition waits for its objects to go; returns it as stored."""
        definition = clone(definition)
        message = "CustomResource deletion is in progress"
        condition = {"type": "Terminating", "status": "True", "reason": "InstanceDeletionInProgress"}
        set_condition(definition, condition | {"message": message})
        return self._put(definition)

    def released(self, name: str) -> Object | None:
        """A definition that is being deleted, freed of our finalizer if none of its objects is left; else None."""
        definition = self.store.get(CUSTOM_RESOURCE_DEFINITIONS.storage_key, ("", name))
        if definition is None or "deletionTimestamp" not in definition["metadata"]:
            return None
        spec = definition["spec"]
        if self.store.select((spec["group"], spec["names"]["plural"])):
            return None
        definition = clone(definition)
        finalizers = [item for item in definition["metadata"].get("finalizers", []) if item != CLEANUP]
        definition["metadata"]["finalizers"] = finalizers
        return self._put(definition) if finalizers else definition

    def removed(self, definition: Object) -> None:
        """Serve no more what a definition said, and end the watches of it."""
        spec = definition["spec"]
        key = (spec["group"], spec["names"]["plural"])
        self.kinds.replace(*key, [])
        self.generation += 1
        self.store.log(key).wake()

    def check_accepts(self, kind: Kind) -> None:
        """Refuse new objects of a kind that is being deleted."""
        if not kind.custom:
            return
        name = f"{kind.resource.plural}.{kind.resource.group}"
        definition = self.store.get(CUSTOM_RESOURCE_DEFINITIONS.storage_key, ("", name))
        if definition and "deletionTimestamp" in definition["metadata"]:
            message = "create not allowed while custom resource definition is terminating"
            raise ApiError(405, "MethodNotAllowed", message, {})
