"""Telemetry that a test can read."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counted:
    """What the operator counted, over all its restarts."""

    ended: Counter[str] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)
    proposals: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: How long each place was empty that was filled again, in seconds.
    places: list[float] = field(default_factory=list)

    def trial_ended(self, state: str) -> None:
        self.ended[state] += 1

    def reported(self, source: str, reports: int) -> None:
        self.reports[source] += reports

    def place_filled(self, seconds: float) -> None:
        self.places.append(seconds)

    def proposed(self, sampler: str, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.proposals[sampler, result] += 1
