"""Lists, whole or in pages of one and the same moment, and single objects."""

import base64
import binascii
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from hyperdrive_local.errors import ApiError, bad_request, expired
from hyperdrive_local.kinds import Kind
from hyperdrive_local.objects import Object
from hyperdrive_local.presentation.presenting import presented
from hyperdrive_local.presentation.tables import table
from hyperdrive_local.registry import Registry
from hyperdrive_local.selectors import parse
from hyperdrive_local.server.options import ListOptions
from hyperdrive_local.server.routing import Target

# Lists that are being read in pages: references, so that each costs a few bytes an object.
MAX_SNAPSHOTS = 200
TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the objects that there were at a version, and how to get the rest."""

    objects: list[Object]
    version: int
    token: str = ""
    remaining: int | None = None


class Lists:
    """The lists of a registry, and those that are being read in pages."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._snapshots: OrderedDict[str, tuple[list[Object], int]] = OrderedDict()
        self._count = 0

    def page(self, target: Target, options: ListOptions) -> Page:
        """The objects that are asked for, as they are stored."""
        store = self.registry.store
        if options.version and int(options.version) > store.version and not options.token:
            raise _from_the_future(options.version, store.version)
        if options.token:
            return self._next(options)
        test = parse(target.kind.resource, options.label_selector, options.field_selector)
        held = store.select(target.kind.resource.storage_key, target.namespace)
        objects = [obj for obj in held if test(obj)]
        if 0 < options.limit < len(objects):
            self._count += 1
            name = str(self._count)
            self._snapshots[name] = (objects, store.version)
            if len(self._snapshots) > MAX_SNAPSHOTS:
                self._snapshots.popitem(last=False)
            return self._cut(name, 0, options)
        return Page(objects, store.version)

    def _next(self, options: ListOptions) -> Page:
        try:
            token = json.loads(base64.urlsafe_b64decode(options.token + "=="))
            name, start = str(token["list"]), int(token["start"])
        except (binascii.Error, ValueError, KeyError, TypeError) as error:
            raise bad_request(f"invalid continue token: continue key is not valid: {error}") from error
        if name not in self._snapshots:
            raise expired(TOO_OLD)
        return self._cut(name, start, options)

    def _cut(self, name: str, start: int, options: ListOptions) -> Page:
        objects, version = self._snapshots[name]
        end = start + options.limit if options.limit > 0 else len(objects)
        if end >= len(objects):
            return Page(objects[start:], version)
        token = base64.urlsafe_b64encode(json.dumps({"list": name, "start": end}).encode()).decode().rstrip("=")
        selected = options.label_selector or options.field_selector
        return Page(objects[start:end], version, token, None if selected else len(objects) - end)

    def forget(self) -> None:
        """Give up every list that is being read, as a compaction does."""
        self._snapshots.clear()


def _from_the_future(version: str, current: int) -> ApiError:
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    message = f"Timeout: Too large resource version: {version}, current: {current}"
    return ApiError(504, "Timeout", message, details)


def list_of(kind: Kind, page: Page) -> Object:
    """A page as the list object of its kind."""
    metadata: dict[str, Any] = {"resourceVersion": str(page.version)}
    if page.token or kind.custom:
        metadata["continue"] = page.token
    if page.remaining:
        metadata["remainingItemCount"] = page.remaining
    items = [presented(kind, obj) for obj in page.objects]
    if not kind.custom:
        # the items of a built-in kind's list do not repeat what the list says
        items = [{key: value for key, value in obj.items() if key not in {"apiVersion", "kind"}} for obj in items]
    return {
        "kind": kind.resource.list_kind,
        "apiVersion": kind.resource.api_version,
        "metadata": metadata,
        "items": items,
    }


def table_of(kind: Kind, page: Page, include: str) -> Object:
    """A page as a table."""
    metadata: dict[str, Any] = {"resourceVersion": str(page.version)}
    if page.token:
        metadata["continue"] = page.token
    if page.remaining:
        metadata["remainingItemCount"] = page.remaining
    return table(kind, page.objects, metadata, include=include)
