"""main(): the operator as a process. Signals, exit codes, and an end that comes, whatever state it is in."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from functools import cache
from typing import Final

from .config import Config
from .logs import configure_logs
from .supervisor import EXIT_FAILED, Supervisor

logger = logging.getLogger(__name__)

# A pod has 30 seconds. Idle it takes some hundredths of one; a second signal does not wait.
STOP_SECONDS: Final = 8.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the operator as a process. Returns its exit status."""
    config = Config.from_env(
        os.environ,
        sys.argv[1:] if argv is None else argv,
        terminal=sys.stderr.isatty(),
        hostname=socket.gethostname(),
    )
    configure_logs(format=config.log_format, level=config.log_level)
    return asyncio.run(_run(config))


async def _run(config: Config) -> int:
    # Not at the top: --help and a wrong flag need not wait for it.
    from hyperdrive_operator.controller.controller import Controller  # noqa: PLC0415

    supervisor = Supervisor(config, Controller, on_stopping=_limit_stopping)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, supervisor.stop)
    return await supervisor.run()


@cache  # the first call counts
def _limit_stopping() -> None:
    """End the process soon, come what may: a thread in a DNS look-up or a hung kopf can't be cancelled."""
    timer = threading.Timer(STOP_SECONDS, _give_up)
    timer.daemon = True
    timer.start()


def _give_up() -> None:
    logger.error("not stopped within %.1f s: leaving at once", STOP_SECONDS)
    os._exit(EXIT_FAILED)
