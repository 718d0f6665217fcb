"""What a Job does next: one pure decision from the Job, its pods and the time. No IO, no clock, no memory.

After Kubernetes 1.36's Job controller, as far as trials need it. A finished pod is counted exactly once, in three steps
that the status shows: its uid is written to `uncountedTerminatedPods`, its finalizer is taken off, and only then is it
added to `succeeded` or `failed`. So a controller that stops between any two steps goes on where it was.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hyperdrive_local.controllers import job_per_index, job_pods
from hyperdrive_local.controllers.job_decision import Backoff, Decision, JobEvent
from hyperdrive_local.controllers.job_indexes import format_indexes, parse_indexes
from hyperdrive_local.objects import Object, clone
from hyperdrive_local.times import from_text, to_text


@dataclass(slots=True)
class _Pass:
    """The working state of one decision."""

    job: Object
    pods: Sequence[Object]
    now: datetime.datetime
    status: dict[str, Any]
    backoff: Backoff
    active: list[Object] = field(default_factory=list)
    release: list[str] = field(default_factory=list)
    discard: list[str] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    create: list[int | None] = field(default_factory=list)
    events: list[JobEvent] = field(default_factory=list)
    checks: list[float] = field(default_factory=list)

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.job["spec"]
        return spec

    @property
    def suspended(self) -> bool:
        return bool(self.spec.get("suspend"))

    @property
    def indexed(self) -> bool:
        return self.spec.get("completionMode") == "Indexed"

    @property
    def uncounted(self) -> dict[str, list[str]]:
        uncounted: dict[str, list[str]] = self.status["uncountedTerminatedPods"]
        return uncounted

    def total(self, outcome: str) -> int:
        """All that succeeded or failed, counted or about to be."""
        return int(self.status.get(outcome, 0)) + len(self.uncounted.get(outcome, ()))


def decide(job: Object, pods: Sequence[Object], now: datetime.datetime, backoff: Backoff | None = None) -> Decision:
    """One step of the Job; asked again after every change of the Job and of its pods, it is all of them."""
    status = clone(job.get("status") or {})
    if terminal := terminal_condition(status):
        return _finished(job, status, pods, now, terminal)
    status.setdefault("uncountedTerminatedPods", {})
    step = _Pass(job, pods, now, status, backoff or Backoff())
    step.active = [pod for pod in pods if job_pods.is_active(pod)]
    if not step.suspended and "startTime" not in status:
        status["startTime"] = to_text(now)
    _count(step)
    _note_ended(step)
    if not _failing(step):
        _manage(step)
        _complete_or_suspend(step)
    _summarise(step)
    _finish(step)
    return Decision(
        status=status,
        backoff=step.backoff,
        release=tuple(step.release),
        discard=tuple(step.discard),
        delete=tuple(step.delete),
        create=tuple(step.create),
        events=tuple(step.events),
        check_after=min(step.checks, default=None),
    )


def terminal_condition(status: dict[str, Any]) -> dict[str, Any] | None:
    """The condition that says the Job is over."""
    return _condition(status, "Complete") or _condition(status, "Failed")


def _condition(status: dict[str, Any], kind: str) -> dict[str, Any] | None:
    for condition in status.get("conditions", ()):
        if condition["type"] == kind and condition["status"] == "True":
            return dict(condition)
    return None


def _finished(
    job: Object, status: dict[str, Any], pods: Sequence[Object], now: datetime.datetime, terminal: dict[str, Any]
) -> Decision:
    release = tuple(pod["metadata"]["name"] for pod in pods if job_pods.is_tracked(pod))
    seconds = job["spec"].get("ttlSecondsAfterFinished")
    ended = from_text(terminal["lastTransitionTime"])
    if seconds is None or ended is None or job_pods.is_deleting(job):
        return Decision(status, release=release)
    remaining = seconds - (now - ended).total_seconds()
    return Decision(status, release=release, check_after=max(remaining, 0), remove=remaining <= 0)


def _count(step: _Pass) -> None:
    """Third step: what has been noted and let go is counted."""
    held = {pod["metadata"]["uid"] for pod in step.pods if job_pods.is_tracked(pod)}
    for outcome in ("succeeded", "failed"):
        noted = step.uncounted.get(outcome, [])
        kept = [uid for uid in noted if uid in held]
        if counted := len(noted) - len(kept):
            step.status[outcome] = step.status.get(outcome, 0) + counted
        if kept:
            step.uncounted[outcome] = kept
        else:
            step.uncounted.pop(outcome, None)


def _note_ended(step: _Pass) -> None:
    """First and second step: note the uids of pods that ended, and let them go."""
    noted = {uid for uids in step.uncounted.values() for uid in uids}
    fresh = []
    has_failed = _condition(step.status, "FailureTarget") is not None
    indexes = _completed(step)
    for pod in step.pods:
        metadata = pod["metadata"]
        succeeded = job_pods.phase_of(pod) == "Succeeded"
        # of a Job that has failed every pod counts as failed that has not succeeded by then
        failed = job_pods.is_failed(pod, step.job) or (has_failed and not succeeded)
        if not job_pods.is_tracked(pod) or not (succeeded or failed):
            continue
        if not (succeeded or has_failed) and job_per_index.is_kept(pod, step.job, step.pods):
            continue
        step.release.append(metadata["name"])
        if metadata["uid"] in noted:
            continue
        fresh.append(pod)
        index = job_pods.completion_index(pod)
        if succeeded and step.indexed:
            indexes |= {index} if index is not None and index < step.spec["completions"] else set()
        elif succeeded:
            step.uncounted.setdefault("succeeded", []).append(metadata["uid"])
        elif job_pods.match_failure(pod, step.job).counts:
            step.uncounted.setdefault("failed", []).append(metadata["uid"])
    step.backoff = step.backoff.after(step.job, fresh)
    if step.indexed and indexes:
        step.status["completedIndexes"] = format_indexes(indexes)
        step.status["succeeded"] = len(indexes)
    _note_failed_indexes(step, [] if has_failed else fresh)


def _note_failed_indexes(step: _Pass, ended: Sequence[Object]) -> None:
    """Write down which indexes have used up their tries; not those whose pods were ended for another's failure."""
    if job_per_index.limit_of(step.job) is None:
        return
    known = job_per_index.failed_indexes(step.status)
    used_up = (pod for pod in ended if job_pods.is_failed(pod, step.job) and job_per_index.is_used_up(pod, step.job))
    known |= {index for pod in used_up if (index := job_pods.completion_index(pod)) is not None}
    step.status["failedIndexes"] = format_indexes(known)


def _failing(step: _Pass) -> bool:
    """Whether the Job has failed, now or before: then its pods are deleted, and it ends once they are gone."""
    if not _condition(step.status, "FailureTarget"):
        reason, message = _failure(step)
        if not reason:
            return False
        _add_condition(step, "FailureTarget", reason, message)
    step.delete += [pod["metadata"]["name"] for pod in step.active]
    return True


def _failure(step: _Pass) -> tuple[str, str]:
    """Why it fails: reason and message, empty if it does not."""
    for pod in step.pods:
        if job_pods.is_failed(pod, step.job):
            match = job_pods.match_failure(pod, step.job)
            if match.action == "FailJob":
                return "PodFailurePolicy", match.message
    limit = step.spec.get("backoffLimit", 6)
    if step.total("failed") > limit or _restarted_too_often(step, limit):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    if (remaining := _deadline(step)) is not None:
        if remaining <= 0:
            return "DeadlineExceeded", "Job was active longer than specified deadline"
        step.checks.append(remaining)
    return _failure_of_indexes(step)


def _failure_of_indexes(step: _Pass) -> tuple[str, str]:
    failed = job_per_index.failed_indexes(step.status)
    allowed = step.spec.get("maxFailedIndexes")
    if allowed is not None and len(failed) > allowed:
        return "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
    if failed and len(failed | _completed(step)) >= step.spec["completions"]:
        return "FailedIndexes", "Job has failed indexes"
    return "", ""


def _restarted_too_often(step: _Pass, limit: int) -> bool:
    if step.spec["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(job_pods.restarts_of(pod) for pod in step.pods if not job_pods.is_terminal(pod))
    return restarts >= max(limit, 1)


def _deadline(step: _Pass) -> float | None:
    seconds, start = step.spec.get("activeDeadlineSeconds"), from_text(step.status.get("startTime"))
    if seconds is None or start is None or step.suspended:
        return None
    return float(seconds) - (step.now - start).total_seconds()


def _manage(step: _Pass) -> None:
    """Bring the number of active pods to what the Job wants."""
    if job_pods.is_deleting(step.job):
        return
    active, wanted = len(step.active), _wanted(step)
    if active > wanted:
        # the youngest go first, those that are not ready before those that are
        ranked = sorted(step.active, key=lambda pod: pod["metadata"]["creationTimestamp"], reverse=True)
        ranked.sort(key=job_pods.is_ready)
        step.discard += [pod["metadata"]["name"] for pod in ranked[: active - wanted]]
        return
    missing = wanted - active
    if job_pods.replaces_failed_only(step.job):
        missing -= sum(job_pods.is_terminating(pod) for pod in step.pods)
    if missing <= 0:
        return
    if job_per_index.limit_of(step.job) is not None:
        step.create += _due_indexes(step)[:missing]
        return
    if (remaining := step.backoff.remaining(step.now)) > 0:
        step.checks.append(remaining)
        return
    step.create += _free_indexes(step)[:missing] if step.indexed else [None] * missing


def _wanted(step: _Pass) -> int:
    if step.suspended:
        return 0
    parallelism = int(step.spec.get("parallelism", 1))
    if (completions := step.spec.get("completions")) is None:
        return len(step.active) if step.total("succeeded") else parallelism
    open_ = int(completions) - step.total("succeeded") - len(job_per_index.failed_indexes(step.status))
    return max(0, min(parallelism, open_))


def _due_indexes(step: _Pass) -> list[int]:
    """The indexes whose next pod may be created now: each waits for its own failures alone."""
    waits = {index: job_per_index.remaining(index, step.job, step.pods, step.now) for index in _free_indexes(step)}
    step.checks += [seconds for seconds in waits.values() if seconds > 0]
    return [index for index, seconds in waits.items() if seconds <= 0]


def _completed(step: _Pass) -> set[int]:
    return set(parse_indexes(step.status.get("completedIndexes", "")))


def _free_indexes(step: _Pass) -> list[int]:
    taken = _completed(step) | job_per_index.failed_indexes(step.status)
    taken |= {index for pod in step.active if (index := job_pods.completion_index(pod)) is not None}
    return [index for index in range(step.spec["completions"]) if index not in taken]


def _complete_or_suspend(step: _Pass) -> None:
    """Conditions of a Job that has not failed."""
    active = len(step.active) - len(step.discard) + len(step.create)
    completions = step.spec.get("completions")
    succeeded = step.total("succeeded")
    enough = succeeded > 0 if completions is None else succeeded >= completions
    if enough and active == 0:
        if not _condition(step.status, "SuccessCriteriaMet"):
            _add_condition(
                step, "SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"
            )
        return
    present = _condition(step.status, "Suspended")
    if step.suspended and not present:
        _add_condition(step, "Suspended", "JobSuspended", "Job suspended")
        step.status.pop("startTime", None)
        step.events.append(JobEvent("Normal", "Suspended", "Job suspended"))
    elif present and not step.suspended:
        _add_condition(step, "Suspended", "JobResumed", "Job resumed", "False")
        step.status["startTime"] = to_text(step.now)
        step.events.append(JobEvent("Normal", "Resumed", "Job resumed"))
        if (remaining := _deadline(step)) is not None:
            step.checks.append(remaining)


def _summarise(step: _Pass) -> None:
    """The numbers, as they will be once the decision is carried out."""
    leaving = {*step.discard, *step.delete}
    staying = [pod for pod in step.active if pod["metadata"]["name"] not in leaving]
    active = len(staying) + len(step.create)
    step.status.pop("active", None)
    if active:
        step.status["active"] = active
    step.status["ready"] = sum(job_pods.is_ready(pod) for pod in staying)
    step.status["terminating"] = sum(job_pods.is_terminating(pod) for pod in step.pods) + len(leaving)


def _finish(step: _Pass) -> None:
    """The Job's end, once every pod is counted and gone."""
    target = _condition(step.status, "FailureTarget") or _condition(step.status, "SuccessCriteriaMet")
    pending = step.uncounted or step.release or step.status.get("active") or step.status["terminating"]
    if target is None or pending:
        return
    complete = target["type"] == "SuccessCriteriaMet"
    _add_condition(step, "Complete" if complete else "Failed", target["reason"], target["message"])
    if complete:
        step.status["completionTime"] = to_text(step.now)
        step.events.append(JobEvent("Normal", "Completed", "Job completed"))
    else:
        step.events.append(JobEvent("Warning", target["reason"], target["message"]))
    if (seconds := step.spec.get("ttlSecondsAfterFinished")) is not None:
        step.checks.append(seconds)


def _add_condition(step: _Pass, kind: str, reason: str, message: str, status: str = "True") -> None:
    moment = to_text(step.now)
    condition = {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastProbeTime": moment,
        "lastTransitionTime": moment,
    }
    others = step.status.get("conditions", [])
    if any(other["type"] == kind for other in others):
        step.status["conditions"] = [condition if other["type"] == kind else other for other in others]
    else:
        step.status["conditions"] = [*others, condition]
