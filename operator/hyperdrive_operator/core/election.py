"""Who is the leader: what a Lease says, when it is free, and what to write into it.

As client-go does it: whether the holder is alive is judged by how long ago *we* saw the Lease change, on our own clock
that never goes back. The times in a Lease are for people; clocks of two nodes may differ as they like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

Spec = dict[str, Any]

#: Of a Lease's duration: within it a leader must have renewed it, or it stops; the rest is for stopping.
RENEW_DEADLINE: Final = 0.7
#: A leader renews it this often, so that three renewals in a row may fail.
RENEW_EVERY: Final = 0.2
#: Whoever waits looks this often: what is given back is taken this soon.
LOOK_EVERY: Final = 0.1


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a Lease lasts, and what follows from it."""

    duration: float

    @property
    def renew_deadline(self) -> float:
        """Seconds after its last renewal at which a leader stops."""
        return self.duration * RENEW_DEADLINE

    @property
    def renew_every(self) -> float:
        """Seconds between renewals."""
        return self.duration * RENEW_EVERY

    @property
    def look_every(self) -> float:
        """Seconds between two looks at a Lease of another."""
        return self.duration * LOOK_EVERY


@dataclass(frozen=True, slots=True)
class Claim:
    """What a Lease says. Two equal ones were not renewed between."""

    holder: str
    duration: float
    acquired: str
    renewed: str
    transitions: int


@dataclass(frozen=True, slots=True)
class Sight:
    """A claim, and since when we know it, on our own clock."""

    claim: Claim
    since: float


def read_claim(body: Mapping[str, Any]) -> Claim:
    """Read a Lease as the API server sends it. One that says nothing is held by nobody."""
    spec = body.get("spec") or {}
    return Claim(
        holder=str(spec.get("holderIdentity") or ""),
        duration=float(spec.get("leaseDurationSeconds") or 0),
        acquired=str(spec.get("acquireTime") or ""),
        renewed=str(spec.get("renewTime") or ""),
        transitions=int(spec.get("leaseTransitions") or 0),
    )


def look(before: Sight | None, claim: Claim, now: float) -> Sight:
    """Return what we know after we have seen this claim: a holder who renews it is alive."""
    return before if before is not None and before.claim == claim else Sight(claim, now)


def free_from(sight: Sight, me: str) -> float:
    """Return the moment, on our clock, from which we may take the Lease. The duration is the holder's, not ours."""
    if sight.claim.holder in {"", me}:
        return sight.since
    return sight.since + sight.claim.duration


def taken(before: Claim | None, me: str, duration: float, now: datetime) -> Spec:
    """Return the spec that takes a Lease, or renews ours."""
    stamp = _stamp(now)
    is_ours = before is not None and before.holder == me and before.acquired != ""
    transitions = 0 if before is None else before.transitions + (not is_ours)
    return {
        "holderIdentity": me,
        "leaseDurationSeconds": round(duration),
        "acquireTime": before.acquired if before is not None and is_ours else stamp,
        "renewTime": stamp,
        "leaseTransitions": transitions,
    }


def given_back(now: datetime) -> Spec:
    """Return what gives a Lease back: whoever waits takes it at the next look."""
    return {"holderIdentity": "", "renewTime": _stamp(now)}


def _stamp(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
