"""What the controller counts, for whoever shows it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from hyperdrive_operator.core.sweep import Sweep


class TrialTelemetry(Protocol):
    """What is counted of trials in a pass."""

    def trial_ended(self, state: str) -> None:
        """Count a trial's end."""

    def reported(self, source: str, reports: int) -> None:
        """Count reports of trials that were recorded, by where they were read."""

    def place_filled(self, seconds: float) -> None:
        """Take in how long a place was empty, from the end of a trial's Job to the creation of the next."""


class Telemetry(TrialTelemetry, Protocol):
    """All that is counted."""

    def reconciled(self, result: str, seconds: float) -> None:
        """Count one reconcile."""

    def queue_depth(self, depth: int) -> None:
        """Set the number of waiting keys."""

    def sweeps(self, counts: Mapping[str, int]) -> None:
        """Set the number of sweeps by state."""

    def trials(self, counts: Mapping[str, int]) -> None:
        """Set the number of trials by state."""

    def stalled(self, count: int) -> None:
        """Set the number of sweeps that a person must mend."""

    def seconds_saved(self, seconds: int) -> None:
        """Set what early termination has saved."""

    def best_values(self, sweeps: Sequence[Sweep]) -> None:
        """Set the sweeps whose best values may be shown."""

    def log_streams(self, count: int) -> None:
        """Set the number of logs that are followed."""

    def proposed(self, sampler: str, result: str, seconds: float) -> None:
        """Count an answer of an optimiser: `ok`, or `failed`."""
