"""Optimisers from the event loop's side: processes that are started when first needed and killed when they hang.

There are two lanes, each a process that answers one request at a time. All sweeps begin in the quick one. A sweep whose
request takes too long there, or kills the process, is moved to the slow one, so that no sweep keeps another waiting for
longer than that, and only once.
"""

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any, Final

from hyperdrive_operator.core.proposing import Proposal, Request

from .worker import LENGTH, READY, decoded, encoded

logger = logging.getLogger(__name__)

#: To import everything: a second on an idle machine, much longer on one where all sweeps begin at once.
START_SECONDS: Final = 60.0
QUICK_SECONDS: Final = 5.0
SLOW_SECONDS: Final = 60.0
#: A process that was asked nothing for so long is ended: it holds some 150 MB.
IDLE_SECONDS: Final = 300.0

_ROOT: Final = str(Path(__file__).parents[2])
_PROGRAM: Final = (
    f"import sys; sys.path.insert(0, {_ROOT!r}); from hyperdrive_operator.optimizer.worker import main; main()"
)


class OptimizerError(Exception):
    """No proposals came. The message says why; another try may bring them."""


class OptimizerTimeoutError(OptimizerError):
    """The optimiser took too long, and was stopped."""


class OptimizerCrashError(OptimizerError):
    """The optimiser's process ended by itself."""


class Lane:
    """One process, started when it is needed. Requests wait for each other."""

    def __init__(self, seconds: float, *, program: str = _PROGRAM, idle_seconds: float = IDLE_SECONDS) -> None:
        self._seconds = seconds
        self._program = program
        self._idle_seconds = idle_seconds
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The process's id, while there is one."""
        return self._process.pid if self._process is not None else None

    async def propose(self, request: Request) -> list[Proposal]:
        """Return the proposals. Raises OptimizerError; the next request finds a process that works."""
        async with self._turn:
            self._stop_timer()
            try:
                return await self._ask(request)
            except BaseException as error:  # cancelled too: an answer that comes late would be taken for the next one's
                if type(error) is not OptimizerError:
                    await self._kill()
                raise
            finally:
                self._timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._end_idle)

    async def close(self) -> None:
        """End the process."""
        self._stop_timer()
        await self._kill()

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _ask(self, request: Request) -> list[Proposal]:
        process = self._process or await self._start()
        message = await asyncio.to_thread(encoded, request)  # megabytes of a long sweep: not on the event loop
        try:
            async with asyncio.timeout(self._seconds):
                kind, content = await _exchange(process, message)
        except TimeoutError:
            raise OptimizerTimeoutError(f"it took longer than {self._seconds:g} s") from None
        if kind != "ok":
            raise OptimizerError(content)
        proposals: list[Proposal] = content
        return proposals

    async def _start(self) -> Process:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", self._program, stdin=PIPE, stdout=PIPE)
        self._process = process
        try:
            async with asyncio.timeout(START_SECONDS):
                kind, _ = await _exchange(process, b"")
        except TimeoutError:
            raise OptimizerTimeoutError(f"its process did not start within {START_SECONDS:g} s") from None
        if kind != READY:
            raise OptimizerCrashError("its process does not speak as it should")
        logger.info("optimiser started", extra={"pid": process.pid})
        return process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()

    def _end_idle(self) -> None:
        """Close its input: it ends when it has read that."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Optimizer:
    """The two lanes, and which sweep goes where."""

    def __init__(self, quick: Lane | None = None, slow: Lane | None = None) -> None:
        self._quick = quick or Lane(QUICK_SECONDS)
        self._slow = slow or Lane(SLOW_SECONDS)
        self._slow_ones: set[str] = set()

    async def propose(self, sweep: str, request: Request) -> list[Proposal]:
        """Return the proposals for a sweep, named by its uid. Raises OptimizerError."""
        if sweep in self._slow_ones:
            return await self._slow.propose(request)
        try:
            return await self._quick.propose(request)
        except OptimizerTimeoutError:
            logger.info("an optimiser is slow: it goes on apart from the others", extra={"uid": sweep})
            self._slow_ones.add(sweep)
            return await self._slow.propose(request)
        except OptimizerCrashError:
            self._slow_ones.add(sweep)
            raise

    def forget(self, sweep: str) -> None:
        """Let go of a sweep that is no more."""
        self._slow_ones.discard(sweep)

    async def close(self) -> None:
        """End both processes. Nothing is lost: who starts next asks again."""
        await self._quick.close()
        await self._slow.close()


async def _exchange(process: Process, message: bytes) -> tuple[str, Any]:
    """Send a message, if there is one, and return the answer."""
    if process.stdin is None or process.stdout is None:
        raise OptimizerCrashError("its process has no pipes")
    try:
        process.stdin.write(message)
        await process.stdin.drain()
        head = await process.stdout.readexactly(LENGTH.size)
        body = await process.stdout.readexactly(LENGTH.unpack(head)[0])
    except (OSError, asyncio.IncompleteReadError) as error:
        code = await process.wait()
        raise OptimizerCrashError(f"its process ended (exit code {code})") from error
    kind, content = decoded(body)
    return kind, content
