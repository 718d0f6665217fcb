"""Where the demo speaks: a live screen on a terminal, plain lines everywhere else."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from rich.console import Console, RenderableType
from rich.live import Live

from .board import Board
from .progress import Moment, changes, screen

REDRAW_SECONDS = 0.25  # the clock on the screen moves even when nothing else does
LINES_AROUND = 8  # of a terminal, that are not for rows of trials: heading, bar, note, what scrolled by


class OutputGoneError(Exception):
    """Nobody reads any more: the terminal has hung up, the pipe is closed."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich's own way is to exit at once, past everything that must end first


@contextmanager
def _reader() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputGoneError(str(error)) from error


class Output:
    """Prints lines, and the progress of one sweep."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        # rich would take FORCE_COLOR and the like for a terminal; a pipe or a file gets plain text, whatever they say.
        self.console = _Console(
            file=stream,
            force_terminal=self.is_terminal,
            color_system="auto" if self.is_terminal else None,
            width=None if self.is_terminal else 200,
            highlight=False,
            emoji=False,
            markup=False,
        )
        self._clock = clock
        self.spoken: list[RenderableType] = []  # for the picture
        self._lines: set[str] = set()
        self._live: Live | None = None
        self._board: Board | None = None
        self._printed: Moment | None = None
        self._start = 0.0
        self._end: float | None = None

    def say(self, line: RenderableType = "") -> None:
        """Print a line, or a table."""
        self.spoken.append(line)
        with _reader():
            self.console.print(line, soft_wrap=isinstance(line, str))

    def begin(self) -> None:
        """Begin to show progress."""
        self._start = self._clock()
        if self.is_terminal:
            # Drawn by show() and redraw() alone: no thread of rich's writes into a terminal that has gone.
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            with _reader():
                self._live.start()

    def show(self, board: Board) -> None:
        """Show what is new."""
        self._board = board
        self.redraw()

    def redraw(self) -> None:
        """Show the same with the time that has passed."""
        if self._board is None:
            return
        with _reader():
            if self._live:
                rows = max(self.console.height - LINES_AROUND, 3)
                self._live.update(screen(self._board, self.seconds, rows=rows), refresh=True)
            elif not self.is_terminal:
                now = Moment(self._board, self.seconds)
                # The kubelet goes to and fro between two reasons for one image; each is news once.
                for line in [line for line in changes(self._printed, now) if line not in self._lines]:
                    self._lines.add(line)
                    self.console.print(f"{now.seconds:6.1f} s  {line}", soft_wrap=True)
                self._printed = now

    def end(self) -> None:
        """Remove the live screen; what follows is printed in its place."""
        self._end = self._end or self._clock()
        if self._live:
            live, self._live = self._live, None
            with suppress(OSError):  # a terminal that has gone needs no tidying
                live.stop()

    @property
    def seconds(self) -> float:
        """How long progress has been shown."""
        return (self._end or self._clock()) - self._start
