"""What is wrong with something a user wrote: the field, and the fix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from hyperdrive_operator.api import names


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that only the user can mend."""

    reason: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def sentence(problems: Sequence[Problem], *, at_most: int = 5) -> str:
    """Return the problems as one message for people."""
    shown = "; ".join(str(problem) for problem in problems[:at_most])
    more = len(problems) - at_most
    return f"{shown}; and {more} more" if more > 0 else shown


def problems_of(error: ValidationError, prefix: str = "spec") -> tuple[Problem, ...]:
    """Return what pydantic found, worded as the API server words it: camelCase paths with indices in brackets."""
    return tuple(
        Problem(names.REASON_INVALID_SPEC, _path(prefix, detail["loc"]), detail["msg"].removeprefix("Value error, "))
        for detail in error.errors(include_url=False, include_input=False)
    )


def _path(prefix: str, location: tuple[Any, ...]) -> str:
    path = prefix
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path
