"""Run a command that ends when this process's standard input does: `python -m hyperdrive_demo.tether -- COMMAND...`.

Whoever starts a tether holds the other end of the pipe and writes nothing into it. However the holder ends, by
SIGKILL too, the kernel closes that end, and the command's whole process group is ended here. So nothing outlives the
demo, on Linux and macOS alike, and the command needs to know nothing of it.
"""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

GRACE_SECONDS = 5.0  # from SIGTERM to SIGKILL: the embedded cluster ends its trials and writes its state in less
POLL_SECONDS = 0.1  # how late the command's own end may be seen


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code, as a shell would give it."""
    if len(arguments) < 2 or arguments[0] != "--":
        sys.stderr.write("usage: python -m hyperdrive_demo.tether -- COMMAND...\n")
        return 2
    try:
        process = subprocess.Popen(arguments[1:], stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - a list, no shell
    except OSError as error:
        sys.stderr.write(f"cannot run {arguments[1]}: {error}\n")
        return 127
    # Whoever ends the tether itself wants the command gone too.
    signal.signal(signal.SIGTERM, lambda *_: os.close(0))
    while process.poll() is None:
        if _holder_is_gone():
            _end(process)
    _kill_group(process, signal.SIGKILL)  # what the command has started and left behind
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _holder_is_gone() -> bool:
    try:
        readable, _, _ = select.select([0], [], [], POLL_SECONDS)
        return bool(readable) and not os.read(0, 4096)
    except (OSError, ValueError):  # closed here, by SIGTERM
        return True


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill_group(process, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _kill_group(process, signal.SIGKILL)
        process.wait()


def _kill_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        os.killpg(process.pid, number)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
