"""What to do next for one sweep: a plan of actions, as values. Nothing here acts, remembers or asks the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .actions import (
    Action,
    CheckTemplate,
    CreateJob,
    CreateTrial,
    Propose,
    ReadLog,
    RecordEnd,
    RecordLoss,
    RecordStart,
)
from .jobs import Manifest, build_first_job, trial_name
from .outcome import needs_log
from .preview import Outlook, make_outlook
from .sampling import combination, combination_key, is_proposed, planned_trials
from .space import Parameters
from .sweep import Sweep
from .trials import State, Trial

#: A Job has its pod within a second. After so long without one there is something that only the Job's events tell.
PODLESS_PATIENCE = timedelta(seconds=15)
#: A sweep without one usable result among this many ended trials starts no more (or among as many as run at once).
HOPELESS_AFTER = 5


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


def make_plan(
    sweep: Sweep,
    trials: Sequence[Trial],
    *,
    hold: Hold | None,
    is_template_checked: bool,
    now: datetime,
    proposals: Proposals = Proposals(),
) -> Plan:
    """Decide the next actions of a sweep. `trials` are in the order of their numbers.

    What has happened is recorded whatever state the spec is in; new Jobs are created only when nothing is in the way.
    """
    spec = sweep.spec
    if spec is None:
        return Plan()
    settling = tuple(action for trial in trials if (action := _settle(spec, trial)) is not None)
    planned = planned_trials(spec)
    if sweep.problems:
        return Plan(settling, planned)
    outlook = make_outlook(sweep.name, spec, proposals.ready) if is_paused(spec) and not trials else None
    if hold is not None and now < hold.until:
        return Plan(settling, planned, next_check=hold.until, outlook=outlook)
    is_hopeless = _is_hopeless(spec, trials)
    is_idle = is_hopeless or _awaits_results(spec, trials)
    next_ones = _Next() if is_idle else _new_trials(spec, trials, planned, proposals.ready)
    asking, waiting = _ask(outlook.missing if outlook else next_ones.missing, proposals.hold, now)
    creating: list[CreateJob | CreateTrial] = [*_lost_jobs(spec, trials), *next_ones.trials]
    acting = _act(sweep, spec, trials, creating, is_template_checked=is_template_checked)
    if next_ones.is_exhausted:  # constraints may leave fewer than can be counted beforehand
        planned = len(trials) + len(next_ones.trials)
    retry = waiting.until if waiting is not None and not asking else None
    next_check = min((at for at in (retry, _next_podless_check(trials, now)) if at is not None), default=None)
    actions = (*settling, *acting, *asking)
    return Plan(actions, planned, next_ones.is_exhausted, is_hopeless, next_check, waiting, outlook)


def is_paused(spec: HyperDriveSpec) -> bool:
    """Tell whether no more Jobs shall be created for now."""
    return spec.state == "Paused"


def _awaits_results(spec: HyperDriveSpec, trials: Sequence[Trial]) -> bool:
    """Tell whether it is too early to choose the next trials: a paused sweep learns from what still runs first."""
    return is_paused(spec) and not all(trial.is_ended for trial in trials)


def _act(
    sweep: Sweep,
    spec: HyperDriveSpec,
    trials: Sequence[Trial],
    creating: Sequence[CreateJob | CreateTrial],
    *,
    is_template_checked: bool,
) -> tuple[Action, ...]:
    """Return what is to be created; before that the template is checked, and in a pause only that is done."""
    judged = list(creating)
    if is_paused(spec):
        judged += [CreateJob(trial) for trial in trials if not trial.is_ended][:1]
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


def _next_podless_check(trials: Sequence[Trial], now: datetime) -> datetime | None:
    """Return when a Job that has no pod yet will have been without one for too long: no event will tell."""
    due = (trial.podless_since + PODLESS_PATIENCE for trial in trials if trial.podless_since is not None)
    return min((moment for moment in due if moment > now), default=None)


def _settle(spec: HyperDriveSpec, trial: Trial) -> RecordStart | ReadLog | RecordEnd | RecordLoss | None:
    """Return what has happened to a trial and is not yet in its record."""
    if trial.is_ended or trial.record.deleting:
        return None
    if trial.job is None:
        return RecordLoss(trial) if trial.record.started else None
    if trial.job.finished:
        wants_log = spec.metrics.source == "Log" and needs_log(trial, spec.objective)
        return ReadLog(trial) if wants_log else RecordEnd(trial)
    if trial.is_running and trial.record.state is State.PENDING:
        return RecordStart(trial)
    return None


def _lost_jobs(spec: HyperDriveSpec, trials: Sequence[Trial]) -> tuple[CreateJob, ...]:
    """Return the recorded trials whose Job is to be created, as many as there is room for."""
    room = spec.limits.max_concurrent_trials - sum(trial.is_active and trial.job is not None for trial in trials)
    lost = [
        CreateJob(trial)
        for trial in trials
        if trial.job is None and not (trial.is_ended or trial.record.started or trial.record.deleting)
    ]
    return tuple(lost[: max(room, 0)])


@dataclass(frozen=True, slots=True)
class _Next:
    """The trials to start, the numbers that lack a proposal, and whether the search space has no more."""

    trials: tuple[CreateTrial, ...] = ()
    missing: tuple[int, ...] = ()
    is_exhausted: bool = False


def _new_trials(
    spec: HyperDriveSpec, trials: Sequence[Trial], planned: int, ready: Mapping[int, Parameters | None]
) -> _Next:
    """Return the trials to start, lowest numbers first.

    A number without a record (deleted by hand, say) runs again: with the same combination as before, or with a new
    proposal.
    """
    # a place is free for a proposal only once the result of the trial that had it can be learnt from
    learns = is_proposed(spec)
    free = spec.limits.max_concurrent_trials - sum(
        not trial.is_ended if learns else trial.is_active for trial in trials
    )
    if free <= 0 or len(trials) >= planned:
        return _Next()
    by_number = {trial.record.number: trial.record.key for trial in trials}
    if learns:
        numbers = [number for number in range(1, planned + 1) if number not in by_number][:free]
        return _proposed(numbers, set(by_number.values()), ready)
    taken: set[str] = set()
    new: list[CreateTrial] = []
    for number in range(1, planned + 1):
        if len(new) == free:
            break
        if number in by_number:
            taken.add(by_number[number])
            continue
        parameters = combination(spec, number, taken)
        if parameters is None:
            return _Next(tuple(new), is_exhausted=True)
        new.append(CreateTrial(number, parameters))
        taken.add(combination_key(parameters))
    return _Next(tuple(new))


def _proposed(numbers: Sequence[int], taken: set[str], ready: Mapping[int, Parameters | None]) -> _Next:
    """Return the trials whose combination has been proposed, and which are to be asked for."""
    new: list[CreateTrial] = []
    missing: list[int] = []
    for number in numbers:
        parameters = ready.get(number)
        if parameters is not None and (key := combination_key(parameters)) not in taken:
            new.append(CreateTrial(number, parameters))
            taken.add(key)
        elif number in ready and parameters is None:
            return _Next(tuple(new), tuple(missing), is_exhausted=not missing)
        else:
            missing.append(number)
    return _Next(tuple(new), tuple(missing))


def _is_hopeless(spec: HyperDriveSpec, trials: Sequence[Trial]) -> bool:
    ended = [trial for trial in trials if trial.is_ended]
    enough = max(HOPELESS_AFTER, spec.limits.max_concurrent_trials)
    return len(ended) >= enough and not any(trial.record.state is State.SUCCEEDED for trial in ended)


def _first_job(sweep: Sweep, spec: HyperDriveSpec, creation: CreateTrial | CreateJob) -> Manifest:
    if isinstance(creation, CreateJob):
        name, parameters = creation.trial.record.name, dict(creation.trial.record.parameters)
    else:
        name, parameters = trial_name(sweep.name, creation.number), creation.parameters
    return build_first_job(spec, sweep_name=sweep.name, trial=name, parameters=parameters)
