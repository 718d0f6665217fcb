"""JSON from the API server, however deep it nests: one object of one user must not stop the operator for everybody.

The API server takes objects of some 10,000 levels. Python's parser raises a RecursionError at 1,000 or 10,000 levels,
by its version, and it does so for the whole page or stream in which such an object comes. So what is deeper than any
object of use is cut off before it is parsed; what is left is still too deep for the checks of a spec, which say so.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
from pydantic_core import from_json

#: A Job has some twenty levels, its managed fields a few more, and free JSON is refused beyond 64 (api.MAX_DEPTH).
MAX_LEVELS: Final = 256

_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{\[]|[}\]]', re.DOTALL)


def decode(raw: bytes) -> Any:
    """Parse JSON. Of what is too deep for the parser, all below MAX_LEVELS is null. ValueError if it is no JSON."""
    try:
        return from_json(raw)  # takes half the time of the standard library's, and is more particular
    except ValueError:
        pass
    try:
        return json.loads(raw)
    except RecursionError:
        return json.loads(_cut(raw))


class ShallowResponse(aiohttp.ClientResponse):
    """An answer that any JSON parser survives, for a client that parses by itself: as a whole or line by line."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Read the headers."""
        await super().start(connection)
        self.content = _ShallowLines(self.content)  # type: ignore[assignment]  # all of a StreamReader, by delegation
        return self

    async def json(self, **_: Any) -> Any:
        """Parse the whole answer."""
        return decode(await self.read())


class _ShallowLines:
    """A stream whose chunks are whole lines, each without what lies below MAX_LEVELS."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Yield the lines as they become complete, and what is left at the end."""
        async for line in lines_of(self._content.iter_chunked(size)):
            yield without_depths(line) + b"\n"


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of a stream as they become complete, without their ends, and what is left at the end."""
    parts: list[bytes] = []
    async for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        if lines:
            parts.append(lines[0])
            for line in (b"".join(parts), *lines[1:]):
                if line:
                    yield line
            parts.clear()
        parts.append(rest)
    if last := b"".join(parts):
        yield last


def without_depths(raw: bytes) -> bytes:
    """Cut off of some JSON what lies below MAX_LEVELS."""
    # Nothing has more levels than opening brackets; most events have fewer of these than there may be levels.
    return _cut(raw) if raw.count(b"{") + raw.count(b"[") > MAX_LEVELS else raw


def _cut(raw: bytes) -> bytes:
    """Put null for each object and array below MAX_LEVELS. Takes time in proportion to the length, whatever it is."""
    kept: list[bytes] = []
    level = begin = 0
    for token in _TOKEN.finditer(raw):
        match token[0]:
            case b"{" | b"[":
                level += 1
                if level == MAX_LEVELS + 1:
                    kept += (raw[begin : token.start()], b"null")
            case b"}" | b"]":
                if level == MAX_LEVELS + 1:
                    begin = token.end()
                level -= 1
    kept.append(raw[begin:])
    return b"".join(kept)
