"""python -m hyperdrive_demo: see options.py."""

import os
import signal
import sys
from types import FrameType


def _leave(number: int, _: FrameType | None) -> None:
    """End at once: while the demo is still being imported, there is nothing yet to end with it."""
    os.write(1, b"stopped; nothing is left running\n")
    os._exit(128 + number)


for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if _number != signal.SIGHUP or signal.getsignal(_number) != signal.SIG_IGN:  # ignored: nohup's user wants it so
        signal.signal(_number, _leave)

# Only now: the imports take the better part of a second, in which Ctrl-C would print a traceback.
import asyncio  # noqa: E402

from .options import Options, parse  # noqa: E402
from .output import Output  # noqa: E402
from .run import Run  # noqa: E402


def main() -> int:
    """Run the demo; return its exit code."""
    code = asyncio.run(_run(parse()))
    _forget_broken_output()
    return code


async def _run(options: Options) -> int:
    return await Run(options, Output(sys.stdout)).main()


def _forget_broken_output() -> None:
    """Keep the interpreter from complaining, as it ends, that nobody reads the last line (make demo | head)."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    raise SystemExit(main())
