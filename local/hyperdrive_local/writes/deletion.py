"""What deleting an object means: marked with a time while something holds it, gone when nothing does."""

import datetime
from dataclasses import dataclass
from typing import Any

from hyperdrive_local.errors import ApiError, Cause, conflict, invalid_kind
from hyperdrive_local.kinds import Kind
from hyperdrive_local.objects import Object, clone, now
from hyperdrive_local.resources import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, PODS
from hyperdrive_local.schema.errors import invalid as invalid_field
from hyperdrive_local.schema.errors import not_supported

POLICIES = ["Foreground", "Background", "Orphan"]
FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How a deletion is to be done."""

    uid: str = ""
    resource_version: str = ""
    propagation: str = ""
    """What happens to its dependents; empty: as an earlier deletion said, else in the background."""
    grace_seconds: int | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.propagation not in {"", *POLICIES}:
            problem: Cause = not_supported("propagationPolicy", self.propagation, [*POLICIES, "nil"])
            raise invalid_kind("DeleteOptions", "meta.k8s.io", "", [problem])


def both_policies(propagation: str) -> ApiError:
    """The refusal of a request that uses the old and the new way to say what happens to dependents."""
    problem = invalid_field(
        "propagationPolicy", propagation, "orphanDependents and deletionPropagation cannot be both set"
    )
    return invalid_kind("DeleteOptions", "meta.k8s.io", "", [problem])


def check_preconditions(kind: Kind, stored: Object, options: DeleteOptions) -> None:
    """Refuse to delete another object than the one that was meant."""
    metadata = stored["metadata"]
    for what, given, record in (
        ("UID", options.uid, metadata["uid"]),
        ("ResourceVersion", options.resource_version, metadata["resourceVersion"]),
    ):
        if given and given != record:
            mismatch = f"the {what} in the precondition ({given}) does not match the {what} in record ({record})"
            raise _as_kind(kind, conflict(kind.resource, metadata["name"], f"{mismatch}. {RECREATED}"))


RECREATED = "The object might have been deleted and then recreated"


def _as_kind(kind: Kind, error: ApiError) -> ApiError:
    """The one conflict that the real server words with the kind in the resource's place."""
    resource = kind.resource
    suffix = f".{resource.group}" if resource.group else ""
    message = error.message.replace(resource.plural + suffix, resource.kind + suffix, 1)
    return ApiError(error.code, error.reason, message, {**(error.details or {}), "kind": resource.kind})


def marked(kind: Kind, stored: Object, options: DeleteOptions) -> Object:
    """The object with what a deletion writes into it: a time, a grace period, the policy's finalizer."""
    obj = clone(stored)
    metadata = obj["metadata"]
    _set_finalizers(kind, metadata, options)
    grace = _grace(kind, stored, options)
    first = "deletionTimestamp" not in metadata
    if kind.resource == NAMESPACES:
        metadata.setdefault("deletionTimestamp", now())
        obj.setdefault("status", {})["phase"] = "Terminating"
    elif first or grace < metadata.get("deletionGracePeriodSeconds", 0):
        requested = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=grace)
        metadata["deletionTimestamp"] = requested.strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["deletionGracePeriodSeconds"] = grace
    if first and "generation" in metadata:
        metadata["generation"] += 1
    return obj


def _set_finalizers(kind: Kind, metadata: dict[str, Any], options: DeleteOptions) -> None:
    present = list(metadata.get("finalizers") or [])
    wanted = present
    if options.propagation:
        wanted = [name for name in present if name not in FINALIZERS.values()]
        if policy := FINALIZERS.get(options.propagation):
            wanted.append(policy)
    if kind.resource == CUSTOM_RESOURCE_DEFINITIONS and CLEANUP not in wanted and "deletionTimestamp" not in metadata:
        wanted.append(CLEANUP)
    if wanted:
        metadata["finalizers"] = wanted
    else:
        metadata.pop("finalizers", None)


def _grace(kind: Kind, stored: Object, options: DeleteOptions) -> int:
    """How long a pod may take to end; nothing else has a grace period."""
    if kind.resource != PODS:
        return 0
    spec = stored.get("spec", {})
    over = stored.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    if not spec.get("nodeName") or over:
        return 0
    if options.grace_seconds is None:
        return int(spec.get("terminationGracePeriodSeconds", 30))
    return 1 if options.grace_seconds < 0 else options.grace_seconds


def is_held(kind: Kind, obj: Object) -> bool:
    """Whether an object that is being deleted has to stay for now."""
    metadata = obj["metadata"]
    if metadata.get("finalizers"):
        return True
    if kind.resource == NAMESPACES:
        return bool(obj.get("spec", {}).get("finalizers"))
    return bool(metadata.get("deletionGracePeriodSeconds"))
