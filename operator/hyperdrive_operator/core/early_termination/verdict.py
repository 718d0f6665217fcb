"""What a policy says of a trial, as values."""

from dataclasses import dataclass

from hyperdrive_operator.api.v1alpha1 import PolicyType


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What a trial had, what it would have needed, the numbers of the trials that say so, and both in words."""

    value: float
    threshold: float
    rivals: tuple[int, ...]
    sentence: str
    #: The report at which it was looked at, if not at the interval at which that was due.
    interval: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A trial is to be ended before its time, and why. The same facts give the same verdict."""

    policy: PolicyType
    interval: int
    value: float
    threshold: float
    #: Names of the trials that the threshold comes from.
    compared_with: tuple[str, ...]
    message: str
