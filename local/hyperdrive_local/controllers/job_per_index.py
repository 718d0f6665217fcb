"""`backoffLimitPerIndex`: each index of an Indexed Job has tries of its own. Pure questions; no IO, no clock.

How often an index has failed stands on its pods, as an annotation of the tries before. So the last pod that failed is
kept (by its finalizer) until the next one has been made from it.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from hyperdrive_local.controllers import job_pods
from hyperdrive_local.controllers.job_decision import Backoff
from hyperdrive_local.controllers.job_indexes import parse_indexes
from hyperdrive_local.objects import Object

FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"


@dataclass(frozen=True, slots=True)
class Tries:
    """The failures of an index before a pod: those that count, and those that a pod failure policy ignores."""

    failures: int = 0
    ignored: int = 0

    @property
    def annotations(self) -> dict[str, str]:
        """What a pod says of them."""
        ignored = {IGNORED: str(self.ignored)} if self.ignored else {}
        return {FAILURES: str(self.failures), **ignored}


def limit_of(job: Object) -> int | None:
    """How often an index may fail and be tried again; None: the Job has no such limit."""
    limit = job["spec"].get("backoffLimitPerIndex")
    return int(limit) if limit is not None and job["spec"].get("completionMode") == "Indexed" else None


def failed_indexes(status: Object) -> set[int]:
    """The indexes that have used up their tries."""
    return set(parse_indexes(status.get("failedIndexes") or ""))


def is_used_up(pod: Object, job: Object) -> bool:
    """Whether a pod that failed was its index's last try."""
    limit = limit_of(job)
    match = job_pods.match_failure(pod, job)
    if limit is None or match.action == "Ignore":
        return False
    return match.action == "FailIndex" or _before(pod).failures >= limit


def is_kept(pod: Object, job: Object, pods: Sequence[Object]) -> bool:
    """Whether a pod that failed must stay, since the next one of its index is still to be made from it."""
    if limit_of(job) is None or job_pods.is_deleting(job) or is_used_up(pod, job):
        return False
    return last_failed(job_pods.completion_index(pod), job, pods) is pod and not any(
        _rank(other) > _rank(pod) for other in pods if _is_of(other, job_pods.completion_index(pod))
    )


def last_failed(index: int | None, job: Object, pods: Sequence[Object]) -> Object | None:
    """The last pod of an index that failed."""
    failed = [pod for pod in pods if _is_of(pod, index) and job_pods.is_failed(pod, job)]
    return max(failed, key=_rank, default=None)


def tries_before(index: int | None, job: Object, pods: Sequence[Object]) -> Tries:
    """What the next pod of an index is told."""
    last = last_failed(index, job, pods)
    if last is None:
        return Tries()
    before = _before(last)
    if job_pods.match_failure(last, job).counts:
        return Tries(before.failures + 1, before.ignored)
    return Tries(before.failures, before.ignored + 1)


def remaining(index: int, job: Object, pods: Sequence[Object], now: datetime.datetime) -> float:
    """Seconds until the next pod of an index may be created: longer after each failure of that index."""
    last = last_failed(index, job, pods)
    if last is None:
        return 0.0
    before = _before(last)
    return Backoff(before.failures + before.ignored + 1, job_pods.finished_at(last)).remaining(now)


def _before(pod: Object) -> Tries:
    annotations = pod["metadata"].get("annotations") or {}
    return Tries(*(int(text) if (text := annotations.get(key, "")).isdecimal() else 0 for key in (FAILURES, IGNORED)))


def _rank(pod: Object) -> tuple[int, str]:
    before = _before(pod)
    return before.failures + before.ignored, pod["metadata"].get("creationTimestamp") or ""


def _is_of(pod: Object, index: int | None) -> bool:
    return job_pods.completion_index(pod) == index
