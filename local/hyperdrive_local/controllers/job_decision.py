"""What the Job controller decides, as values."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hyperdrive_local.controllers import job_pods
from hyperdrive_local.objects import Object

FIRST_BACKOFF_SECONDS = 10
MAX_BACKOFF_SECONDS = 600
NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Backoff:
    """The failures since the last success: what the next pod waits for. Kept in memory, as the real one does."""

    failures: int = 0
    last_failure: datetime.datetime | None = None

    def after(self, job: Object, ended: Sequence[Object]) -> "Backoff":
        """With pods that ended just now."""
        backoff = self
        for pod in sorted(ended, key=lambda pod: job_pods.finished_at(pod) or NEVER):
            if job_pods.is_failed(pod, job):
                backoff = Backoff(backoff.failures + 1, job_pods.finished_at(pod))
            else:
                backoff = Backoff()
        return backoff

    def remaining(self, now: datetime.datetime) -> float:
        """Seconds until a pod may be created."""
        if not self.failures or self.last_failure is None:
            return 0
        delay = min(FIRST_BACKOFF_SECONDS * (1 << min(self.failures - 1, 10)), MAX_BACKOFF_SECONDS)
        return max(0.0, delay - (now - self.last_failure).total_seconds())


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An event on the Job, once its status is written."""

    type: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, in this order: write the status, count pods, delete pods, create pods, tell."""

    status: dict[str, Any]
    backoff: Backoff = Backoff()
    release: tuple[str, ...] = ()  # pods whose tracking finalizer goes
    discard: tuple[str, ...] = ()  # pods to delete without counting them
    delete: tuple[str, ...] = ()  # pods to delete; they count as failed
    create: tuple[int | None, ...] = ()  # completion indexes, None for a NonIndexed Job
    events: tuple[JobEvent, ...] = ()
    check_after: float | None = None
    remove: bool = False  # the Job itself: its time to live is over
