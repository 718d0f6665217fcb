"""Run a demo against signals and dying processes: whatever happens first, nothing is left running."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from .api import ApiError, KubeconfigError
from .board import Board
from .demo import Demo, SweepFailedError
from .follow import SweepGoneError
from .options import Options, show_path
from .output import Output, OutputGoneError
from .picture import save_picture
from .prepare import ManifestError, PrepareError
from .processes import ProcessEndedError, Processes
from .progress import screen
from .report import failure, last_line, look_further, summary

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LAST_WORDS_SECONDS = 0.5  # a dying cluster breaks a call a moment before its end is seen; its end says more
CANCEL_SECONDS = 2.0  # closing connections takes milliseconds
PICTURE_ROWS = 40

#: What may go wrong outside the demo's own code; it reads well without a traceback.
FAILURES = (
    ApiError,
    KubeconfigError,
    ManifestError,
    PrepareError,
    ProcessEndedError,
    SweepFailedError,
    SweepGoneError,
    OSError,
)

Result = TypeVar("Result")


class SignalledError(Exception):
    """A signal asked the demo to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number  # as a shell says it


class Run:
    """One run of the demo; its result is the exit code."""

    def __init__(self, options: Options, output: Output) -> None:
        self._options = options
        self._output = output
        self._processes = Processes()
        self._demo = Demo(options, output, self._processes)
        self._signal = 0
        self._signalled = asyncio.Event()

    async def main(self) -> int:
        """Do it, end every process, then say how it went."""
        self._listen()
        board, problem = None, None
        try:
            board = await (self._serve() if self._options.serve else self._sweep())
        except (SignalledError, OutputGoneError, *FAILURES) as error:
            problem = error
        finally:
            self._output.end()
            await self._processes.stop()
        if board and self._signal:  # it came while the processes ended
            problem = SignalledError(self._signal)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # what is left are lines to print
        return self._conclude(board, problem)

    def _listen(self) -> None:
        """Let signals end the run in order: from here on there may be processes to end with it."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if signal.getsignal(number) == signal.SIG_IGN:  # nohup
                continue
            # Not loop.add_signal_handler: closing the loop would give Ctrl-C its traceback back before the exit.
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(self._see_signal, number))

    def _see_signal(self, number: int) -> None:
        self._signal = self._signal or number  # the first one counts; the end that it began is bounded
        self._signalled.set()

    async def _sweep(self) -> Board | None:
        """Run the sweep; return its board unless that has been reported already."""
        board = await self._unless_ended(self._demo.run())
        if not self._options.keep:
            return board
        self._output.say("everything stays up until Ctrl-C")
        self._say_summary(board)
        await self._stay()
        return None

    async def _serve(self) -> None:
        await self._unless_ended(self._demo.serve())
        self._output.say("running until Ctrl-C; in another terminal:")
        self._output.say(f"  export KUBECONFIG={show_path(self._demo.kubeconfig)}")
        self._output.say("  kubectl get hd")
        await self._stay()

    async def _stay(self) -> None:
        """Wait for a signal: here it is the intended end."""
        try:
            await self._unless_ended(asyncio.Event().wait())
        except SignalledError:
            return

    async def _unless_ended(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return the work's result, unless a signal comes or a process ends before it."""
        task = asyncio.create_task(work)
        signalled = asyncio.create_task(self._signalled.wait())
        ended = asyncio.create_task(self._processes.watch())
        everything = {task, signalled, ended}
        try:
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
            if task.done() and isinstance(task.exception(), ApiError):
                await asyncio.wait({ended}, timeout=LAST_WORDS_SECONDS)
            if self._signal:
                raise SignalledError(self._signal)
            if ended.done():
                await ended
            return await task
        finally:
            for each in everything:
                each.cancel()
            # Bounded, and whatever they still have to say is of no interest: the end must not wait for it.
            await asyncio.wait(everything, timeout=CANCEL_SECONDS)
            for each in everything:
                if each.done() and not each.cancelled():
                    each.exception()

    def _conclude(self, board: Board | None, problem: Exception | None) -> int:
        try:
            if isinstance(problem, SignalledError):
                self._output.say(self._stopped())
                return problem.exit_code
            if isinstance(problem, FAILURES):
                self._say_failure(problem)
            elif board and problem is None:
                self._say_summary(board)
        except OutputGoneError as gone:
            problem = problem or gone
        if isinstance(problem, SignalledError):  # a hang-up, most often: there was nobody left to tell
            return problem.exit_code
        return 1 if problem else 0

    def _stopped(self) -> str:
        board = self._demo.board
        if self._options.kubeconfig and board:
            at = f"-n {self._options.namespace} {board.sweep.name}"
            return f"stopped; the sweep stays on the cluster, to remove it: kubectl delete hd {at}"
        return "stopped; nothing is left running"

    def _say_summary(self, board: Board) -> None:
        best = board.sweep.best
        seconds = self._output.seconds
        scene = [*self._output.spoken, "", screen(board, seconds, rows=PICTURE_ROWS), "", last_line(board)]
        for line in summary(board, seconds):
            self._output.say(line)
        kubeconfig = show_path(self._demo.kubeconfig)
        for text in look_further(self._options, board.sweep.name, kubeconfig, best.name if best else ""):
            self._output.say(text)
        self._output.say("")
        self._output.say(last_line(board))
        if self._options.picture:
            save_picture(self._options.picture, "make demo", scene)

    def _say_failure(self, error: Exception) -> None:
        # Before there is a sweep, the operator has no part in what went wrong.
        process = self._demo.operator if self._demo.board else None
        if isinstance(error, ProcessEndedError):
            process = error.process
        lines = process.last_lines() if process else []
        log = show_path(process.log) if process else ""
        for line in failure(self._demo.step, str(error), self._demo.board, log, lines):
            self._output.say(line)
