"""The one reconcile: observe, decide, act, report. It moves one HyperDrive a step towards its spec."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.actions import UNHURRIED, Action, RecordEnd, RecordProgress
from hyperdrive_operator.core.announcements import announcements
from hyperdrive_operator.core.budget import REFRESH
from hyperdrive_operator.core.early_termination import Judge, Judgement
from hyperdrive_operator.core.facts import Facts
from hyperdrive_operator.core.outcome import has_news
from hyperdrive_operator.core.pareto import Archive
from hyperdrive_operator.core.patch import merge_patch
from hyperdrive_operator.core.planning import Hold, Plan, Proposals, make_plan, missing_jobs
from hyperdrive_operator.core.records import Record
from hyperdrive_operator.core.roster import Roster
from hyperdrive_operator.core.starting import awaits_ends
from hyperdrive_operator.core.status import summarise
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.tidying import tidy
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import NotFoundError
from hyperdrive_operator.kube.events import EventRecorder
from hyperdrive_operator.kube.kinds import HYPERDRIVES

from .cache import Cache
from .executor import Executor
from .flight import Flight
from .logs import LogReader
from .pacer import DELETIONS_PER_SECOND, Bucket, Pacer
from .proposals import Proposer
from .queue import Key
from .results import Obstacle, Outcome
from .telemetry import TrialTelemetry
from .vacancies import Vacancies

logger = logging.getLogger(__name__)

#: What decides nothing that hurries is looked at so late, with all that comes within that time: a trial that begins is
#: five events, and each pass looks at all that is live.
CALM: Final = timedelta(seconds=0.1)
#: Counts alone are written at most so often for one sweep; conditions and a new best trial at once.
STATUS_INTERVAL: Final = timedelta(seconds=1)
#: A template that the API server refuses is tried again this late: a quota or service account may have come to be.
REFUSED_TEMPLATE_PAUSE: Final = timedelta(minutes=5)
FIRST_PAUSE: Final = timedelta(seconds=2)
LONGEST_PAUSE: Final = timedelta(minutes=1)


@dataclass(slots=True)
class Memory:
    """What a restart may forget: it is found out again, at the cost of a request."""

    uid: str
    hold: Hold | None = None
    pauses: int = 0
    checked_generation: int = -1
    hold_generation: int = -1
    last_write: datetime | None = None
    judge: Judge = field(default_factory=Judge)
    archive: Archive = field(default_factory=Archive)
    flight: Flight = field(default_factory=Flight)
    #: How many passes have begun, and the newest of them that has reported; one at a time does.
    passes: int = 0
    reported: int = 0
    reporting: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass over a sweep: what it has decided, and what of it is to be done: all that no other pass is doing."""

    number: int
    plan: Plan
    actions: Sequence[Action]
    now: datetime
    #: Whether its time was up before all was thought about: the rest goes on at once, after the writes.
    is_unfinished: bool

    @property
    def foreseen(self) -> float | None:
        """In how many seconds time alone brings news, however the writes end; None if it does not."""
        due = self.plan.next_check
        return (due - self.now).total_seconds() if due is not None and due > self.now else None


class Reconciler:
    """Level-triggered and idempotent: it never asks why it was called. Safe to repeat, skip or interrupt."""

    def __init__(
        self,
        client: KubeClient,
        cache: Cache,
        recorder: EventRecorder,
        logs: LogReader,
        proposer: Proposer,
        *,
        telemetry: TrialTelemetry,
        clock: Callable[[], datetime],
        on_place: Callable[[Key], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._cache = cache
        self._recorder = recorder
        self._proposer = proposer
        self._on_place = on_place
        self._executor = Executor(client, cache, logs, proposer, self._look_for_place)
        self._pacer = Pacer(clock)
        self._deletions = Bucket(clock, DELETIONS_PER_SECOND)
        self._clock = clock
        self._telemetry = telemetry
        self._vacancies = Vacancies(cache.trial, telemetry.place_filled)
        self._memories: dict[Key, Memory] = {}

    async def reconcile(self, key: Key, on_decided: Callable[[float | None], None] = lambda _: None) -> float | None:
        """Move one HyperDrive a step; return the seconds until the next look that its writes ask for, None if none.

        `on_decided` is called as soon as another pass over the same HyperDrive may begin, while this one writes: with
        the seconds until one must, None if only an event brings news.

        Raises ClusterError when something has to be tried again; what could be done is done and reported by then.
        """
        sweep = self._cache.sweep(key)
        if sweep is None or sweep.deleting:
            self._forget(key)
            return None  # its trials, Jobs and pods go with it: they are owned

        now = self._clock()
        memory = self._remember(key, sweep, now)
        this = self._plan(sweep, memory, now)
        applied = self._executor.apply(sweep, this.actions, now, memory.flight)
        on_decided(this.foreseen)
        outcome = await applied
        self._learn(memory, sweep, outcome, now)
        self._count(sweep, memory, outcome)

        delay = await self._report(sweep, memory, this, outcome)
        outcome.raise_for_failures()  # reported first, retried second
        # until a pass finds nothing to do
        goes_on = outcome.has_acted and outcome.obstacle is None
        return _earliest(
            look_again(sweep.spec, this.actions) if goes_on else None,
            delay,
            timedelta(0) if this.is_unfinished else None,
            memory.hold.until - now if memory.hold else None,
        )

    def _look_for_place(self, key: Key) -> None:
        """Ask for a pass if a place has become free while a record was written for it: then only its Job is missing."""
        sweep, memory = self._cache.sweep(key), self._memories.get(key)
        if sweep is None or sweep.spec is None or memory is None:
            return
        if missing_jobs(sweep.spec, self._cache.trials(sweep), memory.flight.starting):
            self._on_place(key)

    def finish(self) -> None:
        """Begin nothing new: the process is about to end."""
        self._executor.is_finishing = True

    async def record_reports(self, sweep: Sweep) -> None:
        """Record at once what a sweep's running trials have reported: who comes next goes on from there."""
        spec = sweep.spec
        if spec is None or sweep.deleting:
            return
        reported = [trial for trial in self._cache.trials(sweep).live if trial.is_running and has_news(trial, spec)]
        await self._executor.apply(sweep, [RecordProgress(trial) for trial in reported], self._clock())

    def _plan(self, sweep: Sweep, memory: Memory, now: datetime) -> _Pass:
        memory.passes += 1
        is_checked = memory.checked_generation == sweep.generation
        trials = self._cache.trials(sweep)
        judgement = memory.judge.judge(sweep.spec, trials) if sweep.spec is not None else Judgement()
        plan = make_plan(
            sweep,
            trials,
            hold=memory.hold,
            is_template_checked=is_checked,
            now=now,
            proposals=self._cache.proposals(sweep),
            pace=self._pacer.pace(sweep.uid, sum(trial.is_running for trial in trials.live)),
            verdicts=judgement.verdicts,
            prior=self._cache.prior(sweep),
            starting=memory.flight.starting,
        )
        plan = self._tidied(plan, sweep, trials, memory, now)
        actions = memory.flight.not_begun(plan.actions)
        self._pacer.spend(sum(isinstance(action, RecordProgress) for action in actions))
        is_unfinished = not judgement.is_complete or (plan.next_check is not None and plan.next_check <= now)
        return _Pass(memory.passes, plan, actions, now, is_unfinished)

    def _tidied(self, plan: Plan, sweep: Sweep, trials: Roster, memory: Memory, now: datetime) -> Plan:
        """Add the deletion of Jobs that are not to be kept."""
        spec = sweep.spec
        if spec is None or spec.finished_jobs.keep == "All":
            return plan
        has_front = spec.finished_jobs.keep == "Best" and spec.objective.additional_objectives
        front = memory.archive.front(spec.objective.goals, trials.ended) if has_front else None
        tidying = tidy(spec, trials, front, now, self._deletions.allowance())
        self._deletions.spend(len(tidying.deletions))
        moments = (plan.next_check, tidying.next_check)
        next_check = min((moment for moment in moments if moment is not None), default=None)
        return replace(plan, actions=(*plan.actions, *tidying.deletions), next_check=next_check)

    def _remember(self, key: Key, sweep: Sweep, now: datetime) -> Memory:
        memory = self._memories.get(key)
        if memory is None or memory.uid != sweep.uid:
            self._forget(key)
            memory = self._memories[key] = Memory(sweep.uid)
        if memory.hold and (now >= memory.hold.until or memory.hold_generation != sweep.generation):
            memory.hold = None
        return memory

    def _forget(self, key: Key) -> None:
        gone = self._memories.pop(key, None)
        if gone is not None:
            self._proposer.forget(gone.uid)
            self._pacer.forget(gone.uid)
            self._vacancies.forget(gone.uid)

    def _learn(self, memory: Memory, sweep: Sweep, outcome: Outcome, now: datetime) -> None:
        if outcome.has_checked_template:
            memory.checked_generation = sweep.generation
        if outcome.created:
            memory.pauses = 0
        if outcome.obstacle is not None:
            memory.hold = _hold(outcome.obstacle, memory.pauses, now)
            memory.hold_generation = sweep.generation
            memory.pauses += 1
            if self._cache.trials(sweep):  # by the time there is room, newer results count
                self._cache.observe_proposals(sweep, Proposals())
            logger.warning("no trial starts for now", extra={"reason": memory.hold.reason})

    def _count(self, sweep: Sweep, memory: Memory, outcome: Outcome) -> None:
        for source, reports in outcome.reports.items():
            self._telemetry.reported(source, reports)
        self._vacancies.heed(sweep, self._cache.trials(sweep), is_held=memory.hold is not None)

    async def _report(self, sweep: Sweep, memory: Memory, this: _Pass, outcome: Outcome) -> timedelta | None:
        """Say what is new, then write the status if it changed; return how long a mere count must still wait.

        A pass that a later one has overtaken leaves the status to the next: its plan is no longer true.
        """
        async with memory.reporting:
            current = self._cache.sweep(Key(sweep.namespace, sweep.name))
            if current is None or current.uid != sweep.uid:
                return None
            sweep = replace(sweep, status=current.status, resource_version=current.resource_version)
            self._announce(
                sweep, sweep.status, outcome.ended, this.now
            )  # recorded already, whatever comes of the status
            if this.number < memory.reported:
                return CALM
            memory.reported = this.number
            return await self._report_status(sweep, memory, this.plan, this.now)

    async def _report_status(self, sweep: Sweep, memory: Memory, plan: Plan, now: datetime) -> timedelta | None:
        is_checked = memory.checked_generation == sweep.generation
        facts = Facts(
            sweep,
            self._cache.trials(sweep),
            plan,
            memory.hold or plan.hold,
            is_checked,
            memory.archive,
            self._cache.prior(sweep),
        )
        status = summarise(facts, now)
        wait = _wait(sweep.status, status, memory.last_write, now)
        if wait is None and status != sweep.status and await self._write_status(sweep, status):
            memory.last_write = now
            self._announce(sweep, status, (), now)
        return wait

    async def _write_status(self, sweep: Sweep, status: dict[str, Any]) -> bool:
        patch = {
            "metadata": {"uid": sweep.uid, "resourceVersion": sweep.resource_version},
            "status": merge_patch(sweep.status, status),
        }
        try:
            body = await self._client.patch(HYPERDRIVES, sweep.namespace, sweep.name, patch, subresource="status")
        except NotFoundError:
            return False  # deleted meanwhile
        self._cache.observe(HYPERDRIVES, None, body)
        return True

    def _announce(self, sweep: Sweep, status: Mapping[str, Any], ended: Sequence[Record], now: datetime) -> None:
        """Send events and count, only for what is now true."""
        for record in ended:
            self._telemetry.trial_ended(record.state.value)
            logger.info("trial ended", extra={"trial": record.name, "state": record.state.value})
        metric = sweep.spec.objective.primary_metric if sweep.spec else ""
        regarding = {
            "apiVersion": names.API_VERSION,
            "kind": HYPERDRIVES.kind,
            "namespace": sweep.namespace,
            "name": sweep.name,
            "uid": sweep.uid,
        }
        for news in announcements(sweep.status, status, ended, metric):
            logger.info("%s", news.reason, extra={"sweep": f"{sweep.namespace}/{sweep.name}"})
            self._recorder.record(
                regarding,
                type=news.type,
                reason=news.reason,
                message=news.message,
                now=now,
                is_minor=news.is_minor,
            )


def _hold(obstacle: Obstacle, pauses: int, now: datetime) -> Hold:
    if obstacle.reason == names.REASON_INVALID_TEMPLATE:
        pause = REFUSED_TEMPLATE_PAUSE
    else:
        pause = min(FIRST_PAUSE * 2 ** min(pauses, 16), LONGEST_PAUSE)
    return Hold(obstacle.reason, obstacle.message, now + pause)


def _wait(
    old: Mapping[str, Any], new: Mapping[str, Any], last_write: datetime | None, now: datetime
) -> timedelta | None:
    """Return how long a status that differs only in counts must wait, None if it may be written (or need not be)."""
    if last_write is None or new == old or _news(old) != _news(new):
        return None
    # what is used of a budget changes with every second
    is_budget_alone = "budget" in old and {**old, "budget": None} == {**new, "budget": None}
    due = last_write + (REFRESH if is_budget_alone else STATUS_INTERVAL)
    return due - now if now < due else None


def _news(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a status is written at once when it changes: all but counts, messages with counts in them, and
    the Pareto front, which grows with many a trial while it is young.
    """
    counts = {"trials", "progress", "timeSavedSeconds", "budget", "paretoFront", "paretoFrontSize", "warmStart"}
    kept = {key: value for key, value in status.items() if key not in counts}
    conditions = status.get("conditions") or ()
    kept["conditions"] = [[condition.get(key) for key in ("type", "status", "reason")] for condition in conditions]
    return kept


def look_again(spec: HyperDriveSpec | None, actions: Sequence[Action]) -> timedelta:
    """Return how soon to look again after these actions: at once, unless nothing that hurries can follow from them."""
    calm = UNHURRIED if spec is None or awaits_ends(spec) else (*UNHURRIED, RecordEnd)
    return timedelta(0) if any(not isinstance(action, calm) for action in actions) else CALM


def _earliest(*waits: timedelta | None) -> float | None:
    seconds = [wait.total_seconds() for wait in waits if wait is not None]
    return max(min(seconds), 0.0) if seconds else None
