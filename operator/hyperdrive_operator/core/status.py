"""HyperDrive.status, computed whole from what is observed; never patched field by field, never a trigger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import BestTrial, HyperDriveStatus, ParetoTrial, TrialCounts, WarmStartStatus
from hyperdrive_operator.api.v1alpha1.status import State as SweepState

from . import timestamps
from .actions import STARTS
from .conditions import Finding, dated, truth
from .metrics import Goal, better
from .pareto import Archive, Point, shown
from .patch import without_nulls
from .planning import Hold, Plan, is_paused, is_podless
from .prior import NO_PRIOR, Prior
from .problems import sentence
from .sweep import Sweep
from .trials import USABLE, Record, State, Trial

_ALL_KNOWN = (
    "the sweeps of spec.warmStart.from have run every combination of spec.searchSpace: nothing is left to run. "
    "To run them again: create another HyperDrive without warmStart.skipKnown"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the status is made from."""

    sweep: Sweep
    trials: Sequence[Trial]
    plan: Plan
    hold: Hold | None
    is_template_checked: bool
    #: What is known of the Pareto front already.
    archive: Archive = field(default_factory=Archive)
    prior: Prior = NO_PRIOR

    @property
    def is_over(self) -> bool:
        """Nothing runs and nothing more will be started."""
        if self.sweep.problems or self.hold is not None:
            return False
        # from the newest on: while any runs it is mostly the first that is looked at
        if not all(trial.is_ended and not trial.is_ending for trial in reversed(self.trials)):
            return False
        if any(isinstance(action, STARTS) for action in self.plan.actions):
            return False
        no_more = self.plan.is_hopeless or self.plan.is_exhausted
        return no_more or (0 < self.plan.planned <= len(self.trials))

    @property
    def is_paused(self) -> bool:
        """No more trials shall be started for now."""
        return self.sweep.spec is not None and is_paused(self.sweep.spec)

    @property
    def has_result(self) -> bool:
        """At least one trial gave a value."""
        return any(trial.record.state in USABLE and trial.record.value is not None for trial in self.trials)

    @property
    def is_all_known(self) -> bool:
        """It is over without a trial, since the earlier sweeps have run all that there is."""
        return self.is_over and not self.trials and bool(self.prior.known or self.prior.missing)

    @property
    def is_complete(self) -> bool:
        """It is over, and it is no failure."""
        return self.is_over and (self.has_result or self.is_all_known)

    @property
    def front(self) -> Sequence[Point] | None:
        """The Pareto front; None where there is but one objective."""
        if self.sweep.spec is None or not self.sweep.spec.objective.additional_objectives:
            return None
        return self.archive.front(self.sweep.spec.objective.goals, self.trials)


def summarise(facts: Facts, now: datetime) -> dict[str, Any]:
    """Return the whole status as JSON. Two calls with the same facts give the same status."""
    previous = facts.sweep.status
    findings = [_accepted(facts), _progressing(facts), _stalled(facts, now), _complete(facts), _failed(facts)]
    counts = _counts(facts)
    ended = counts.succeeded + counts.failed + (counts.early_stopped or 0)
    has_begun = bool(facts.trials)
    front = facts.front
    status = HyperDriveStatus(
        observed_generation=facts.sweep.generation,
        state=_state(facts, findings[0]),
        progress=f"{ended}/{counts.planned}",
        trials=counts,
        time_saved_seconds=_time_saved(facts),
        best_trial=best_trial(facts),
        pareto_front=_pareto_front(facts, front) if front else None,
        pareto_front_size=len(front) if front else None,
        warm_start=_warm_start(facts),
        preview=facts.plan.outlook.shown if facts.plan.outlook else None,
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


def best_trial(facts: Facts) -> BestTrial | None:
    """Return the trial with the best value, be it stopped before its time; of equals the one on the front, or with the
    lowest number.
    """
    if facts.sweep.spec is None:
        return None
    records = (trial.record for trial in facts.trials)
    if front := facts.front:
        records = (point.record for point in front)
    goal: Goal = facts.sweep.spec.objective.goal
    best: Record | None = None
    best_value: float | None = None
    for record in records:
        if record.state in USABLE and record.value is not None and better(goal, record.value, best_value):
            best, best_value = record, record.value
    if best is None or best_value is None:
        return None
    return BestTrial(name=best.name, number=best.number, value=best_value, parameters=without_nulls(best.parameters))


def _pareto_front(facts: Facts, front: Sequence[Point]) -> list[ParetoTrial] | None:
    return shown(front, facts.sweep.spec.objective.goals) if facts.sweep.spec is not None else None


def _counts(facts: Facts) -> TrialCounts:
    running = sum(trial.is_running for trial in facts.trials)
    succeeded = sum(trial.record.state is State.SUCCEEDED for trial in facts.trials)
    failed = sum(trial.record.state is State.FAILED for trial in facts.trials)
    stopped = sum(trial.record.state is State.EARLY_STOPPED for trial in facts.trials)
    return TrialCounts(
        planned=facts.plan.planned,
        created=len(facts.trials),
        pending=len(facts.trials) - running - succeeded - failed - stopped,
        running=running,
        succeeded=succeeded,
        failed=failed,
        early_stopped=stopped if stopped or _stops_early(facts) else None,
    )


def _stops_early(facts: Facts) -> bool:
    return facts.sweep.spec is not None and facts.sweep.spec.early_termination is not None


def _time_saved(facts: Facts) -> int | None:
    """Return what early termination has saved: the sum of what the trials' records say. None where there is none."""
    saved = [trial.record.seconds_saved for trial in facts.trials if trial.record.state is State.EARLY_STOPPED]
    return sum(saved) if saved or _stops_early(facts) else None


def _state(facts: Facts, accepted: Finding) -> SweepState:
    if accepted.status == "False":
        return "Invalid"
    if facts.is_over:
        return "Complete" if facts.is_complete else "Failed"
    if facts.is_paused:
        return "Paused"
    return "Running" if facts.trials else "Pending"


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
        finding = _complete(facts) if facts.is_complete else _failed(facts)
        return Finding(kind, "False", finding.reason, finding.message)
    if facts.sweep.problems:
        return Finding(kind, "False", facts.sweep.problems[0].reason, "no trial starts before the spec is mended")
    if facts.hold is not None:
        return Finding(kind, "False", facts.hold.reason, "no trial starts for now")
    if facts.is_paused:
        return Finding(kind, "False", names.REASON_PAUSED, _paused(facts))
    return Finding(kind, "True", names.REASON_RUNNING, "trials are being run")


def _paused(facts: Facts) -> str:
    """Return what a pause means now, and how to end it."""
    unfinished = sum(not trial.is_ended for trial in facts.trials)
    so_far = f"no more trials are started, {unfinished} are not finished" if unfinished else "no trial is started"
    patch = """'{"spec":{"state":"Running"}}'"""
    return f"spec.state is Paused: {so_far}. To go on: kubectl patch hd {facts.sweep.name} --type merge -p {patch}"


def _complete(facts: Facts) -> Finding:
    kind = names.CONDITION_COMPLETE
    if not facts.is_complete:
        return Finding(kind, "False", names.REASON_RUNNING, "not all trials have ended")
    if facts.is_all_known:
        return Finding(kind, "True", names.REASON_ALL_KNOWN, _ALL_KNOWN)
    spec = facts.sweep.spec
    best = best_trial(facts)
    if spec is None or best is None:
        return Finding(kind, "False", names.REASON_NO_USABLE_TRIAL, "no trial gave a usable result")
    is_cut = facts.plan.is_exhausted or facts.plan.planned < spec.limits.max_total_trials
    reason = names.REASON_SPACE_EXHAUSTED if is_cut else names.REASON_ALL_TRIALS_FINISHED
    message = (
        f"all {len(facts.trials)} trials have ended; "
        f"best is {best.name} with {spec.objective.primary_metric}={best.value:g}"
    )
    if front := facts.front:
        message += f"; {len(front)} on the Pareto front"
    return Finding(kind, "True", reason, message)


def _failed(facts: Facts) -> Finding:
    kind = names.CONDITION_FAILED
    if not facts.is_over or facts.is_complete:
        return Finding(kind, "False", names.REASON_NOTHING_IN_THE_WAY, "the sweep has not failed")
    return Finding(kind, "True", *_fruitless(facts))


def _stalled(facts: Facts, now: datetime) -> Finding:
    """Say what a person has to mend. Whatever does not move must show here."""
    kind = names.CONDITION_STALLED
    if facts.sweep.problems:
        return Finding(kind, "True", facts.sweep.problems[0].reason, sentence(facts.sweep.problems))
    if facts.hold is not None:
        return Finding(kind, "True", facts.hold.reason, facts.hold.message)
    if any(trial.is_ended for trial in facts.trials) and not facts.has_result:
        return Finding(kind, "True", *_fruitless(facts))
    if not any(trial.is_running for trial in facts.trials) and (waiting := _waiting(facts.trials, now)):
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


def _fruitless(facts: Facts) -> tuple[str, str]:
    """Return reason and message of a sweep none of whose ended trials gave a result: the commonest cause."""
    ended = [trial.record for trial in facts.trials if trial.is_ended]
    if not ended:
        return names.REASON_NO_COMBINATION, (
            "no combination of spec.searchSpace was found that satisfies spec.constraints: "
            "create another HyperDrive whose constraints leave some"
        )
    reasons = Counter(record.reason for record in ended)
    commonest = max(reasons, key=lambda reason: (reasons[reason], reason))
    last = [record for record in ended if record.reason == commonest][-1]
    message = f"{len(ended)} of {len(ended)} ended trials gave no result; {last.name}: {last.message}"
    if facts.plan.is_hopeless:
        selector = f"{names.LABEL_HYPERDRIVE}={facts.sweep.name}"
        message += f"; no more are started. To try again: kubectl delete hyperdrivetrials -l {selector}"
    return commonest or names.REASON_NO_USABLE_TRIAL, message
