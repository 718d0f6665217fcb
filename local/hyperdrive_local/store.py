"""What the cluster holds: objects, one increasing resourceVersion, and the recent changes that watches are fed from.

Objects in here are never modified: a change stores another object. So they are handed out without copying, a change
is encoded once for all its watchers, and a page of a list is a slice of references.
"""

import asyncio
import bisect
import contextlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyperdrive_local.errors import expired
from hyperdrive_local.objects import Object

ResourceKey = tuple[str, str]  # group and plural
ObjectKey = tuple[str, str]  # namespace and name

# A watcher that is further behind must list again. 1,000 trials make about 15,000 changes of their pods.
HISTORY = 20_000


@dataclass(frozen=True, slots=True)
class Change:
    """One write: `current` is the new state, or the last one when deleted; `previous` the one before, if any."""

    version: int
    type: str
    current: Object
    previous: Object | None
    encoded: dict[tuple[str, ...], bytes] = field(default_factory=dict, compare=False, repr=False)


class Log:
    """The recent changes of one resource. Readers keep a position of their own and wait for more."""

    def __init__(self, version: int) -> None:
        self.changes: list[Change] = []
        self.forgotten = version  # the version up to which changes are no longer (or never were) here
        self.dropped = 0  # how many, so that a reader's position stays true
        self._grown = asyncio.Event()

    def append(self, change: Change) -> None:
        """Add a change and wake the readers."""
        self.changes.append(change)
        if len(self.changes) > 2 * HISTORY:
            self.forget(len(self.changes) - HISTORY)
        self.wake()

    def forget(self, count: int) -> None:
        """Drop the oldest changes."""
        if count:
            self.forgotten = self.changes[count - 1].version
            self.dropped += count
            del self.changes[:count]

    def wake(self) -> None:
        """Let every waiting reader look."""
        self._grown.set()
        self._grown = asyncio.Event()

    async def grown(self) -> None:
        """Wait for the next change."""
        await self._grown.wait()

    def position(self, since: int) -> int:
        """Where the changes after a version begin; ApiError 410 if some of them are no longer known."""
        if since < self.forgotten:
            raise expired(f"too old resource version: {since} ({self.forgotten})")
        return self.dropped + bisect.bisect_right(self.changes, since, key=lambda change: change.version)


class Reader:
    """One reader of a resource's changes, at its own pace."""

    def __init__(self, log: Log, since: int) -> None:
        self.log = log
        self.since = since
        self._position = log.position(since)

    def take(self) -> list[Change]:
        """The changes since the last time, none if there are none; ApiError 410 when too far behind."""
        if self._position < self.log.dropped:
            raise expired(f"too old resource version: {self.since} ({self.log.forgotten})")
        changes = self.log.changes[self._position - self.log.dropped :]
        if changes:
            self._position += len(changes)
            self.since = changes[-1].version
        return changes

    async def wait(self, seconds: float | None = None) -> None:
        """Wait for more, for the log to be woken, or for the time to be over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.log.grown()


class Store:
    """All objects. A write is final when the method returns."""

    def __init__(self) -> None:
        self.version = 0
        self._objects: defaultdict[ResourceKey, dict[ObjectKey, Object]] = defaultdict(dict)
        self._logs: dict[ResourceKey, Log] = {}
        self._born = 0  # the version at which this process's knowledge of changes begins

    def get(self, resource: ResourceKey, key: ObjectKey) -> Object | None:
        """The object itself: never modify it."""
        return self._objects[resource].get(key)

    def select(self, resource: ResourceKey, namespace: str | None = None) -> list[Object]:
        """The objects of one or of all namespaces, by namespace and name."""
        held = self._objects[resource]
        return [held[key] for key in sorted(held) if namespace is None or key[0] == namespace]

    def resources(self) -> Iterator[ResourceKey]:
        """Every resource that has objects."""
        return (key for key, held in list(self._objects.items()) if held)

    def put(self, resource: ResourceKey, key: ObjectKey, obj: Object) -> Object:
        """Store an object that nobody modifies afterwards; gives it its resourceVersion."""
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        previous = self._objects[resource].get(key)
        self._objects[resource][key] = obj
        self._record(resource, Change(self.version, "MODIFIED" if previous else "ADDED", obj, previous))
        return obj

    def remove(self, resource: ResourceKey, key: ObjectKey, last: Object) -> Object:
        """Remove an object; `last` is what its watchers see of it."""
        self.version += 1
        last["metadata"]["resourceVersion"] = str(self.version)
        previous = self._objects[resource].pop(key)
        self._record(resource, Change(self.version, "DELETED", last, previous))
        return last

    def reread(self, resource: ResourceKey, obj: Object) -> None:
        """Hold an object in another form that means the same: no change, nobody is told."""
        metadata = obj["metadata"]
        self._objects[resource][metadata.get("namespace", ""), metadata["name"]] = obj

    def _record(self, resource: ResourceKey, change: Change) -> None:
        self.log(resource).append(change)

    def log(self, resource: ResourceKey) -> Log:
        """The resource's changes."""
        return self._logs.setdefault(resource, Log(self._born))

    def forget_changes(self) -> None:
        """Drop the history, as etcd's compaction does: every watch from before must list again."""
        for log in self._logs.values():
            log.forget(len(log.changes))
            log.forgotten = max(log.forgotten, self.version)
        self._born = self.version

    def reader(self, resource: ResourceKey, since: int) -> "Reader":
        """Read the changes after a version; ApiError 410 if they are no longer all known."""
        return Reader(self.log(resource), since)

    def wake(self) -> None:
        """Let every reader look whether it is to go on."""
        for log in self._logs.values():
            log.wake()

    def dump(self, path: Path) -> None:
        """Write everything to a file: whole or not at all."""
        held: list[Any] = [[*key, list(objects.values())] for key, objects in self._objects.items() if objects]
        partial = path.with_name(path.name + ".partial")
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        partial.touch(mode=0o600)
        partial.write_text(json.dumps({"version": self.version, "resources": held}))
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Take what was dumped. Watches from before must list again: their changes are not kept."""
        content = json.loads(path.read_text())
        self.version = self._born = content["version"]
        self._logs.clear()
        self._objects.clear()
        for group, plural, objects in content["resources"]:
            for obj in objects:
                metadata = obj["metadata"]
                self._objects[group, plural][metadata.get("namespace", ""), metadata["name"]] = obj
