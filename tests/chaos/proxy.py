"""A reverse proxy between the operator and the API server, on the loopback interface alone: it brings the weather."""

import asyncio
import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from .clocks import shifted
from .server import STREAM, TIMEOUT, Server, lines_of
from .weather import Answer, Ask, Weather

HOST = "127.0.0.1"
#: Not to be handed on: they belong to one connection, or are the identity, which is the upstream's.
_OWN_HEADERS = frozenset(
    {"host", "authorization", "connection", "transfer-encoding", "content-length", "accept-encoding", "keep-alive"}
)
_GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}


class Proxy:
    """`start` it, give `kubeconfig` to the operator. It hands on what the weather lets through."""

    def __init__(self, server: Server, weather: Weather, folder: Path) -> None:
        self._server = server
        self.weather = weather
        self.kubeconfig = folder / "kubeconfig"
        #: Requests that arrived, and writes that the API server took.
        self.requests = 0
        self.writes = 0
        self._app = web.Application(client_max_size=64 * 1024 * 1024)
        self._app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(self._app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        self._site: web.SockSite | None = None
        self._port = 0
        self._watches: set[asyncio.Event] = set()

    async def start(self) -> None:
        """Listen, on the port of before if there is one."""
        if not self._port:
            await self._runner.setup()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, self._port))
        self._port = listener.getsockname()[1]
        self._site = web.SockSite(self._runner, listener)
        await self._site.start()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "chaos", "cluster": {"server": f"http://{HOST}:{self._port}"}}],
            "users": [{"name": "chaos", "user": {}}],
            "contexts": [{"name": "chaos", "context": {"cluster": "chaos", "user": "chaos"}}],
            "current-context": "chaos",
        }
        self.kubeconfig.write_text(yaml.safe_dump(config))

    async def refuse(self) -> None:
        """Be gone as an API server that has crashed: connections are reset, new ones refused."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        self.cut()

    async def stop(self) -> None:
        """Stop for good."""
        self.cut()
        await self._runner.cleanup()

    def cut(self) -> int:
        """Reset every connection, watches among them; return how many."""
        server = self._runner.server
        transports = [each.transport for each in (server.connections if server is not None else ())]
        for transport in transports:
            if transport is not None:
                transport.abort()
        return len(transports)

    def stall(self) -> int:
        """Let every watch that is open now go silent for ever, its connection standing; return how many."""
        for frozen in self._watches:
            frozen.set()
        return len(self._watches)

    # --- one request ------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        ask = Ask(request.method, request.path, dict(request.query))
        body = await request.read()
        effect = self.weather.effect(ask)
        await asyncio.sleep(effect.delay)
        if effect.before is not None:
            return self._say(request, effect.before)
        try:
            if ask.is_stream:
                return await self._stream(request, ask)
            response = await self._pass(request, ask, body)
        except aiohttp.ClientError:
            return self._say(request, Answer(0))
        return self._say(request, effect.after) if effect.after is not None else response

    async def _pass(self, request: web.Request, ask: Ask, body: bytes) -> web.Response:
        async with self._server.session.request(
            ask.method,
            request.rel_url,
            data=body or None,
            headers=_handed_on(request.headers),
            timeout=TIMEOUT,
        ) as answer:
            content = await answer.read()
            if ask.method != "GET" and answer.status < 300:
                self.writes += 1
            content = shifted(content, self.weather.skew_seconds) if ask.resource == "pods" else content
            return web.Response(status=answer.status, body=content, headers=_handed_on(answer.headers))

    async def _stream(self, request: web.Request, ask: Ask) -> web.StreamResponse:
        async with self._server.session.get(
            request.rel_url, headers=_handed_on(request.headers), timeout=STREAM
        ) as answer:
            response = web.StreamResponse(status=answer.status, headers=_handed_on(answer.headers))
            await response.prepare(request)
            if ask.is_watch and ask.resource in self.weather.gone:
                self.weather.gone.discard(ask.resource)
                await response.write(json.dumps(_GONE).encode() + b"\n")
                return response
            with suppress(ConnectionError):
                if ask.is_watch:
                    await self._relay_watch(ask, answer, response)
                else:
                    await self._relay(answer, response)
            return response

    @staticmethod
    async def _relay(answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)

    async def _relay_watch(self, ask: Ask, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        frozen = asyncio.Event()
        self._watches.add(frozen)
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()

        async def read() -> None:
            async for line in lines_of(answer.content):
                arrived.put_nowait((loop.time() + self.weather.stale_seconds, line))
            arrived.put_nowait(None)

        reading = asyncio.create_task(read())
        try:
            while (event := await arrived.get()) is not None:
                due, line = event
                await asyncio.sleep(due - loop.time())
                if frozen.is_set():
                    await asyncio.Event().wait()  # until the client gives up, which cancels this
                skew = self.weather.skew_seconds if ask.resource == "pods" else 0
                await response.write(shifted(line, skew))
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            self._watches.discard(frozen)

    @staticmethod
    def _say(request: web.Request, answer: Answer) -> web.Response:
        if not answer.status and request.transport is not None:
            request.transport.abort()
        status = answer.status or 500  # of a connection that is reset nobody reads it
        return web.Response(
            status=status, body=answer.body(), content_type="application/json", headers=dict(answer.headers)
        )


def _handed_on(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OWN_HEADERS}
