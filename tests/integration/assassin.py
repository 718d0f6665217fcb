"""Kills the operator with SIGKILL at chosen writes: just before one is applied, or just after, unanswered."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

Moment = Literal["before", "after"]
#: Every kind of write that the operator makes.
WRITES = ("check", "record", "job", "start", "end", "status", "event")


def kind_of_write(method: str, path: str, query: str, body: dict[str, Any]) -> str:
    """Name a request of the operator's; empty if it is no write."""
    if method == "POST" and path.endswith("/hyperdrivetrials"):
        return "record"
    if method == "POST" and path.endswith("/jobs"):
        return "check" if "dryRun" in query else "job"
    if method == "POST" and path.endswith("/events"):
        return "event"
    if method == "PATCH" and "/hyperdrivetrials/" in path:
        return "start" if body["status"]["state"] == "Running" else "end"
    if method == "PATCH" and "/hyperdrives/" in path:
        return "status"
    return ""


@dataclass
class Assassin:
    """A middleware of the embedded API server. `pid` is whom to kill; `applied` is called after each of its writes."""

    kind: str
    moment: Moment
    occurrences: frozenset[int]
    applied: Callable[[str, dict[str, Any]], None] = lambda kind, body: None  # noqa: ARG005  a default
    pid: int = 0
    kills: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def middleware(self) -> Middleware:
        """Return what the server is to be given."""

        @web.middleware
        async def watch_writes(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._watch(request, handler)

        return watch_writes

    async def _watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.headers.get("User-Agent", "").startswith("hyperdrive-operator"):
            return await handler(request)
        body = await request.json() if request.method in {"POST", "PATCH"} else {}
        kind = kind_of_write(request.method, request.path, request.query_string, body)
        if not kind:
            return await handler(request)
        self.seen[kind] += 1
        is_time = kind == self.kind and self.seen[kind] in self.occurrences
        if is_time and self.moment == "before":
            self._kill()
            raise web.HTTPServiceUnavailable
        response = await handler(request)
        if is_time:
            self._kill()
        self.applied(kind, body)
        return response

    def _kill(self) -> None:
        self.kills += 1
        os.kill(self.pid, signal.SIGKILL)
