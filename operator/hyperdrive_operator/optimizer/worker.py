"""The process that optimises: a request in, proposals out, until its input ends. Only here are the libraries imported.

Messages are pickles, each after its length in four bytes. A process of its own, since a call takes up to seconds of
pure computing, and one that hangs or dies of too little memory must take nothing with it.
"""

import logging
import os
import pickle
import signal
import struct
import sys
import warnings
from typing import Any, BinaryIO, Final

LENGTH: Final = struct.Struct(">I")
#: What the process says first, once all is imported.
READY: Final = "ready"


def encoded(message: Any) -> bytes:
    """Return a message as it is sent."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


def decoded(body: bytes) -> Any:
    """Return the message of a body, without its length."""
    return pickle.loads(body)  # noqa: S301  it comes through a pipe between us and our own child


def main() -> None:
    """Answer requests from standard input on standard output: ("ok", proposals) or ("error", what it was)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the operator's: it ends us by closing our input
    os.putenv(
        "OPENBLAS_NUM_THREADS", "1"
    )  # for the library, not for Python: matrices are tiny, and threads cost memory
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not end up among the answers
    warnings.simplefilter("ignore")  # they are for programmers, and checked in the tests
    logging.disable(logging.WARNING)

    from .propose import propose  # noqa: PLC0415  a second of imports: only after the above

    _send(answers, (READY, None))
    while (request := _receive(sys.stdin.buffer)) is not None:
        try:
            answer: tuple[str, Any] = ("ok", propose(request))
        except Exception as error:  # noqa: BLE001  whatever a library finds: the operator says so, and tries again
            answer = ("error", f"{type(error).__name__}: {error}")
        _send(answers, answer)


def _receive(requests: BinaryIO) -> Any:
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return decoded(requests.read(LENGTH.unpack(head)[0]))


def _send(answers: BinaryIO, message: Any) -> None:
    answers.write(encoded(message))
    answers.flush()


if __name__ == "__main__":
    main()
