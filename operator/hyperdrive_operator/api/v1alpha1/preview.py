"""HyperDrive.status.preview: what a sweep would run that is paused before its first trial."""

from typing import Any, Final

from pydantic import Field

from .base import Model

#: Combinations shown at most.
MAX_FIRST: Final = 10


class Preview(Model):
    """What would run."""

    combinations: int | None = Field(
        default=None,
        description="Combinations of the search space. Left out when they cannot be counted: message says why, and "
        "whether constraints are reckoned in.",
    )
    planned: int = Field(description="Trials that would run.")
    first: list[dict[str, Any]] | None = Field(
        default=None,
        max_length=MAX_FIRST,
        description="The combinations of trials 1, 2 and so on, exactly as they will run.",
    )
    job: dict[str, Any] | None = Field(
        default=None, description="The Job of trial 1 as the API server will get it, but for its owner."
    )
    message: str = Field(description="The same in words, and what is left out.")
