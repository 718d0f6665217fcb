"""One request to the API server: credentials, time-outs, the limit on requests in flight, errors, counting.

No retries but one after a 401: whoever asked knows when to ask again.
"""

import asyncio
import time
from asyncio import sslproto
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from kubernetes.aio.client import ApiClient

from .credentials import load_configuration, open_api
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
        self, api: ApiClient, kubeconfig: str | None, context: str | None, on_request: RequestObserver
    ) -> None:
        self._api = api
        self._kubeconfig = kubeconfig
        self._context = context
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
        api = open_api(configuration, kubeconfig)
        api.user_agent = user_agent
        return cls(api, kubeconfig, context, on_request)

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self._api.configuration.host)

    async def close(self) -> None:
        """Close all connections. Requests under way fail."""
        await self._api.close()  # type: ignore[no-untyped-call]  # the generated client is typed in parts only

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
        token = self._api.configuration.api_key.get("BearerToken")
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
        method, url, headers, body, _ = await self._api.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params={"Accept": "application/json, */*", "Content-Type": request.content_type},
            body=request.body,
            auth_settings=["BearerToken"],
        )
        # A ClientTimeout: the pair of numbers that the client documents is not what aiohttp takes.
        answer = await self._api.call_api(method, url, headers, body, _request_timeout=request.timeout)
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _renew_token(self, refused: str | None) -> bool:
        """Read the credentials again; say whether there is another token than the refused one.

        Nobody else does: the loader of a kubeconfig runs an exec plugin or reads a token file once. (In a pod the
        client reads its token file anew each minute by itself.)
        """
        async with self._login:  # a hundred refused requests start one exec plugin
            current = self._api.configuration.api_key
            if current.get("BearerToken") != refused:
                return True
            renewed = (await load_configuration(self._kubeconfig, self._context)).api_key.get("BearerToken")
            if not renewed or renewed == refused:
                return False
            current["BearerToken"] = renewed
            return True


def _unreachable(error: Exception) -> TransientError:
    return TransientError(0, "Unreachable", f"the API server can't be reached: {str(error) or type(error).__name__}")
