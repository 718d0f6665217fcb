"""One request to the API server: credentials, time-outs, the limit on requests in flight, errors, counting.

No retries but one after a 401: whoever asked knows when to ask again.
"""

import asyncio
import json
import time
from asyncio import sslproto
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import Configuration
from yarl import URL

from .credentials import load_configuration, open_session
from .errors import TransientError, UnauthorizedError, error_from_status
from .kinds import Kind, Object

# Enough to keep an API server on a small machine busy (390 Job creates a second were measured with 32), and a small
# part of the 245 seats that API priority and fairness gives to all service accounts together.
MAX_IN_FLIGHT: Final = 32
# The API server gives up on a request after 60 s; one that takes half of that is better tried again.
REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=10)

# asyncio gives each TLS connection 256 KiB to read into, and touches all of it. With this much 1,000 followed logs take
# 88 MiB instead of 307; a TLS record has 16 KiB.
TLS_READ_BUFFER: Final = 32 * 1024

# What we send has no cycle, and json.dumps would make an encoder anew for each object.
_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

#: Called after each request with its verb, its resource, the HTTP status (0: no answer) and the seconds it took.
RequestObserver = Callable[[str, str, int, float], None]


def unobserved(_verb: str, _resource: str, _code: int, _seconds: float) -> None:
    """Count nothing."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, and under which verb and resource it is counted."""

    verb: str
    method: str
    kind: Kind
    path: str
    resource: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Object | None = None
    content_type: str = "application/json"
    timeout: aiohttp.ClientTimeout = REQUEST_TIMEOUT


class Transport:
    """A connection pool and the credentials for one API server."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        configuration: Configuration,
        kubeconfig: str | None,
        context: str | None,
        *,
        user_agent: str,
        on_request: RequestObserver,
    ) -> None:
        self._session = session
        self._configuration = configuration
        self._kubeconfig = kubeconfig
        self._context = context
        self._user_agent = user_agent
        self._on_request = on_request
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._login = asyncio.Lock()

    @classmethod
    async def open(
        cls, kubeconfig: str | None, context: str | None, user_agent: str, on_request: RequestObserver
    ) -> "Transport":
        """Read the credentials. Sends nothing; raises KubeConfigError."""
        sslproto.SSLProtocol.max_size = TLS_READ_BUFFER  # of connections that are opened from now on
        configuration = await load_configuration(kubeconfig, context)
        session = open_session(configuration, kubeconfig)
        return cls(session, configuration, kubeconfig, context, user_agent=user_agent, on_request=on_request)

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self._configuration.host)

    async def close(self) -> None:
        """Close all connections. Requests under way fail."""
        await self._session.close()

    async def send(self, request: Request) -> bytes:
        """Ask, and read the whole answer. Waits while MAX_IN_FLIGHT others are under way."""
        async with self._slots:
            response = await self._ask(request)
            try:
                return await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                raise _unreachable(error) from error
            finally:
                response.release()

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[bytes]]:
        """Ask, and give the answer's chunks as they come. Not counted as in flight: it may take hours."""
        response = await self._ask(request)
        try:
            yield response.content.iter_any()
        except aiohttp.ServerTimeoutError:
            raise  # a TimeoutError: nothing came for as long as the request allows
        except aiohttp.ClientError as error:
            raise _unreachable(error) from error
        finally:
            response.close()

    async def _ask(self, request: Request) -> aiohttp.ClientResponse:
        """Return the 2xx answer, its body still to be read. A 401 is tried once more if there is a newer token."""
        token = self._configuration.api_key.get("BearerToken")
        try:
            return await self._ask_once(request)
        except UnauthorizedError:
            if not await self._renew_token(token):
                raise
        return await self._ask_once(request)

    async def _ask_once(self, request: Request) -> aiohttp.ClientResponse:
        started, code = time.perf_counter(), 0
        try:
            response = await self._open(request)
            code = response.status
            if code < 300:
                return response
            raise error_from_status(code, await response.read(), response.headers)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise _unreachable(error) from error
        finally:
            seconds = time.perf_counter() - started
            self._on_request(request.verb, request.resource or request.kind.plural, code, seconds)

    async def _open(self, request: Request) -> aiohttp.ClientResponse:
        """Send a request by aiohttp itself: the generated client would copy and walk it."""
        configuration = self._configuration
        query = f"?{urlencode(request.query)}" if request.query else ""
        headers = {
            "Accept": "application/json, */*",
            "Content-Type": request.content_type,
            "User-Agent": self._user_agent,
        }
        if token := await configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            headers["Authorization"] = token
        return await self._session.request(
            request.method,
            URL(f"{configuration.host}{request.path}{query}", encoded=True),
            headers=headers,
            data=None if request.body is None else _encode(request.body).encode(),
            timeout=request.timeout,
            proxy=configuration.proxy,
            proxy_headers=configuration.proxy_headers,
            server_hostname=configuration.tls_server_name,
        )

    async def _renew_token(self, refused: str | None) -> bool:
        """Read the credentials again; say whether there is another token than the refused one.

        Nobody else does: the loader of a kubeconfig runs an exec plugin or reads a token file once. (In a pod the
        client reads its token file anew each minute by itself.)
        """
        async with self._login:  # a hundred refused requests start one exec plugin
            current = self._configuration.api_key
            if current.get("BearerToken") != refused:
                return True
            renewed = (await load_configuration(self._kubeconfig, self._context)).api_key.get("BearerToken")
            if not renewed or renewed == refused:
                return False
            current["BearerToken"] = renewed
            return True


def _unreachable(error: Exception) -> TransientError:
    return TransientError(0, "Unreachable", f"the API server can't be reached: {str(error) or type(error).__name__}")
