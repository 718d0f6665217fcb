"""What to do next for one sweep: a plan of actions, as values. Nothing here acts, remembers or asks the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .actions import (
    Action,
    CheckTemplate,
    CreateJob,
    CreateTrial,
    PrepareTrial,
    Propose,
)
from .attempts import asked_for, due_retries
from .early_termination import Verdict
from .endings import NO_COURSE, Course, course_of, open_course
from .jobs import Manifest, build_first_job, trial_name
from .pacing import DEFAULT_PACE, Pace
from .preview import Outlook, make_outlook
from .prior import NO_PRIOR, Prior, obstacle
from .prior import planned as planned_with
from .roster import Roster
from .settling import settle
from .space import Parameters
from .starting import Next, next_trials
from .sweep import Sweep
from .trials import Trial

#: A Job has its pod within a second. After so long without one there is something that only the Job's events tell.
PODLESS_PATIENCE = timedelta(seconds=15)
#: Whether a HyperDrive that spec.warmStart.from names has come to be is asked so often.
MISSING_PAUSE = timedelta(seconds=10)
#: A sweep without one usable result among this many ended trials starts no more (or among as many as run at once).
HOPELESS_AFTER = 5
NO_VERDICTS: Final[Mapping[int, Verdict]] = MappingProxyType({})
#: What becomes a trial's Job, now or soon.
Beginning = CreateTrial | PrepareTrial | CreateJob


@dataclass(frozen=True, slots=True)
class Hold:
    """Why no Job is created for now, and when to try again."""

    reason: str
    message: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Proposals:
    """Combinations that an optimiser has proposed, by number (None: there is no more), or why it has not."""

    ready: Mapping[int, Parameters | None] = field(default_factory=dict)
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, how many trials there will be in all, and whether no more will be started."""

    actions: tuple[Action, ...] = ()
    planned: int = 0
    is_exhausted: bool = False
    is_hopeless: bool = False
    next_check: datetime | None = None
    #: Why the proposals that are needed do not come.
    hold: Hold | None = None
    #: What would run, while the sweep is paused before its first trial.
    outlook: Outlook | None = None
    #: What ends the sweep before it has run all its trials.
    course: Course = NO_COURSE


def make_plan(  # noqa: PLR0913  all that a decision depends on is said here
    sweep: Sweep,
    trials: Sequence[Trial],
    *,
    hold: Hold | None,
    is_template_checked: bool,
    now: datetime,
    proposals: Proposals = Proposals(),
    pace: Pace = DEFAULT_PACE,
    verdicts: Mapping[int, Verdict] = NO_VERDICTS,
    prior: Prior = NO_PRIOR,
    starting: frozenset[int] = frozenset(),
) -> Plan:
    """Decide the next actions of a sweep. `trials` are all of its trials, and `starting` whose Job is being created.

    What has happened is recorded whatever state the spec is in; new Jobs are created only when nothing is in the way.
    """
    spec = sweep.spec
    if spec is None:
        return Plan()
    trials = Roster.of(trials)
    planned = planned_with(sweep, spec, trials, prior)
    is_hopeless = _is_hopeless(spec, trials)
    way = _obstruction(sweep, trials, hold, prior, now)
    if way is None and not is_paused(spec) and (retries := due_retries(spec, trials, now)):
        settling, next_record = settle(spec, trials, pace, now, verdicts)
        course = open_course(spec, trials, now)
        return Plan((*settling, *retries), planned, next_check=next_record, course=course)
    is_idle = way is not None or is_hopeless or _awaits_results(spec, trials)
    next_ones = (
        Next() if is_idle else next_trials(spec, trials, planned, proposals.ready, prior.known, starting=starting)
    )
    is_done = is_hopeless or next_ones.is_exhausted or 0 < planned <= len(trials)
    course = course_of(spec, trials, now, is_done=is_done)
    settling, next_record = settle(spec, trials, pace, now, verdicts, ending=course.ending)
    plan = Plan(settling, planned, next_check=_earliest(next_record, course.next_check), course=course)
    if course.ending is not None:
        return plan
    outlook = _outlook(sweep, spec, trials, proposals.ready, prior)
    if way is not None:
        next_check = _earliest(plan.next_check, way.until)
        return replace(plan, next_check=next_check, hold=way.missing, outlook=outlook)
    asking, waiting = _ask(outlook.missing if outlook else next_ones.missing, proposals.hold, now)
    new = (CreateTrial(number, parameters) for number, parameters in next_ones.trials)
    preparing = (PrepareTrial(number, parameters) for number, parameters in _ahead(trials, next_ones))
    creating: list[Beginning] = [*missing_jobs(spec, trials, starting), *new, *preparing]
    acting = _act(sweep, spec, trials, creating, is_template_checked=is_template_checked)
    retry = waiting.until if waiting is not None and not asking else None
    retry = now if next_ones.is_unfinished else retry
    return replace(
        plan,
        actions=(*settling, *acting, *asking),
        # constraints may leave fewer than can be counted beforehand
        planned=len(trials) + len(next_ones.trials) + len(next_ones.soon) if next_ones.is_exhausted else planned,
        is_exhausted=next_ones.is_exhausted,
        is_hopeless=is_hopeless,
        next_check=_earliest(plan.next_check, retry, _next_podless_check(trials, now)),
        hold=waiting,
        outlook=outlook,
    )


def _ahead(trials: Roster, next_ones: Next) -> tuple[tuple[int, Parameters], ...]:
    """Return who can be recorded before there is a place.

    Nobody where a trial is to run once more, which has the next place, or where there is no result yet: the sweep may
    turn out to be hopeless.
    """
    has_result = trials.ended.usable > trials.ended.silent
    return next_ones.soon if has_result and not asked_for(trials) else ()


@dataclass(frozen=True, slots=True)
class _Obstruction:
    """What keeps the next trials from being chosen at all, and until when if that is known."""

    until: datetime | None = None
    #: The earlier sweep that is not there.
    missing: Hold | None = None


def _obstruction(sweep: Sweep, trials: Roster, hold: Hold | None, prior: Prior, now: datetime) -> _Obstruction | None:
    if sweep.problems:
        return _Obstruction()
    if hold is not None and now < hold.until:
        return _Obstruction(hold.until)
    if why := obstacle(sweep, trials, prior):
        missing = Hold(names.REASON_WARM_START_NOT_FOUND, why, now + MISSING_PAUSE)
        return _Obstruction(missing.until, missing)
    return None


def _outlook(
    sweep: Sweep, spec: HyperDriveSpec, trials: Roster, ready: Mapping[int, Parameters | None], prior: Prior
) -> Outlook | None:
    """Return what would run, of a sweep that is paused before its first trial."""
    if sweep.problems or trials or not is_paused(spec):
        return None
    return make_outlook(sweep.name, spec, ready, prior)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def is_paused(spec: HyperDriveSpec) -> bool:
    """Tell whether no more Jobs shall be created for now."""
    return spec.state == "Paused"


def _awaits_results(spec: HyperDriveSpec, trials: Roster) -> bool:
    """Tell whether it is too early to choose the next trials: a paused sweep learns from what still runs first."""
    return is_paused(spec) and bool(trials.unended)


def _act(
    sweep: Sweep,
    spec: HyperDriveSpec,
    trials: Roster,
    creating: Sequence[Beginning],
    *,
    is_template_checked: bool,
) -> tuple[Action, ...]:
    """Return what is to be created; before that the template is checked, and in a pause only that is done."""
    judged = list(creating)
    if is_paused(spec):
        judged += [CreateJob(trial) for trial in trials.unended[:1]]
    if judged and not is_template_checked:
        return (CheckTemplate(_first_job(sweep, spec, judged[0])),)
    return () if is_paused(spec) else tuple(creating)


def _ask(numbers: tuple[int, ...], hold: Hold | None, now: datetime) -> tuple[tuple[Propose, ...], Hold | None]:
    """Return the question to the optimiser, and why its answer is late: known until there is one."""
    if not numbers:
        return (), None
    if hold is not None and now < hold.until:
        return (), hold
    return (Propose(numbers),), hold


def is_podless(trial: Trial, now: datetime) -> bool:
    """Tell whether a trial's Job has been without a pod for too long."""
    since = trial.podless_since
    return since is not None and now - since >= PODLESS_PATIENCE


def _next_podless_check(trials: Roster, now: datetime) -> datetime | None:
    """Return when a Job that has no pod yet will have been without one for too long: no event will tell."""
    due = (trial.podless_since + PODLESS_PATIENCE for trial in trials.live if trial.podless_since is not None)
    return min((moment for moment in due if moment > now), default=None)


def missing_jobs(spec: HyperDriveSpec, trials: Roster, starting: frozenset[int]) -> tuple[CreateJob, ...]:
    """Return the recorded trials whose Job is to be created, as many as there is room for.

    Whose Job is being created has its place, though others with a lower number may have been recorded since.
    """
    placed = {trial.record.number for trial in trials.live if trial.is_active and trial.job is not None} | starting
    room = spec.limits.max_concurrent_trials - len(placed)
    lost = [trial for trial in trials.live if trial.job is None and trial.record.number not in placed]
    return tuple(CreateJob(trial) for trial in lost if may_begin(trial))[: max(room, 0)]


def may_begin(trial: Trial) -> bool:
    """Tell whether a trial that has no Job may have one now; the Job of an attempt before it must be gone."""
    record = trial.record
    is_wanted = not (record.is_called_off or record.deleting)
    return is_wanted and trial.former is None and not (trial.is_ended or record.started or trial.was_running)


def _is_hopeless(spec: HyperDriveSpec, trials: Roster) -> bool:
    # one that was cancelled without a value says nothing of the others
    ended, silent = len(trials.ended.trials), trials.ended.silent
    enough = max(HOPELESS_AFTER, spec.limits.max_concurrent_trials)
    return ended - silent >= enough and trials.ended.usable == silent


def _first_job(sweep: Sweep, spec: HyperDriveSpec, creation: Beginning) -> Manifest:
    if isinstance(creation, CreateJob):
        name, parameters = creation.trial.record.name, dict(creation.trial.record.parameters)
    else:
        name, parameters = trial_name(sweep.name, creation.number), creation.parameters
    return build_first_job(spec, sweep_name=sweep.name, trial=name, parameters=parameters)
