"""What ends a sweep before it has run all its trials: its state, its target and its limits.

All of it is found in the spec and the trials, in each pass anew: so a restart changes nothing, and a sweep whose limit
is raised goes on. For that, an ending must hold for ever once it has ended the sweep, whatever time it is by then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, length_of

from . import timestamps
from .budget import Budget, budget_of, next_look
from .metrics import better
from .outcome import value_of
from .records import ENDED, USABLE, Record, State
from .roster import Roster
from .trials import Trial

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why no more trials are started."""

    reason: str
    message: str
    #: Running trials are ended; else they finish.
    terminates: bool
    is_failure: bool = False

    @property
    def is_wanted(self) -> bool:
        """A person has said so: it is no failure, whatever the trials gave."""
        return self.reason in {names.REASON_STOPPED, names.REASON_CANCELLED}

    def ends(self, trial: Trial) -> bool:
        """Tell whether it ends a trial that has not ended; one that has not begun never begins."""
        return self.terminates or not trial.has_begun


@dataclass(frozen=True, slots=True)
class Course:
    """What ends a sweep now, if anything does, and what will as time passes."""

    ending: Ending | None = None
    #: When limits.timeout is reached.
    deadline: datetime | None = None
    next_check: datetime | None = None
    #: What is used of limits.maxTotalTrialTime and limits.maxResourceHours.
    budget: Budget | None = None


#: What ends a single trial whose own spec says so.
CALLED_OFF: Final = Ending(names.REASON_TRIAL_CANCELLED, "spec.state of the trial is Cancelled", terminates=True)
#: Nothing ends it.
NO_COURSE: Final = Course()


def course_of(spec: HyperDriveSpec, trials: Roster, now: datetime, *, is_done: bool) -> Course:
    """Find what ends a sweep. `is_done` says that it would start no more trials anyway."""
    deadline = deadline_of(spec, trials)
    budget = budget_of(spec.limits, trials, now)
    found: list[Ending] = []
    for ending in (
        *_declared(spec),
        *_of_results(spec, trials),
        *_of_budget(spec, budget),
        *_of_time(spec, deadline, now),
    ):
        # what would have changed nothing has not ended the sweep
        if not (is_done or found) or _makes_a_difference(ending, trials, deadline):
            found.append(ending)
    first = next((one for one in found if one.terminates), found[0] if found else None)
    is_open = not (is_done or found) or bool(trials.unended)
    coming = [deadline] if deadline is not None and deadline > now and is_open else []
    coming += filter(None, [next_look(budget, now)])
    return Course(first, deadline, min(coming, default=None), budget)


def open_course(spec: HyperDriveSpec, trials: Roster, now: datetime) -> Course:
    """Return the course of a sweep that nothing ends now."""
    return Course(deadline=deadline_of(spec, trials), budget=budget_of(spec.limits, trials, now))


def deadline_of(spec: HyperDriveSpec, trials: Roster) -> datetime | None:
    """Return when limits.timeout is reached: it runs from the start of the first pod on."""
    if spec.limits.timeout is None:
        return None
    starts = [trial.record.first_started or trial.record.started for trial in trials.unended]
    began = min((start for start in (trials.ended.first_start, *starts) if start is not None), default=None)
    # records tell whole seconds, and a trial that is ended at the deadline must not seem to have ended before
    return (began + length_of(spec.limits.timeout)).replace(microsecond=0) if began else None


def _makes_a_difference(ending: Ending, trials: Roster, deadline: datetime | None) -> bool:
    """Tell whether an ending has cut a trial short, or still can: else the sweep had ended without it."""
    if ending.is_failure or ending.reason == names.REASON_TARGET_REACHED:
        return True
    since = deadline if ending.reason == names.REASON_TIMEOUT_REACHED and deadline else _BEGINNING
    return bool(trials.unended) or any(_was_cut(trial.record, ending.reason, since) for trial in trials.ended.trials)


def _was_cut(record: Record, reason: str, since: datetime) -> bool:
    return record.state is State.CANCELLED and record.reason == reason and (record.ended or since) >= since


def _declared(spec: HyperDriveSpec) -> Iterator[Ending]:
    if spec.state == "Cancelled":
        yield Ending(names.REASON_CANCELLED, "spec.state is Cancelled", terminates=True)
    elif spec.state == "Stopped":
        yield Ending(names.REASON_STOPPED, "spec.state is Stopped", terminates=False)


def _of_results(spec: HyperDriveSpec, trials: Roster) -> Iterator[Ending]:
    terminates = spec.running_trials.when_ended == "Terminate"
    if message := _failures(spec, trials):
        yield Ending(names.REASON_TOO_MANY_FAILED_TRIALS, message, terminates, is_failure=True)
    if message := _target(spec, trials):
        yield Ending(names.REASON_TARGET_REACHED, message, terminates)
    if message := _stagnation(spec, trials):
        yield Ending(names.REASON_NO_IMPROVEMENT, message, terminates)


def _of_budget(spec: HyperDriveSpec, budget: Budget | None) -> Iterator[Ending]:
    if budget is not None and (why := budget.why_spent):
        yield Ending(names.REASON_BUDGET_SPENT, why, spec.running_trials.when_ended == "Terminate")


def _of_time(spec: HyperDriveSpec, deadline: datetime | None, now: datetime) -> Iterator[Ending]:
    """Time comes last: only it goes on after the end, and must not take the place of what has ended the sweep."""
    if deadline is not None and now >= deadline:
        message = f"limits.timeout {spec.limits.timeout} was reached at {timestamps.text(deadline)}"
        yield Ending(names.REASON_TIMEOUT_REACHED, message, spec.running_trials.when_ended == "Terminate")


def _failures(spec: HyperDriveSpec, trials: Roster) -> str:
    allowed = spec.limits.max_failed_trials
    if allowed is None:
        return ""
    failed, last = trials.ended.counts[State.FAILED], trials.ended.last_failed
    if failed <= allowed or last is None:
        return ""
    return (
        f"{failed} trials have failed, and limits.maxFailedTrials allows {allowed}; "
        f"{last.name}: {last.reason}: {last.message}"
    )


def _target(spec: HyperDriveSpec, trials: Roster) -> str:
    target, goal = spec.objective.target, spec.objective.goal
    if target is None:
        return ""
    best = trials.ended.best_report.get(goal)
    is_reached = best is not None and not better(goal, target, best)
    for trial in trials if is_reached else trials.unended:  # of all that have reached it the one with the lowest number
        value = _best_report(trial)
        if value is not None and not better(goal, target, value):
            metric = spec.objective.primary_metric
            return f"{trial.record.name} has reached objective.target {target:g} with {metric}={value:g}"
    return ""


def _best_report(trial: Trial) -> float | None:
    """Return the best report of a trial that counts: whatever it reported later, it has reported this."""
    record = trial.record
    if record.state not in ENDED:
        has_failed = trial.job is not None and trial.job.finished == "Failed"
        return None if has_failed else trial.progress.best
    return record.best_report if record.state in USABLE else None


def _stagnation(spec: HyperDriveSpec, trials: Roster) -> str:
    """Say since which trial there was no improvement, if that is long enough."""
    allowed, goal = spec.limits.max_trials_without_improvement, spec.objective.goal
    if allowed is None:
        return ""
    best = trials.ended.earliest_best.get(goal)
    if best is None or trials.ended.valued <= allowed:
        return ""
    # one that was cancelled could not show what it is worth
    later = trials.ended.completed_after(best)
    if later < allowed or any(_improves(trial, spec, best) for trial in trials.unended):
        return ""
    return f"{later} trials since {best.name} have ended with a value, and none of them was better"


def _improves(trial: Trial, spec: HyperDriveSpec, best: Record) -> bool:
    """Tell whether a trial that still runs is better by now than all that have ended."""
    value = value_of(trial.progress, spec)
    return value is not None and better(spec.objective.goal, value, best.value)
