"""An API server that says what a test tells it to, and remembers what it was asked."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


def answer(status: int, body: object, headers: dict[str, str] | None = None) -> Answer:
    """Make a JSON answer (or a raw one from bytes)."""

    async def respond(_request: web.Request) -> web.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(status=status, body=raw, headers=headers, content_type="application/json")

    return respond


def refusal(
    status: int, reason: str, message: str, details: object = None, headers: dict[str, str] | None = None
) -> Answer:
    """Make the Status with which the real API server refuses."""
    body = {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": status}
    return answer(status, {**body, "details": details} if details else body, headers)


class ScriptedApi:
    """Answers per method and path; several answers are given one after the other, the last one for ever."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.url = ""
        self._answers: dict[tuple[str, str], list[Answer]] = {}

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Say how a request is answered."""
        self._answers[method, path] = list(answers)

    def kubeconfig(self, directory: Path, user: dict[str, object] | None = None) -> str:
        """Write a kubeconfig that leads here."""
        path = directory / "kubeconfig"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": user or {"token": "secret"}}],
        }
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return str(path)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        raw = await request.read()
        self.calls.append(
            Call(
                request.method,
                request.path,
                dict(request.query),
                dict(request.headers),
                json.loads(raw) if raw else None,
            )
        )
        answers = self._answers.get((request.method, request.path))
        if answers is None:
            return await refusal(404, "NotFound", f"{request.path} not found")(request)
        respond = answers.pop(0) if len(answers) > 1 else answers[0]
        return await respond(request)


@asynccontextmanager
async def scripted_api() -> AsyncIterator[ScriptedApi]:
    """Serve on a free port of 127.0.0.1."""
    api = ScriptedApi()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield api
    finally:
        await runner.cleanup()
