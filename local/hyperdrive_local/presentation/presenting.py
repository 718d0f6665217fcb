"""A stored object as a kind's readers see it, and which of the changes they see."""

from hyperdrive_local import events
from hyperdrive_local.kinds import Kind
from hyperdrive_local.objects import Object
from hyperdrive_local.resources import NEW_EVENTS
from hyperdrive_local.selectors import Test
from hyperdrive_local.store import Change


def presented(kind: Kind, obj: Object) -> Object:
    """The object in the version that was asked for: itself where that is the stored one. Never modify it."""
    if obj.get("apiVersion") == kind.resource.api_version:
        return obj
    if kind.resource == NEW_EVENTS:
        return events.to_new(obj)
    return {**obj, "apiVersion": kind.resource.api_version}


def seen(change: Change, test: Test, namespace: str | None) -> tuple[str, Object] | None:
    """What a watcher who selects with `test` sees of a change: one who loses sight of an object sees it deleted."""
    if namespace is not None and change.current["metadata"].get("namespace", "") != namespace:
        return None
    before = change.previous is not None and test(change.previous)
    after = change.type != "DELETED" and test(change.current)
    if after:
        return ("MODIFIED" if before else "ADDED"), change.current
    if not before or change.previous is None:
        return None
    if change.type == "DELETED":
        return "DELETED", change.current
    version = change.current["metadata"]["resourceVersion"]
    return "DELETED", {**change.previous, "metadata": {**change.previous["metadata"], "resourceVersion": version}}
