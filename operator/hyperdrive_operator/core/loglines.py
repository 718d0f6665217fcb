"""From the bytes of a log, as they come, to a trial's progress: exact however often the stream breaks.

Each line begins with the time at which the container wrote it (the API's `timestamps=true`). The position is the time
of the newest line that was counted, and how many lines of that very time were: a stream that is asked for again from
that second on repeats lines, and those up to the position are skipped. The position never goes back, since the lines
of stdout and stderr may stand in the log in another order than their times.
"""

import re
from collections import deque
from datetime import UTC, datetime
from typing import Final, NamedTuple

from .metrics import MAX_LINE, Aim, LineReader
from .progress import Progress

#: Last words of a container to keep, for the message of a trial that failed.
TAIL_LINES: Final = 10
TAIL_BYTES: Final = 1024

#: As the kubelet writes it: UTC, nine digits, so that texts compare like times.
_STAMP_LENGTH: Final = len("2026-03-01T12:00:00.000000000Z")
_OTHER_STAMP: Final = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ")


class Position(NamedTuple):
    """Up to where a pod's log was counted."""

    pod: str
    time: str
    lines: int

    @property
    def since(self) -> str:
        """The second to ask for, which is as exact as the API is; nothing for the whole log."""
        return f"{self.time[:19]}Z" if self.time else ""


class LogFeed:
    """Counts the reports in one pod's log. Holds at most one cut line, whatever comes."""

    def __init__(
        self,
        pod: str,
        read: LineReader,
        aim: Aim,
        *,
        progress: Progress,
        position: Position | None = None,
    ) -> None:
        self._read = read
        self._aim = aim
        self.pod = pod
        self.progress = progress
        self.position = position if position is not None and position.pod == pod else Position(pod, "", 0)
        self._tail: deque[bytes] = deque(maxlen=TAIL_LINES)
        self.begin()

    @property
    def tail(self) -> str:
        """The container's last lines."""
        text = b"\n".join(self._tail)[-TAIL_BYTES:]
        return text.decode(errors="replace").strip()

    def begin(self) -> None:
        """Get ready for a new stream, which repeats some of what was counted. What was left of a line is dropped."""
        self._after: Position | None = self.position
        self._equal = 0
        self._rest = b""
        self._drop()

    def feed(self, chunk: bytes) -> None:
        """Take in what came."""
        first, *others = chunk.split(b"\n")
        if not others:
            self._hold(first)
            return
        self._end_line(self._rest + first)
        for line in others[:-1]:
            self._end_line(line)
        self._rest = b""
        self._hold(others[-1])

    def finish(self) -> None:
        """Take the last line as whole: nothing follows it."""
        if self._rest or self._is_open:
            self._end_line(self._rest)
            self._rest = b""

    # --- one line ---------------------------------------------------------------------------------------------------

    def _drop(self) -> None:
        self._is_open = self._is_counted = self._is_cut = False
        self._pending = self.progress
        self._stamp = ""

    def _hold(self, part: bytes) -> None:
        """Keep what is no whole line yet; of one too long what is complete in it is read now."""
        self._rest += part
        if len(self._rest) > MAX_LINE + _STAMP_LENGTH:
            self._rest = self._take(self._rest, is_whole=False)

    def _end_line(self, rest: bytes) -> None:
        self._take(rest, is_whole=True)
        if self._is_counted:
            self.progress = self._pending
            self._move()
        self._drop()

    def _take(self, text: bytes, *, is_whole: bool) -> bytes:
        """Read a line, or the parts of it that are complete: a progress bar ends them with carriage returns."""
        if not self._is_open:
            self._is_open = True
            text = self._without_stamp(text)
        if not self._is_counted:
            return b""
        pieces = text.split(b"\r")
        rest = b"" if is_whole else pieces.pop()
        if self._is_cut and (pieces or is_whole):
            del pieces[:1]
            self._is_cut = False
        for piece in pieces:
            self._look_at(piece)
        if self._is_cut:
            return b""
        if len(rest) > MAX_LINE:
            self._look_at(rest)
            self._is_cut = True
            return b""
        return rest

    def _look_at(self, piece: bytes) -> None:
        piece = piece[:MAX_LINE]
        if not piece:
            return
        self._tail.append(piece[-TAIL_BYTES:])
        report = self._read(piece)
        if report is not None:
            self._pending = self._pending.reported(report, self._aim)

    def _without_stamp(self, text: bytes) -> bytes:
        """Take off the time, and tell whether the line counts: it is new, and none of the kubelet's own words."""
        if text[_STAMP_LENGTH - 1 : _STAMP_LENGTH + 1] == b"Z " and text[10:11] == b"T":
            stamp = text[:_STAMP_LENGTH].decode(errors="replace")
            text = text[_STAMP_LENGTH + 1 :]
        elif (match := _OTHER_STAMP.match(text)) is not None and (found := _normal(match)):
            stamp = found
            text = text[match.end() :]
        else:
            return b""
        self._stamp = stamp
        self._is_counted = self._is_new(stamp)
        return text

    def _is_new(self, stamp: str) -> bool:
        if self._after is None:  # what follows in a stream is new, whatever its time
            return True
        if stamp < self._after.time:
            return False
        if stamp == self._after.time:
            self._equal += 1
            if self._equal <= self._after.lines:
                return False
        self._after = None
        return True

    def _move(self) -> None:
        known = self.position
        if self._stamp > known.time:
            self.position = Position(self.pod, self._stamp, 1)
        elif self._stamp == known.time:
            self.position = known._replace(lines=known.lines + 1)


def _normal(match: re.Match[bytes]) -> str:
    """Return another form of a time in the kubelet's; nothing if it is no time."""
    second, fraction, zone = (group.decode() if group else "" for group in match.groups())
    try:
        moment = datetime.fromisoformat(f"{second}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:0<9}Z"
