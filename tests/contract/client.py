"""A client of any API server: raw JSON, nothing remembered, nothing retried."""

import asyncio
import base64
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

TIMEOUT = aiohttp.ClientTimeout(total=20)
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    code: int
    body: Any
    warnings: list[str]

    @property
    def message(self) -> str:
        """The message of a refusal."""
        return str(self.body["message"])

    @property
    def version(self) -> str:
        """The resourceVersion of an object or a list."""
        return str(self.body["metadata"]["resourceVersion"])


class Watch:
    """An open watch."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self) -> tuple[str, Any]:
        """The next event's type and object, waiting for it."""
        async with asyncio.timeout(10):
            line = await self._response.content.readline()
        if not line:
            raise EOFError("the watch has ended")
        event = json.loads(line)
        return event["type"], event["object"]

    async def names(self, count: int) -> list[tuple[str, str]]:
        """The types and names of the next events."""
        events = [await self.next() for _ in range(count)]
        return [(kind, obj["metadata"]["name"]) for kind, obj in events]


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the real server does a moment later, and tells nobody of: there is only asking again."""
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110  no event to wait for
            await asyncio.sleep(0.05)


class Api:
    """Talks to one server."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.kubeconfig = kubeconfig
        self.url = cluster["server"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        if "client-certificate-data" in user:
            _load_certificate(context, user)
        connector = aiohttp.TCPConnector(ssl=context)
        # a body of a PATCH or DELETE has its type said by each call
        self.session = aiohttp.ClientSession(self.url, connector=connector, headers=headers, timeout=TIMEOUT)

    async def close(self) -> None:
        """Close every connection."""
        await self.session.close()

    async def request(self, method: str, path: str, body: Any = None, **more: str) -> Reply:
        """Send a request: `content_type` and `accept` are headers, everything else is the query's."""
        headers = {"Accept": more.pop("accept", "application/json")}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers["Content-Type"] = more.pop("content_type", "application/json")
        async with self.session.request(method, path, data=data, headers=headers, params=more) as response:
            content = await response.text()
            parsed = json.loads(content) if response.content_type == "application/json" else content
            warnings = [value.removeprefix("299 - ")[1:-1] for value in response.headers.getall("Warning", [])]
            return Reply(response.status, parsed, warnings)

    async def get(self, path: str, **more: str) -> Reply:
        """GET."""
        return await self.request("GET", path, **more)

    async def post(self, path: str, body: Any, **more: str) -> Reply:
        """POST."""
        return await self.request("POST", path, body, **more)

    async def put(self, path: str, body: Any, **more: str) -> Reply:
        """PUT."""
        return await self.request("PUT", path, body, **more)

    async def patch(self, path: str, body: Any, content_type: str = MERGE, **more: str) -> Reply:
        """PATCH, a merge patch unless another type is given."""
        return await self.request("PATCH", path, body, content_type=content_type, **more)

    async def delete(self, path: str, body: Any = None, **more: str) -> Reply:
        """DELETE."""
        return await self.request("DELETE", path, body, **more)

    async def made(self, path: str, body: Any) -> Any:
        """Create an object that must be accepted, and return it."""
        reply = await self.post(path, body)
        assert reply.code == 201, reply.body
        return reply.body

    @asynccontextmanager
    async def watch(self, path: str, **query: str) -> AsyncIterator[Watch]:
        """Watch a collection."""
        headers = {"Accept": query.pop("accept", "application/json")}
        params = {"watch": "1", "timeoutSeconds": "15", **query}
        async with self.session.get(path, params=params, headers=headers) as response:
            assert response.status == 200, await response.text()
            yield Watch(response)


def _load_certificate(context: ssl.SSLContext, user: dict[str, str]) -> None:
    with tempfile.NamedTemporaryFile() as both:
        for key in ("client-certificate-data", "client-key-data"):
            both.write(base64.b64decode(user[key]) + b"\n")
        both.flush()
        context.load_cert_chain(both.name)
