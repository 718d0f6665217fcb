"""The garbage collector: what nobody owns any more goes, in cascade and whatever its kind.

After the real one: an object goes when all its owners are gone (found by uid, never by name alone); references to lost
owners are taken off an object that has others left. An owner deleted in the foreground waits, by its finalizer
`foregroundDeletion`, for the dependents that say `blockOwnerDeletion`; one deleted with `orphan` lets them go free.
"""

import asyncio
import logging
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any, Literal

from hyperdrive_local.errors import ApiError
from hyperdrive_local.objects import Object
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import Resource

logger = logging.getLogger(__name__)

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
REMEMBERED = 10_000  # uids of the dead; only needed while their kind itself is not served
MERGE_PATCH = "application/merge-patch+json"

Ownership = Literal["solid", "dangling", "waiting"]


@dataclass(frozen=True, slots=True)
class _Node:
    """Where an object is, and whose it is: owner uid to whether it keeps that owner from going."""

    resource: Resource
    namespace: str
    name: str
    owners: dict[str, bool]


class GarbageCollector:
    """Gives every object its due. Fed by `changed`; the deleting happens in `run`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._nodes: dict[str, _Node] = {}
        self._dependents: defaultdict[str, set[str]] = defaultdict(set)
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._due: OrderedDict[str, None] = OrderedDict()
        self._wake = asyncio.Event()

    def changed(self, resource: Resource, kind: str, obj: Object) -> None:
        """Take note of a change of any object."""
        metadata = obj["metadata"]
        uid = metadata["uid"]
        before = self._nodes.pop(uid, None)
        for owner in before.owners if before else ():
            self._dependents[owner].discard(uid)
            if not self._dependents[owner]:
                del self._dependents[owner]
        if kind == "DELETED":
            self._gone[uid] = None
            if len(self._gone) > REMEMBERED:
                self._gone.popitem(last=False)
            # those who were its, and those who waited for it
            self._enqueue(*self._dependents.get(uid, ()), *(before.owners if before else ()))
            return
        owners = {o["uid"]: bool(o.get("blockOwnerDeletion")) for o in metadata.get("ownerReferences", ())}
        node = _Node(resource, metadata.get("namespace", ""), metadata["name"], owners)
        self._nodes[uid] = node
        for owner in owners:
            self._dependents[owner].add(uid)
        if before is None or before.owners != owners:
            self._enqueue(*([uid] if owners else []), *(before.owners if before else ()))
        if metadata.get("deletionTimestamp"):
            self._enqueue(uid)

    def _enqueue(self, *uids: str) -> None:
        for uid in uids:
            self._due[uid] = None
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            # changes of other kinds that were made before this one are told now
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            while self._due:
                uid, _ = self._due.popitem(last=False)
                try:
                    self._attend(uid)
                except ApiError as error:
                    # a lost race; the change that won it is an event of its own
                    logger.debug("garbage was not collected", extra={"uid": uid, "error": error.message})
                except Exception:
                    logger.exception("garbage could not be collected", extra={"uid": uid})

    def _attend(self, uid: str) -> None:
        node = self._nodes.get(uid)
        if node is None:
            return
        obj = self._registry.get(node.resource, node.namespace, node.name)
        if obj["metadata"]["uid"] != uid:
            return
        if obj["metadata"].get("deletionTimestamp"):
            self._see_off(node, obj)
        elif node.owners:
            self._judge(node, obj)

    def _see_off(self, node: _Node, obj: Object) -> None:
        """Do for an object that is being deleted what its finalizers ask of us."""
        uid, finalizers = obj["metadata"]["uid"], obj["metadata"].get("finalizers", ())
        dependents = list(self._dependents.get(uid, ()))
        if ORPHAN in finalizers:
            for dependent in dependents:
                self._disown(dependent, {uid})
            self._drop_finalizer(node, obj, ORPHAN)
        elif FOREGROUND in finalizers:
            if not any(self._nodes[dependent].owners[uid] for dependent in dependents):
                self._drop_finalizer(node, obj, FOREGROUND)
            # the others are judged too: the real one doesn't wait for them, and deletes them
            self._enqueue(*(dependent for dependent in dependents if not self._is_deleting(dependent)))

    def _is_deleting(self, uid: str) -> bool:
        node = self._nodes[uid]
        obj = self._registry.get(node.resource, node.namespace, node.name)
        return bool(obj["metadata"].get("deletionTimestamp"))

    def _drop_finalizer(self, node: _Node, obj: Object, name: str) -> None:
        kept = [finalizer for finalizer in obj["metadata"]["finalizers"] if finalizer != name]
        self._patch_metadata(node, {"finalizers": kept or None})

    def _judge(self, node: _Node, obj: Object) -> None:
        """Delete an object that no owner keeps."""
        metadata = obj["metadata"]
        fates = {owner["uid"]: self._ownership(node, owner) for owner in metadata.get("ownerReferences", ())}
        lost = {uid for uid, fate in fates.items() if fate != "solid"}
        if not lost:
            return
        if len(lost) < len(fates):
            self._disown(metadata["uid"], lost)
            return
        # an owner that waits wants to see the whole of its tree gone
        waited_for = "waiting" in fates.values() and self._dependents.get(metadata["uid"])
        policy = "Foreground" if waited_for or FOREGROUND in metadata.get("finalizers", ()) else "Background"
        if ORPHAN in metadata.get("finalizers", ()):
            policy = "Orphan"
        self._registry.delete(node.resource, node.namespace, node.name, uid=metadata["uid"], propagation=policy)

    def _ownership(self, node: _Node, reference: dict[str, Any]) -> Ownership:
        """What a reference is worth: is the owner there, gone, or waiting for its dependents to go?"""
        if reference["uid"] in self._gone:
            return "dangling"
        resource = self._resource_of(reference)
        if resource is None or (resource.namespaced and not node.resource.namespaced):
            return "solid"  # can't be looked up: nothing is deleted on a guess
        try:
            owner = self._registry.get(resource, node.namespace if resource.namespaced else "", reference["name"])
        except ApiError as error:
            if error.code != 404:
                raise
            return "dangling"
        metadata = owner["metadata"]
        if metadata["uid"] != reference["uid"]:
            return "dangling"
        waiting = metadata.get("deletionTimestamp") and FOREGROUND in metadata.get("finalizers", ())
        return "waiting" if waiting else "solid"

    def _resource_of(self, reference: dict[str, Any]) -> Resource | None:
        group = reference["apiVersion"].rpartition("/")[0]
        for kind in self._registry.kinds.served.values():
            if (kind.resource.group, kind.resource.kind) == (group, reference["kind"]):
                return kind.resource
        return None

    def _disown(self, uid: str, owners: set[str]) -> None:
        """Take owners off an object."""
        node = self._nodes[uid]
        obj = self._registry.get(node.resource, node.namespace, node.name)
        kept = [owner for owner in obj["metadata"].get("ownerReferences", ()) if owner["uid"] not in owners]
        self._patch_metadata(node, {"ownerReferences": kept or None})

    def _patch_metadata(self, node: _Node, metadata: dict[str, Any]) -> None:
        patch = {"metadata": metadata}
        self._registry.patch(node.resource, node.namespace, node.name, patch, content_type=MERGE_PATCH)
