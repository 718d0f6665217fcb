"""The server: HTTPS on 127.0.0.1, from start to stop."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from aiohttp import typedefs, web

from hyperdrive_local.errors import ApiError
from hyperdrive_local.logs import LogSource
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import PODS
from hyperdrive_local.server import access, discovery, messages
from hyperdrive_local.server.openapi import Documents
from hyperdrive_local.server.podlogs import send_log
from hyperdrive_local.server.routing import find_target
from hyperdrive_local.server.verbs import Verbs

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 2.0  # watches end by themselves when the server stops; nothing else takes long


class ApiServer:
    """Serves a registry to whoever holds the token. `middlewares` see each request that is let in, outermost first."""

    def __init__(
        self,
        registry: Registry,
        *,
        token: str,
        logs: LogSource | None = None,
        middlewares: Sequence[typedefs.Middleware] = (),
    ) -> None:
        self.registry = registry
        self.logs = logs
        self.url = ""
        self._token = token
        self._stopping = asyncio.Event()
        self._documents = Documents(registry.definitions)
        self._verbs = Verbs(registry, self._stopping.is_set)
        self._certificate = access.Certificate()
        chain: list[typedefs.Middleware] = [answer_errors, access.require_token(token), *middlewares]
        app = web.Application(middlewares=chain, client_max_size=messages.MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # a watch whose client has left must end at once, not at the next change
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handler_cancellation=True)

    async def start(self, port: int = 0) -> None:
        """Listen; with port 0 on a free one. `url` is known from then on."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, access.HOST, port, ssl_context=self._certificate.server_context())
        await site.start()
        self.url = f"https://{access.HOST}:{self._runner.addresses[0][1]}"

    @property
    def authority(self) -> bytes:
        """The certificate to trust the server by, as PEM."""
        return self._certificate.authority

    def write_kubeconfig(self, path: Path) -> None:
        """Write what kubectl and the operator need to talk to this server."""
        access.write_kubeconfig(path, self.url, self.authority, self._token)

    def forget_changes(self) -> None:
        """Forget what a compaction of a real cluster's storage loses: old changes, and lists half read."""
        self.registry.store.forget_changes()
        self._verbs.lists.forget()

    async def stop(self) -> None:
        """Stop listening, and end every open watch."""
        self._stopping.set()
        self.registry.store.wake()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path.rstrip("/")
        if path.startswith(("/api/", "/apis/")) and len(path.split("/")) > (3 if path.startswith("/api/") else 4):
            target = find_target(self.registry.kinds, path)
            if target.subresource == "log" and target.kind.resource == PODS:
                pod = self.registry.writer.stored(target.kind, target.key_namespace, target.name)
                return await send_log(request, self.logs, pod, self._stopping)
            return await self._verbs.handle(request, target)
        return self._about(request, path)

    def _about(self, request: web.Request, path: str) -> web.StreamResponse:
        """What the server says about itself and what it serves."""
        if path in {"/healthz", "/livez", "/readyz"}:
            return web.Response(text="ok")
        if path.startswith("/openapi/"):
            messages.check_accepts_json(request)
            return messages.respond(self._documents.get(path.removeprefix("/openapi/")))
        kinds = self.registry.kinds
        if path in {"/api", "/apis"} and messages.accepts(request, **{"as": "APIGroupDiscoveryList", "v": "v2"}):
            listed = discovery.aggregated(kinds, core=path == "/api")
            return messages.respond(listed, media_type=discovery.AGGREGATED)
        return messages.respond(discovery.document(kinds, path))


@web.middleware
async def answer_errors(request: web.Request, handler: typedefs.Handler) -> web.StreamResponse:
    """Turn refusals into Status objects, and our own mistakes into one that says so."""
    try:
        return await handler(request)
    except ApiError as error:
        return messages.status_response(error)
    except web.HTTPException as error:
        return messages.status_response(ApiError(error.status, "", error.reason))
    except Exception:  # the top of every request: nothing may escape as a page of HTML
        logger.exception("a request failed", extra={"method": request.method, "path": request.path})
        return messages.status_response(ApiError(500, "InternalError", "Internal error occurred"))
