"""/metrics, /healthz and /readyz. In the controller's loop on purpose: a loop that hangs fails its probe."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from .config import Listen

logger = logging.getLogger(__name__)

#: Returns what is wrong, in a few words; empty: nothing is.
Check = Callable[[], str]


class HttpServer:
    """Serves what the kubelet and Prometheus ask for. Knows nothing of the operator but the given functions."""

    def __init__(
        self,
        listen: Listen,
        *,
        metrics: Callable[[], bytes],
        healthy: Check,
        ready: Check,
        role: Callable[[], str] = lambda: "",
    ) -> None:
        self._listen = listen
        application = web.Application()
        application.router.add_get("/metrics", _metrics(metrics))
        application.router.add_get("/healthz", _probe(healthy))
        application.router.add_get("/readyz", _probe(ready, role))
        # A scrape that has begun gets half a second to end.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        self.port = 0

    async def start(self) -> None:
        """Listen. Raises OSError, most often because the port is taken."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._listen.host, self._listen.port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = int(self._runner.addresses[0][1])
        logger.info("serving metrics and probes", extra={"address": f"{self._listen.host}:{self.port}"})

    async def stop(self) -> None:
        """Close the port and all connections."""
        await self._runner.cleanup()


def _probe(check: Check, role: Callable[[], str] = lambda: "") -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        problem, what = check(), role()
        good = f"ok: {what}" if what else "ok"
        return web.Response(status=503 if problem else 200, text=f"{problem or good}\n")

    return answer


def _metrics(render: Callable[[], bytes]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return answer
