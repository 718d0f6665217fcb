"""What a log line is about: set where the work is, read by the formatter.

Context variables: each task, and each thread that asyncio starts, has its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

SWEEP: Final[ContextVar[str]] = ContextVar("sweep", default="")
TRIAL: Final[ContextVar[str]] = ContextVar("trial", default="")
RECONCILE_ID: Final[ContextVar[str]] = ContextVar("reconcile_id", default="")


@contextmanager
def log_context(
    *, sweep: str | None = None, trial: str | None = None, reconcile_id: str | None = None
) -> Iterator[None]:
    """Put these on every log line of the block. What is None stays as it is outside."""
    given = [(SWEEP, sweep), (TRIAL, trial), (RECONCILE_ID, reconcile_id)]
    tokens = [(variable, variable.set(value)) for variable, value in given if value is not None]
    try:
        yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)
