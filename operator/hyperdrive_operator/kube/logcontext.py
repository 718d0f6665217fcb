"""What a log line is about: set where the work is, read by the formatter.

Context variables: each task, and each thread that asyncio starts, has its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

SWEEP: Final[ContextVar[str]] = ContextVar("sweep", default="")
RECONCILE_ID: Final[ContextVar[str]] = ContextVar("reconcile_id", default="")


@contextmanager
def log_context(*, sweep: str, reconcile_id: str) -> Iterator[None]:
    """Put these on every log line of the block, and of the tasks that are started in it."""
    tokens = [(SWEEP, SWEEP.set(sweep)), (RECONCILE_ID, RECONCILE_ID.set(reconcile_id))]
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)
