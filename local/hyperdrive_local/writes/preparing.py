"""From a decoded object to the one that is stored: what a create and an update keep, drop, fill in and refuse."""

from typing import Any

from hyperdrive_local import events
from hyperdrive_local.errors import ApiError, conflict, invalid, modified
from hyperdrive_local.kinds import Kind
from hyperdrive_local.objects import Object, clone, new_uid, now
from hyperdrive_local.resources import CUSTOM_RESOURCE_DEFINITIONS, EVENTS, JOBS, NAMESPACES, NEW_EVENTS, NODES
from hyperdrive_local.schema import FieldError, check_builtin, check_crd
from hyperdrive_local.schema.builtin.metadata import check_metadata
from hyperdrive_local.schema.errors import invalid as invalid_field
from hyperdrive_local.schema.errors import required
from hyperdrive_local.schema.golang import quoted
from hyperdrive_local.writes import defaults
from hyperdrive_local.writes.decoding import WriteOptions

# The server's own: what a client sends of these is replaced by what is stored.
FIXED = ("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generateName", "generation", "uid")


def prepare_create(kind: Kind, obj: Object, options: WriteOptions) -> Object:
    """Make a decoded object one that can be stored as new."""
    metadata = obj["metadata"]
    if metadata.get("resourceVersion"):
        raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
    for key in FIXED:
        if key != "generateName":
            metadata.pop(key, None)
    metadata |= {"uid": new_uid(), "creationTimestamp": now()}
    if kind.has_generation:
        metadata["generation"] = 1
    if kind.custom:
        _prepare_custom(kind, obj)
    else:
        obj = _prepare_builtin(kind, obj)
    _refuse_invalid(kind, obj, None, options)
    return obj


def _prepare_custom(kind: Kind, obj: Object) -> None:
    if kind.has_status:
        obj.pop("status", None)
    if kind.schema:
        kind.schema.default(obj)


def _prepare_builtin(kind: Kind, obj: Object) -> Object:
    if kind.resource in {EVENTS, NEW_EVENTS}:
        obj = events.to_stored(obj)
    defaults.set_defaults(kind.resource.kind, obj)
    if kind.resource == JOBS and obj["metadata"].get("name"):
        defaults.label_job(obj)
    if kind.has_status or kind.resource == NODES:
        defaults.initial_status(kind.resource.kind, obj)
    return obj


def prepare_update(kind: Kind, obj: Object, stored: Object, options: WriteOptions) -> Object:
    """Make a decoded object one that can replace the stored one."""
    metadata = obj["metadata"]
    name = metadata["name"]
    version = metadata.pop("resourceVersion", "")
    if not version and kind.needs_version:
        problem = invalid_field("metadata.resourceVersion", 0, "must be specified for an update")
        raise _without_kind(invalid(kind.resource, name, [problem]), kind)
    if version and version != stored["metadata"]["resourceVersion"]:
        raise modified(kind.resource, name)
    if (uid := metadata.get("uid")) and uid != stored["metadata"]["uid"]:
        if options.patched:
            raise invalid(kind.resource, name, [invalid_field("metadata.uid", uid, "field is immutable")])
        raise conflict(kind.resource, name, _other_uid(kind, stored, uid))
    if not kind.custom:
        if kind.resource in {EVENTS, NEW_EVENTS}:
            obj = events.to_stored(obj)
        defaults.set_defaults(kind.resource.kind, obj)
    obj = _keep_rest(kind, obj, stored, options.subresource)
    _keep_fixed(kind, obj, stored)
    if kind.custom and kind.schema:
        kind.schema.default(obj)
    _refuse_invalid(kind, obj, stored, options)
    return obj


def _without_kind(error: ApiError, kind: Kind) -> ApiError:
    """The one error that the real server words with the resource's name in the kind's place."""
    resource = kind.resource
    plural = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    shown = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = {**(error.details or {}), "kind": resource.plural}
    return ApiError(error.code, error.reason, error.message.replace(shown, plural, 1), details)


def _other_uid(kind: Kind, stored: Object, uid: str) -> str:
    metadata, resource = stored["metadata"], kind.resource
    parts = ["/registry", resource.group, resource.plural, metadata.get("namespace", ""), metadata["name"]]
    key = "/".join(part for part in parts if part)
    problem = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata['uid']}"
    return f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {problem}"


def _keep_rest(kind: Kind, obj: Object, stored: Object, subresource: str) -> Object:
    """A write to a subresource changes that alone, and one to the object leaves its subresource alone."""
    if subresource == "status":
        kept = clone(stored)
        if "status" in obj:
            kept["status"] = obj["status"]
        else:
            kept.pop("status", None)
        if not kind.custom:
            _take_labels(kept["metadata"], obj["metadata"])
        return kept
    if subresource == "finalize":
        kept = clone(stored)
        kept["spec"] = obj.get("spec", {})
        return kept
    if kind.has_status:
        if "status" in stored:
            obj["status"] = clone(stored["status"])
        else:
            obj.pop("status", None)
    if kind.resource == NAMESPACES:
        obj["spec"] = clone(stored["spec"])
    return obj


def _take_labels(metadata: dict[str, Any], given: dict[str, Any]) -> None:
    """Built-in kinds let a status write change these too: the Job controller's finalizers go this way."""
    for key in ("annotations", "finalizers", "labels"):
        metadata.pop(key, None)
        if key in given:
            metadata[key] = given[key]


def _keep_fixed(kind: Kind, obj: Object, stored: Object) -> None:
    metadata, old = obj["metadata"], stored["metadata"]
    for key in FIXED:
        metadata.pop(key, None)
        if key in old:
            metadata[key] = old[key]
    metadata["resourceVersion"] = old["resourceVersion"]
    if kind.has_generation and _spec_changed(kind, obj, stored):
        metadata["generation"] = old.get("generation", 0) + 1


def _spec_changed(kind: Kind, obj: Object, stored: Object) -> bool:
    """Of a built-in kind the spec counts; of a custom one all but metadata, and the status if that is separate."""
    if not kind.custom:
        return bool(obj.get("spec") != stored.get("spec"))
    uncounted = {"metadata", "apiVersion", "kind"} | ({"status"} if kind.has_status else set())
    keys = (obj.keys() | stored.keys()) - uncounted
    return any(obj.get(key) != stored.get(key) for key in keys)


def _refuse_invalid(kind: Kind, obj: Object, stored: Object | None, options: WriteOptions) -> None:
    found = _check_custom(kind, obj, stored, options) if kind.custom else _check_builtin(kind, obj, stored)
    if found:
        # an event is an event of the core group to the real server's rules, whichever group it came by
        resource = EVENTS if kind.resource == NEW_EVENTS else kind.resource
        raise invalid(resource, obj["metadata"].get("name", ""), found)


def _check_custom(kind: Kind, obj: Object, stored: Object | None, options: WriteOptions) -> list[FieldError]:
    found = []
    for error in check_metadata(kind.resource.kind, obj, stored):
        if error.path.startswith("metadata.finalizers["):
            # of custom kinds, whose finalizers were never checked at first, these are only warned of
            name = quoted(str(error.value))
            advice = (
                "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"
            )
            options.warnings.append(f"metadata.finalizers: {name}: {advice}")
        else:
            found.append(error)
    return found + (kind.schema.validate(obj, stored) if kind.schema else [])


def _check_builtin(kind: Kind, obj: Object, stored: Object | None) -> list[FieldError]:
    if kind.resource == CUSTOM_RESOURCE_DEFINITIONS:
        return check_crd(obj)
    found = check_builtin(kind.resource.kind, obj, stored)
    if kind.resource == NEW_EVENTS and stored is None:
        found += [required(key) for key in ("action", "reason") if not obj.get(key)]
    return found
