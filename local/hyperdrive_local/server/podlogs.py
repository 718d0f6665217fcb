"""`kubectl logs`: the lines that the node wrote, cut and followed as the request asks."""

import asyncio
import datetime
import re
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from hyperdrive_local.errors import ApiError, bad_request
from hyperdrive_local.logs import LogSource
from hyperdrive_local.objects import Object
from hyperdrive_local.presentation.durations import parse
from hyperdrive_local.server.options import is_true

CHUNK = 256 * 1024
# TIME STREAM TAG TEXT: a tag of F ends a line, one of P leaves it open
RECORD = re.compile(rb"(\S+) (stdout|stderr) ([FP]\S*) (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which of the lines are asked for, and how."""

    container: str
    follow: bool
    previous: bool
    timestamps: bool
    tail: int | None
    limit: int | None
    since: datetime.datetime | None


def log_options(pod: Object, query: Mapping[str, str]) -> LogOptions:
    """Read the query; ApiError 400 if it names no container of the pod, or makes no sense."""
    since = None
    if text := query.get("sinceTime"):
        since = parse(text)
        if since is None:
            raise bad_request(f'sinceTime: Invalid value: "{text}": must be an RFC 3339 time')
        since = since.replace(microsecond=0)  # the API server hands it to the kubelet without its fraction
    if (seconds := _number(query, "sinceSeconds")) is not None:
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    return LogOptions(
        container=_container(pod, query.get("container", "")),
        follow=is_true(query, "follow"),
        previous=is_true(query, "previous"),
        timestamps=is_true(query, "timestamps"),
        tail=_number(query, "tailLines"),
        limit=_number(query, "limitBytes"),
        since=since,
    )


def _number(query: Mapping[str, str], key: str) -> int | None:
    text = query.get(key, "")
    if not text:
        return None
    if not text.isdigit():
        raise bad_request(f'{key}: Invalid value: "{text}": must be a number that is not negative')
    return int(text)


def _container(pod: Object, wanted: str) -> str:
    spec, name = pod["spec"], pod["metadata"]["name"]
    initial, main = ([c["name"] for c in spec.get(key) or []] for key in ("initContainers", "containers"))
    if not wanted and len(main) == 1:
        return str(main[0])
    if not wanted:
        choice = f"choose one of: [{' '.join(main)}]"
        if initial:
            choice += f" or one of the init containers: [{' '.join(initial)}]"
        raise bad_request(f"a container name must be specified for pod {name}, {choice}")
    if wanted not in main + initial:
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted


def find_log(source: LogSource, pod: Object, options: LogOptions) -> Path:
    """The file to read; ApiError 400 if the container has not run yet, or not before."""
    path = source.path(pod, options.container, previous=options.previous)
    if path is not None and path.exists():
        return path
    name, container = pod["metadata"]["name"], options.container
    if options.previous:
        raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
    statuses = pod.get("status", {})
    waiting = "ContainerCreating"
    for status in (statuses.get("initContainerStatuses") or []) + (statuses.get("containerStatuses") or []):
        if status.get("name") == container and "waiting" in status.get("state", {}):
            waiting = status["state"]["waiting"].get("reason") or waiting
    raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {waiting}')


class LogReader:
    """Reads one log file from its beginning on, record by record."""

    def __init__(self, path: Path, options: LogOptions) -> None:
        self.path = path
        self._file = path.open("rb")
        self._options = options
        self._rest = b""
        self._line_open = False  # the last record left its line open, so the next goes on without a new time
        self._left = options.limit

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    @property
    def is_full(self) -> bool:
        """Whether as much has been read as was asked for."""
        return self._left == 0

    def read(self) -> bytes:
        """What has been appended since the last time, up to a chunk; empty at the end."""
        while not self.is_full:
            data = self._file.read(CHUNK)
            if not data:
                return b""
            *records, self._rest = (self._rest + data).split(b"\n")
            text = self._limited(b"".join(self._shown(record) for record in records))
            if text:
                return text
        return b""

    def skip_to_tail(self) -> bytes:
        """Read to the end, and give the last lines that are asked for."""
        assert self._options.tail is not None  # noqa: S101  the caller has looked
        lines: deque[bytes] = deque(maxlen=self._options.tail)
        for line in self._whole_lines():
            lines.append(line)
        return self._limited(b"".join(lines))

    def _whole_lines(self) -> Iterator[bytes]:
        line = b""
        while data := self._file.read(CHUNK):
            *records, self._rest = (self._rest + data).split(b"\n")
            for record in records:
                line += self._shown(record)
                if not self._line_open:
                    if line:
                        yield line
                    line = b""
        if line:
            yield line

    def _limited(self, text: bytes) -> bytes:
        if self._left is None:
            return text
        text = text[: self._left]
        self._left -= len(text)
        return text

    def _shown(self, record: bytes) -> bytes:
        match = RECORD.fullmatch(record)
        if not match:
            return b""
        moment, _, tag, text = match.groups()
        continues, self._line_open = self._line_open, tag.startswith(b"P")
        if self._options.since is not None:
            time = parse(moment.decode())
            if time is not None and time < self._options.since:
                return b""
        prefix = moment + b" " if self._options.timestamps and not continues else b""
        return prefix + text + (b"" if self._line_open else b"\n")


async def _pieces(
    reader: LogReader, source: LogSource, pod: Object, options: LogOptions, stopping: asyncio.Event
) -> AsyncIterator[bytes]:
    if options.tail is not None:
        yield reader.skip_to_tail()
    while not reader.is_full:
        # asked before the read: what is written in between is then read the next time round
        finished = options.previous or source.finished(pod, options.container, reader.path)
        text = reader.read()
        if text:
            yield text
        elif finished or not options.follow or stopping.is_set():
            return
        elif text := await _more(reader, source.grown(pod, options.container, reader.path), stopping):
            yield text


async def _more(reader: LogReader, grown: Coroutine[Any, Any, None], stopping: asyncio.Event) -> bytes:
    """Wait until more was written or the server stops; returns what is read already."""
    waits = [asyncio.ensure_future(grown), asyncio.ensure_future(stopping.wait())]
    try:
        # from the next step of the loop on they are waiting; what was written before is found by reading once more
        await asyncio.sleep(0)
        if text := reader.read():
            return text
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        return b""
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def send_log(
    request: web.Request, source: LogSource | None, pod: Object, stopping: asyncio.Event
) -> web.StreamResponse:
    """Answer a request for a pod's log."""
    options = log_options(pod, request.query)
    if not pod["spec"].get("nodeName"):
        # scheduled nowhere: there is nobody to ask, and the real server says just that
        return web.Response(status=204)
    if source is None:
        raise ApiError(500, "InternalError", "this server runs without a node: it has no logs")
    reader = LogReader(find_log(source, pod, options), options)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        async for text in _pieces(reader, source, pod, options, stopping):
            await response.write(text)
        await response.write_eof()
    except ConnectionError:
        pass  # the client has what it wanted
    finally:
        reader.close()
    return response
