"""Watches over HTTP: one line of JSON a change, for as long as the client listens."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from hyperdrive_local.errors import ApiError
from hyperdrive_local.objects import Object
from hyperdrive_local.presentation.presenting import presented, seen
from hyperdrive_local.presentation.tables import table
from hyperdrive_local.registry import Registry
from hyperdrive_local.selectors import parse
from hyperdrive_local.server.messages import encode
from hyperdrive_local.server.options import ListOptions
from hyperdrive_local.server.routing import Target
from hyperdrive_local.store import Change, Reader

BOOKMARK_SECONDS = 60.0
TIMEOUT_SECONDS = 1800.0  # of a watch that does not say for how long
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Watch:
    """One client's watch."""

    def __init__(self, registry: Registry, target: Target, options: ListOptions, *, rows: str = "") -> None:
        """Watch `target`; `rows` is how much of the objects comes with rows of a table, empty for whole objects."""
        self.store = registry.store
        self.kind = target.kind
        self.namespace = target.namespace
        self.options = options
        self.rows = rows
        self.test = parse(self.kind.resource, options.label_selector, options.field_selector)
        self.is_gone = registry.kinds.is_gone(self.kind.resource)
        self._header = True  # only the first row of a table says what its columns are

    async def run(self, request: web.Request, is_over: Callable[[], bool]) -> web.StreamResponse:
        """Tell the client of every change until it leaves, the time is over, or the server stops."""
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache"})
        response.enable_chunked_encoding()
        # read before the first await: whatever is written from now on is a change, not part of the beginning
        start = self.store.version
        reader = None
        try:
            beginning = self._beginning()
            from_now = not self.options.version or self.options.version == "0" or self.options.initial_events
            since = start if from_now else int(self.options.version)
            reader = self.store.reader(self.kind.resource.storage_key, since)
        except ApiError as error:
            beginning = [self._line("ERROR", error.status())]
        # the client left: there is nobody to tell, and nothing to do
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await response.write(b"".join(beginning))
            if reader is not None:
                await self._follow(response, reader, is_over)
            await response.write_eof()
        return response

    async def _follow(self, response: web.StreamResponse, reader: Reader, is_over: Callable[[], bool]) -> None:
        now = time.monotonic()
        end = now + (self.options.timeout or TIMEOUT_SECONDS)
        bookmark = now + BOOKMARK_SECONDS
        while not (is_over() or self.is_gone()) and now < end:
            try:
                lines = self._lines(reader.take())
            except ApiError as error:
                await response.write(self._line("ERROR", error.status()))
                return
            if not lines and now >= bookmark:
                bookmark = now + BOOKMARK_SECONDS
                lines = [self._bookmark()] if self.options.bookmarks else []
            if lines:
                await response.write(b"".join(lines))
            else:
                await reader.wait(min(end, bookmark) - now)
            now = time.monotonic()
        # nothing is awaited between the two, so the bookmark leaves no change out
        with contextlib.suppress(ApiError):
            lines = self._lines(reader.take())
            if self.options.bookmarks and not self.is_gone():
                lines.append(self._bookmark())
            await response.write(b"".join(lines))

    def _beginning(self) -> list[bytes]:
        """What there is already, for those who have not listed it before."""
        options = self.options
        wanted = options.initial_events if options.initial_events is not None else options.version in {"", "0"}
        if not wanted:
            return []
        held = self.store.select(self.kind.resource.storage_key, self.namespace)
        lines = [self._line("ADDED", obj) for obj in held if self.test(obj)]
        if options.initial_events and options.bookmarks:
            lines.append(self._bookmark({INITIAL_EVENTS_END: "true"}))
        return lines

    def _lines(self, changes: list[Change]) -> list[bytes]:
        lines = []
        for change in changes:
            sight = seen(change, self.test, self.namespace)
            if sight is None:
                continue
            event, obj = sight
            if self.rows or obj is not change.current:
                lines.append(self._line(event, obj))
                continue
            key = (event, self.kind.resource.api_version)
            line = change.encoded.get(key)
            if line is None:
                line = change.encoded[key] = self._line(event, obj)
            lines.append(line)
        return lines

    def _line(self, event: str, obj: Object) -> bytes:
        shown = obj
        if event != "ERROR":
            shown = self._row(obj) if self.rows else presented(self.kind, obj)
        return encode({"type": event, "object": shown}) + b"\n"

    def _row(self, obj: Object) -> Object:
        header, self._header = self._header, False
        metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        return table(self.kind, [obj], metadata, include=self.rows, header=header)

    def _bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        """How far this watch is, so that the client can resume from there and not from its last event."""
        metadata: dict[str, Any] = {"resourceVersion": str(self.store.version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        resource = self.kind.resource
        obj: Object = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        if self.rows:
            obj = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "rows": []}
        return encode({"type": "BOOKMARK", "object": obj}) + b"\n"
