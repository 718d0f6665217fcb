"""Rules of metadata that hold for every kind."""

from typing import Any, Final

from hyperdrive_local.schema import golang
from hyperdrive_local.schema.builtin.names import (
    label_problems,
    label_value_problems,
    qualified_name_problems,
    subdomain_problems,
)
from hyperdrive_local.schema.errors import FieldError, forbidden, invalid, required, too_long

MAX_ANNOTATIONS_SIZE: Final = 256 * 1024
_STANDARD_FINALIZERS: Final = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_LABEL_NAMED: Final = frozenset({"Namespace"})
_OWNER_FIELDS: Final = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")


def check_metadata(kind: str, obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[FieldError]:
    """Check name, labels, annotations, owners and finalizers of an object of any kind, builtin or custom."""
    metadata = obj.get("metadata") or {}
    found = _check_name(kind, metadata)
    found += check_labels(metadata.get("labels"), "metadata.labels")
    found += check_annotations(metadata.get("annotations"), "metadata.annotations")
    found += _check_owners(metadata.get("ownerReferences") or [])
    found += _check_finalizers(metadata.get("finalizers") or [])
    if old is not None:
        found += _check_update(metadata, old.get("metadata") or {})
    return found


def _check_name(kind: str, metadata: dict[str, Any]) -> list[FieldError]:
    found: list[FieldError] = []
    problems_of = label_problems if kind in _LABEL_NAMED else subdomain_problems
    prefix = metadata.get("generateName")
    if prefix:
        # a prefix may end in a dash, since something follows it
        checked = prefix[:-1] + "a" if prefix.endswith("-") else prefix
        found += [invalid("metadata.generateName", prefix, problem) for problem in problems_of(checked)]
    name = metadata.get("name")
    if not name:
        return [*found, required("metadata.name", "name or generateName is required")]
    if kind in _LABEL_NAMED and "." in name and not subdomain_problems(name):
        return [*found, invalid("metadata.name", name, "must not contain dots")]
    return found + [invalid("metadata.name", name, problem) for problem in problems_of(name)]


def check_labels(labels: dict[str, Any] | None, path: str) -> list[FieldError]:
    """Check keys and values of labels or of a node selector."""
    found: list[FieldError] = []
    for key, value in (labels or {}).items():
        found += [invalid(path, key, problem) for problem in qualified_name_problems(key)]
        found += [invalid(path, value, problem) for problem in label_value_problems(value)]
    return found


def check_annotations(annotations: dict[str, Any] | None, path: str) -> list[FieldError]:
    """Check keys of annotations, in which case does not matter, and their size altogether."""
    found: list[FieldError] = []
    size = 0
    for key, value in (annotations or {}).items():
        found += [invalid(path, key, problem) for problem in qualified_name_problems(key.lower())]
        size += len(key.encode()) + len(value.encode())
    if size > MAX_ANNOTATIONS_SIZE:
        found.append(too_long(path, MAX_ANNOTATIONS_SIZE))
    return found


def _check_owners(owners: list[dict[str, Any]]) -> list[FieldError]:
    path = "metadata.ownerReferences"
    found: list[FieldError] = []
    controller = ""
    for owner in owners:
        found += _check_owner(owner, path)
        if owner.get("controller"):
            name = f"{owner.get('kind', '')}/{owner.get('name', '')}"
            if controller:
                detail = (
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controller} and {name}"
                )
                found.append(invalid(path, [_in_order(one) for one in owners], detail))
            controller = controller or name
    return found


def _check_owner(owner: dict[str, Any], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    version = owner.get("apiVersion") or ""
    if not version or version.count("/") > 1:
        found.append(invalid(f"{path}.apiVersion", version, "version must not be empty"))
    found += [
        invalid(f"{path}.{key}", owner.get(key) or "", "must not be empty")
        for key in ("kind", "name", "uid")
        if not owner.get(key)
    ]
    if (version, owner.get("kind")) in {("v1", "Event"), ("events.k8s.io/v1", "Event")}:
        group, _, plain = version.rpartition("/")
        detail = f"{group}/{plain}, Kind=Event is disallowed from being an owner"
        found.append(invalid(path, _in_order(owner), detail))
    return found


def _in_order(owner: dict[str, Any]) -> golang.Ordered:
    return golang.Ordered({key: owner[key] for key in _OWNER_FIELDS if key in owner})


def _check_finalizers(finalizers: list[str]) -> list[FieldError]:
    found: list[FieldError] = []
    for index, name in enumerate(finalizers):
        found += [invalid("metadata.finalizers", name, problem) for problem in qualified_name_problems(name)]
        if not qualified_name_problems(name) and "/" not in name and name not in _STANDARD_FINALIZERS:
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            found.append(invalid(f"metadata.finalizers[{index}]", name, detail))
    return found


def _check_update(metadata: dict[str, Any], old: dict[str, Any]) -> list[FieldError]:
    found: list[FieldError] = []
    if old.get("deletionTimestamp"):
        added = sorted(set(metadata.get("finalizers") or []) - set(old.get("finalizers") or []))
        if added:
            shown = "[]string{" + ", ".join(f'"{name}"' for name in added) + "}"
            detail = f"no new finalizers can be added if the object is being deleted, found new finalizers {shown}"
            found.append(forbidden("metadata.finalizers", detail))
    found += [
        invalid(f"metadata.{key}", metadata.get(key), "field is immutable")
        for key in ("name", "namespace", "uid")
        if metadata.get(key) and old.get(key) and metadata[key] != old[key]
    ]
    return found
