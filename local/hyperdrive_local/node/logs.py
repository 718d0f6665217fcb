"""Container logs on disk, in the form that a kubelet reads, and the waking of those who follow them."""

import asyncio
import datetime
from pathlib import Path
from typing import Literal

MAX_LINE = 16 * 1024  # the container runtime's: longer lines are written in parts

Stream = Literal["stdout", "stderr"]


class LogFile:
    """One run of a container: what it writes, line by line, each with its time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.closed = False
        self._file = path.open("ab", buffering=0)
        self._partial: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        self._grown = asyncio.Event()

    def write(self, stream: Stream, data: bytes) -> None:
        """Append output: whole lines at once, the rest when its line ends."""
        moment = _nano_time()
        *lines, rest = (self._partial[stream] + data).split(b"\n")
        record = b"".join(self._record(moment, stream, line, b"F") for line in lines)
        while len(rest) >= MAX_LINE:
            record += self._record(moment, stream, rest[:MAX_LINE], b"P")
            rest = rest[MAX_LINE:]
        self._partial[stream] = rest
        if record:
            self._append(record)

    @staticmethod
    def _record(moment: str, stream: str, line: bytes, tag: bytes) -> bytes:
        prefix = f"{moment} {stream} ".encode()
        pieces = [line[start : start + MAX_LINE] for start in range(0, len(line), MAX_LINE)] or [b""]
        parts = [prefix + b"P " + piece + b"\n" for piece in pieces[:-1]]
        return b"".join(parts) + prefix + tag + b" " + pieces[-1] + b"\n"

    def _append(self, record: bytes) -> None:
        self._file.write(record)
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    def close(self) -> None:
        """No more output: what has no line end yet is written as it is."""
        if self.closed:
            return
        moment = _nano_time()
        for stream, rest in self._partial.items():
            if rest:
                self._append(self._record(moment, stream, rest, b"P"))
        self.closed = True
        self._file.close()
        self._wake()

    async def grown(self) -> None:
        """Wait for the next output, or the end."""
        if not self.closed:
            await self._grown.wait()

    def tail(self, max_lines: int, max_bytes: int) -> str:
        """The last words, without times: what a termination message falls back to."""
        lines = self.path.read_bytes()[-(max_bytes + 100 * max_lines) :].splitlines()[-max_lines:]
        text = b"".join(_content(line) for line in lines)
        return text[-max_bytes:].decode(errors="replace")


def _content(record: bytes) -> bytes:
    fields = record.split(b" ", 3)
    if len(fields) < 4:
        return b""
    return fields[3] + (b"\n" if fields[2] == b"F" else b"")


def _nano_time() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
