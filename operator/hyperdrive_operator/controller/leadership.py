"""Which of several replicas works: what the controller needs to know of it."""

from typing import Protocol


class Leadership(Protocol):
    """Says whether we are the leader."""

    @property
    def is_held(self) -> bool:
        """We are the leader, and nobody else can be."""

    async def wait(self) -> None:
        """Return when we are the leader."""


class Alone:
    """There is no other replica, or nobody minds."""

    is_held = True
    role = ""

    async def wait(self) -> None:
        """Return at once."""
