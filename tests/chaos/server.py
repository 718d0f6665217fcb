"""The API server itself, asked directly: by the harness, and by the proxy in the operator's name."""

import asyncio
import base64
import json
import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import yaml

Object = dict[str, Any]

TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
STREAM = aiohttp.ClientTimeout(total=None, sock_connect=10)
NOT_FOUND, CONFLICT = 404, 409
NOT_READY = (429, 503)


class RefusedError(Exception):
    """The API server said no."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class Server:
    """One API server and one identity. Nothing is retried."""

    def __init__(self, kubeconfig: Path, *, token: str = "") -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        token = token or user.get("token", "")
        if not token:
            _load_certificate(context, user)
        self.url = str(cluster["server"])
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.session = aiohttp.ClientSession(
            self.url, connector=aiohttp.TCPConnector(ssl=context, limit=0), headers=self.headers, auto_decompress=False
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.session.close()

    async def ask(self, method: str, path: str, body: Any = None, *, kind: str = "", **query: str) -> Object:
        """Send a request and return the answer. RefusedError for all but 2xx."""
        headers = {"Content-Type": kind or "application/json"} if body is not None else {}
        data = json.dumps(body).encode() if body is not None else None
        async with self.session.request(
            method, path, data=data, headers=headers, params=query, timeout=TIMEOUT
        ) as response:
            text = await response.text()
            if response.status >= 300:
                raise RefusedError(response.status, text)
            answer: Object = json.loads(text)
            return answer

    async def get(self, path: str) -> Object:
        """Read an object or a list."""
        return await self.ask("GET", path)

    async def create(self, path: str, body: Object) -> Object:
        """Create an object."""
        return await self.ask("POST", path, body)

    async def patch(self, path: str, body: Object) -> Object:
        """Merge-patch an object."""
        return await self.ask("PATCH", path, body, kind="application/merge-patch+json")

    async def delete(self, path: str) -> bool:
        """Delete an object as kubectl does; False if it was not there (any more)."""
        try:
            await self.ask("DELETE", path, {"propagationPolicy": "Background"})
        except RefusedError as error:
            if error.status != NOT_FOUND:
                raise
            return False
        return True

    async def watch(self, path: str, version: str) -> AsyncIterator[tuple[str, Object]]:
        """Yield what changes after a version, until the server ends the stream."""
        query = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
        async with self.session.get(path, params=query, timeout=STREAM) as response:
            if response.status >= 300:
                raise RefusedError(response.status, await response.text())
            async for line in lines_of(response.content):
                event = json.loads(line)
                yield event["type"], event["object"]


async def lines_of(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield whole lines, however long."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"


async def wait_until(holds: Any, seconds: float, what: str) -> None:
    """Wait for what nothing tells of: ask again and again."""
    try:
        async with asyncio.timeout(seconds):
            while not await _holds_now(holds):  # noqa: ASYNC110  no event to wait for
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"after {seconds:.0f} s still not so: {what}") from None


async def _holds_now(holds: Any) -> bool:
    try:
        return bool(await holds())
    except RefusedError as error:
        if error.status in NOT_READY:  # "storage is (re)initializing", of a CRD that has just come
            return False
        raise


def _load_certificate(context: ssl.SSLContext, user: dict[str, str]) -> None:
    with tempfile.NamedTemporaryFile() as both:
        for key in ("client-certificate-data", "client-key-data"):
            both.write(base64.b64decode(user[key]) + b"\n")
        both.flush()
        context.load_cert_chain(both.name)
