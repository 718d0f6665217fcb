"""List, then watch: how every controller here learns of changes."""

import asyncio
import logging
from collections.abc import Callable

from hyperdrive_local.errors import ApiError
from hyperdrive_local.objects import Object
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import CUSTOM_RESOURCE_DEFINITIONS, EVENTS, Resource

logger = logging.getLogger(__name__)

Handler = Callable[[str, Object], None]


async def follow(registry: Registry, resource: Resource, handle: Handler) -> None:
    """Tell `handle` of every object as ADDED, then of each change, until the resource is no longer served.

    What a lagging follower has missed is made good by a new list: then it hears of objects again, and of those that
    went in between as DELETED.
    """
    known: dict[str, Object] = {}

    def tell(kind: str, obj: Object) -> None:
        if kind == "DELETED":
            known.pop(obj["metadata"]["uid"], None)
        else:
            known[obj["metadata"]["uid"]] = obj
        _guarded(handle, kind, obj)

    while True:
        try:
            objects, version = registry.list(resource)
            present = {obj["metadata"]["uid"] for obj in objects}
            for gone in [obj for uid, obj in known.items() if uid not in present]:
                tell("DELETED", gone)
            for obj in objects:
                tell("ADDED", obj)
            await _watch(registry, resource, version, tell)
        except ApiError as error:
            if error.code == 404:
                # the kind went with its objects: their last events may never have been read
                for gone in list(known.values()):
                    tell("DELETED", gone)
                return
            if error.code != 410:
                raise


def _guarded(handle: Handler, kind: str, obj: Object) -> None:
    """Call a handler so that a failure for one object doesn't end the following of all."""
    try:
        handle(kind, obj)
    except ApiError as error:
        # between two controllers of one cluster a lost race is normal: the winner's change is the next event
        logger.debug("a handler was refused", extra={"kind": obj["kind"], "error": error.message})
    except Exception:
        logger.exception("a handler failed", extra={"kind": obj["kind"]})


async def _watch(registry: Registry, resource: Resource, version: int, tell: Handler) -> None:
    async for event in registry.watch(resource, since=version):
        if event.type == "ERROR":
            return
        if event.type != "BOOKMARK":
            tell(event.type, event.object)


class EveryResource:
    """Follows all kinds that are served, those included that are defined later."""

    # nothing owns an event, and events are many
    LEFT_OUT = frozenset({EVENTS.storage_key})

    def __init__(self, registry: Registry, *handlers: Callable[[Resource, str, Object], None]) -> None:
        self._registry = registry
        self._handlers = handlers
        self._followed: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._stopping = False

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._follow_new(tasks)
            try:
                await follow(self._registry, CUSTOM_RESOURCE_DEFINITIONS, lambda _kind, _obj: self._follow_new(tasks))
            finally:
                self._stopping = True

    def _follow_new(self, tasks: asyncio.TaskGroup) -> None:
        for resource in preferred_resources(self._registry):
            key = resource.storage_key
            if key in self._followed or key in self.LEFT_OUT:
                continue

            def ended(_task: asyncio.Task[None], key: tuple[str, str] = key) -> None:
                # the version that was followed is served no more; another one may be
                del self._followed[key]
                if not self._stopping:
                    self._follow_new(tasks)

            self._followed[key] = task = tasks.create_task(self._follow(resource))
            task.add_done_callback(ended)

    async def _follow(self, resource: Resource) -> None:
        def tell(kind: str, obj: Object) -> None:
            for handler in self._handlers:
                handler(resource, kind, obj)

        await follow(self._registry, resource, tell)


def preferred_resources(registry: Registry) -> list[Resource]:
    """Every resource in one version: each object once."""
    first: dict[tuple[str, str], Resource] = {}
    for kind in registry.kinds.served.values():
        first.setdefault(kind.resource.storage_key, kind.resource)
    return list(first.values())
