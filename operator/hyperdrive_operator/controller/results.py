"""What came of a plan: what was done, what failed, and what is in the way."""

from collections import Counter
from dataclasses import dataclass, field

from hyperdrive_operator.core.records import Record
from hyperdrive_operator.kube.errors import ClusterError


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why Jobs can't be created, found while trying."""

    reason: str
    message: str


@dataclass(slots=True)
class Outcome:
    """What came of a plan."""

    ended: list[Record] = field(default_factory=list)
    created: int = 0
    #: Reports that were recorded, by where they were read.
    reports: Counter[str] = field(default_factory=Counter)
    has_acted: bool = False
    has_checked_template: bool = False
    obstacle: Obstacle | None = None
    failures: list[ClusterError] = field(default_factory=list)

    def raise_for_failures(self) -> None:
        """Raise the first failure that only another try can mend."""
        if self.failures:
            raise self.failures[0]
