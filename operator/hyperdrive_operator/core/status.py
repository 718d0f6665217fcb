"""HyperDrive.status, computed whole from what is observed; never patched field by field, never a trigger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveStatus, ParetoTrial, TrialCounts, WarmStartStatus
from hyperdrive_operator.api.v1alpha1.status import State as SweepState

from . import timestamps
from .completion import complete, failed, fruitless, is_fruitless
from .conditions import Finding, dated, truth
from .endings import Ending
from .facts import Facts, best_trial
from .pareto import Point, shown
from .planning import is_podless
from .problems import sentence
from .records import State
from .suspending import left_to_kueue
from .trials import Trial

_RUNNING: Final = "trials are being run"


def summarise(facts: Facts, now: datetime) -> dict[str, Any]:
    """Return the whole status as JSON. Two calls with the same facts give the same status."""
    previous = facts.sweep.status
    findings = [_accepted(facts), _progressing(facts), _stalled(facts, now), complete(facts), failed(facts)]
    counts = _counts(facts)
    ended = counts.succeeded + counts.failed + (counts.early_stopped or 0) + (counts.cancelled or 0)
    has_begun = bool(facts.trials)
    front = facts.front
    status = HyperDriveStatus(
        observed_generation=facts.sweep.generation,
        state=_state(facts, findings[0]),
        progress=f"{ended}/{counts.planned}",
        trials=counts,
        time_saved_seconds=_time_saved(facts),
        budget=facts.plan.course.budget.shown if facts.plan.course.budget else None,
        best_trial=best_trial(facts),
        pareto_front=_pareto_front(facts, front) if front else None,
        pareto_front_size=len(front) if front else None,
        warm_start=_warm_start(facts),
        preview=facts.plan.outlook.shown if facts.plan.outlook else None,
        deadline=timestamps.text(deadline) if (deadline := facts.plan.course.deadline) else None,
        start_time=(previous.get("startTime") or timestamps.text(now)) if has_begun else None,
        completion_time=(previous.get("completionTime") or timestamps.text(now)) if facts.is_over else None,
        conditions=dated(findings, previous.get("conditions") or (), generation=facts.sweep.generation, now=now),
    )
    return status.model_dump(by_alias=True, exclude_none=True)


def _warm_start(facts: Facts) -> WarmStartStatus | None:
    """Return what was known at the end of a sweep that is over, however its sources go on: that is what it used."""
    previous = facts.sweep.status
    if facts.is_over and "completionTime" in previous and (known := previous.get("warmStart")):
        return WarmStartStatus.model_validate(known)
    return facts.prior.status


def _pareto_front(facts: Facts, front: Sequence[Point]) -> list[ParetoTrial] | None:
    return shown(front, facts.sweep.spec.objective.goals) if facts.sweep.spec is not None else None


def _counts(facts: Facts) -> TrialCounts:
    ended = facts.trials.ended.counts
    running = sum(trial.is_running or trial.is_concluding for trial in facts.trials.live)
    succeeded, failed = ended[State.SUCCEEDED], ended[State.FAILED]
    stopped, cancelled = ended[State.EARLY_STOPPED], ended[State.CANCELLED]
    return TrialCounts(
        planned=facts.plan.planned,
        created=len(facts.trials),
        queued=len(facts.trials) - running - succeeded - failed - stopped - cancelled,
        running=running,
        succeeded=succeeded,
        failed=failed,
        early_stopped=stopped if stopped or _stops_early(facts) else None,
        cancelled=cancelled or None,
    )


def _stops_early(facts: Facts) -> bool:
    return facts.sweep.spec is not None and facts.sweep.spec.early_termination is not None


def _time_saved(facts: Facts) -> int | None:
    """Return what early termination has saved: the sum of what the trials' records say. None where there is none."""
    ended = facts.trials.ended
    return ended.seconds_saved if ended.counts[State.EARLY_STOPPED] or _stops_early(facts) else None


def _state(facts: Facts, accepted: Finding) -> SweepState:
    if facts.ending is not None:
        return _state_of_ending(facts, facts.ending)
    if accepted.status == "False":
        return "Invalid"
    if facts.is_over:
        return "Complete" if facts.is_complete else "Failed"
    if facts.is_paused:
        return "Paused"
    if not facts.trials:
        return "Pending"
    return "Queued" if held(facts.trials.live) else "Running"


def _state_of_ending(facts: Facts, ending: Ending) -> SweepState:
    if not facts.is_over:
        return "Stopping"
    if ending.is_wanted:
        return "Cancelled" if ending.reason == names.REASON_CANCELLED else "Stopped"
    return "Complete" if facts.is_complete else "Failed"


def _accepted(facts: Facts) -> Finding:
    kind = names.CONDITION_ACCEPTED
    if problems := facts.sweep.problems:
        return Finding(kind, "False", problems[0].reason, sentence(problems))
    if facts.hold is not None and facts.hold.reason == names.REASON_INVALID_TEMPLATE:
        return Finding(kind, "False", facts.hold.reason, facts.hold.message)
    if facts.trials or facts.is_template_checked:
        return Finding(kind, "True", names.REASON_VALID, "the spec is valid and the API server takes its Jobs")
    return Finding(kind, "Unknown", names.REASON_UNCHECKED, "the Job of the first trial is not checked yet")


def _progressing(facts: Facts) -> Finding:
    kind = names.CONDITION_PROGRESSING
    if facts.is_over:
        finding = complete(facts) if facts.is_complete else failed(facts)
        return Finding(kind, "False", finding.reason, finding.message)
    if facts.ending is not None:
        unfinished = len(facts.trials.unfinished)
        message = f"{facts.ending.message}: no more trials are started, {unfinished} are not finished"
        return Finding(kind, "True", facts.ending.reason, message)
    if facts.sweep.problems:
        return Finding(kind, "False", facts.sweep.problems[0].reason, "no trial starts before the spec is mended")
    if facts.hold is not None:
        return Finding(kind, "False", facts.hold.reason, "no trial starts for now")
    if facts.is_paused:
        return Finding(kind, "False", names.REASON_PAUSED, _paused(facts))
    waiting = held(facts.trials.live)
    reason, message = (names.REASON_QUEUED, _queued(waiting)) if waiting else (names.REASON_RUNNING, _RUNNING)
    return Finding(kind, "True", reason, message)


def held(trials: Sequence[Trial]) -> int:
    """Return how many trials wait for quota or a node, if none runs: then the sweep waits."""
    if any(trial.is_running for trial in trials):
        return 0
    return sum(trial.is_held for trial in trials)


def _queued(waiting: int) -> str:
    return (
        f"no trial runs, {waiting} wait: their Jobs are suspended (as Kueue does until there is quota), "
        "or their pods find no node. No clock runs until they do"
    )


def _paused(facts: Facts) -> str:
    """Return what a pause means now, and how to end it."""
    unfinished = sum(trial.job is not None for trial in facts.trials.unended)  # others were recorded ahead
    kueues = left_to_kueue(facts.sweep.spec, facts.trials.live) if facts.sweep.spec is not None else 0
    so_far = f"no more trials are started, {unfinished} are not finished" if unfinished else "no trial is started"
    if kueues:
        so_far += f", {kueues} of them in Kueue's queues, where only Kueue suspends"
    patch = """'{"spec":{"state":"Running"}}'"""
    return f"spec.state is Paused: {so_far}. To go on: kubectl patch hd {facts.sweep.name} --type merge -p {patch}"


def _stalled(facts: Facts, now: datetime) -> Finding:
    """Say what a person has to mend. Whatever does not move must show here."""
    kind = names.CONDITION_STALLED
    if facts.sweep.problems:
        return Finding(kind, "True", facts.sweep.problems[0].reason, sentence(facts.sweep.problems))
    if facts.hold is not None and not facts.is_over:
        return Finding(kind, "True", facts.hold.reason, facts.hold.message)
    if (end := failed(facts)).status == "True":  # kstatus knows Stalled, not Failed
        return Finding(kind, "True", end.reason, end.message)
    if not facts.has_result and any(is_fruitless(trial) for trial in facts.trials.ended.trials):
        return Finding(kind, "True", *fruitless(facts))
    live = facts.trials.live
    if not any(trial.is_running for trial in live) and (waiting := _waiting(live, now)):
        return Finding(kind, "True", *waiting)
    return Finding(kind, truth(holds=False), names.REASON_NOTHING_IN_THE_WAY, "nothing is in the way")


def _waiting(trials: Sequence[Trial], now: datetime) -> tuple[str, str] | None:
    """Return reason and message of trials that do not come to run; one suspended (queued by Kueue, say) is no such."""
    waiting = [trial for trial in trials if trial.is_active and trial.pod and trial.pod.waiting]
    podless = [trial for trial in trials if is_podless(trial, now)]
    stuck = waiting or podless
    if not stuck:
        return None
    name, more = stuck[0].record.name, len(stuck) - 1
    others = f" ({more} more wait)" if more else ""
    if waiting:
        pod = waiting[0].pod
        return names.REASON_POD_WAITING, f"{name} does not start: {pod.waiting if pod else ''}{others}"
    return names.REASON_POD_NOT_CREATED, (
        f"the Job {name} gets no pod: `kubectl describe job {name}` says why "
        f"(a quota, a limit range, an admission policy, a missing service account){others}"
    )
