"""What bench.early_termination.replay must say: a sweep played again, each report before the operator's own judge."""

import heapq
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final

from bench.early_termination.replay import Outcome
from bench.early_termination.sweeps import Run

from hyperdrive_operator.api.v1alpha1 import EarlyTermination, HyperDriveSpec
from hyperdrive_operator.core.curves import Curve
from hyperdrive_operator.core.early_termination import Judge
from hyperdrive_operator.core.metrics import Goal, better
from hyperdrive_operator.core.records import State, read_record
from hyperdrive_operator.core.trialjobs import read_job
from hyperdrive_operator.core.trials import Trial

_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)


def _moment(seconds: float) -> datetime:
    return _BEGINNING + timedelta(seconds=seconds)


@dataclass(slots=True)
class _Running:
    """A trial that has begun."""

    run: Run
    place: int
    number: int
    began: float
    #: Its curve after each report.
    curves: tuple[Curve, ...]
    reports: int = 0
    state: State = State.RUNNING
    ended: float = 0.0
    _view: Trial | None = None
    _seen: tuple[int, State] = (0, State.RUNNING)

    @property
    def _until(self) -> list[float]:
        return list(accumulate(self.run.seconds))

    @property
    def is_ended(self) -> bool:
        return self.state is not State.RUNNING

    @property
    def is_whole(self) -> bool:
        return self.reports == len(self.run.values)

    @property
    def best(self) -> float | None:
        """Its result until now; None if it has none."""
        newest = self.curves[self.reports - 1].newest if self.reports and self.state is not State.FAILED else None
        return newest.best if newest else None

    @property
    def view(self) -> Trial:
        """The trial as the operator sees it: the same object until something changes, and made when it is looked at."""
        now = (self.reports, self.state)
        if self._view is None or self._seen != now:
            new = _new(self.number)
            curve = self.curves[self.reports - 1] if self.reports else Curve()
            record = replace(
                new.record,
                curve=curve,
                state=self.state,
                started=_moment(self.began),
                reported=_moment(self.began + self._until[self.reports - 1]) if self.reports else None,
                ended=_moment(self.ended) if self.is_ended else None,
            )
            self._view = Trial(record, new.job, None, None)
            self._seen = now
        return self._view


@dataclass(slots=True)
class _Sweep:
    """The state of the replay: what has happened until now."""

    spec: HyperDriveSpec
    waiting: list[tuple[int, Run]]
    judge: Judge = field(default_factory=Judge)
    trials: list[_Running] = field(default_factory=list)
    #: When which trial reports next.
    coming: list[tuple[float, int]] = field(default_factory=list)
    reports: int = 0
    seconds: float = 0.0

    @property
    def goal(self) -> Goal:
        return self.spec.objective.goal

    def start(self, now: float) -> None:
        """Begin the next trial, if there is one."""
        if not self.waiting:
            return
        place, run = self.waiting.pop()
        number = len(self.trials) + 1
        self.trials.append(_Running(run, place, number, now, _curves(run.values, self.goal)))
        self._expect(self.trials[-1])

    def report(self, now: float, number: int) -> None:
        """Let a trial report, end it if that was its last word, and end those that are judged hopeless."""
        trial = self.trials[number - 1]
        if trial.is_ended:
            return
        if not trial.is_whole:  # else it had nothing to report at all
            trial.reports += 1
            self.reports += 1
        if trial.is_whole:
            self._end(trial, State.FAILED if trial.run.is_failed else State.SUCCEEDED, now)
        else:
            self._expect(trial)
        self._judge(now)

    def _judge(self, now: float) -> None:
        """End whoever is hopeless, until nobody is: who is stopped counts differently for those who are left."""
        is_settled = False
        while not is_settled:
            judgement = self.judge.judge(self.spec, [trial.view for trial in self.trials])
            is_settled = judgement.is_complete and not judgement.verdicts
            for number in judgement.verdicts:
                self._end(self.trials[number - 1], State.EARLY_STOPPED, now)

    def _end(self, trial: _Running, state: State, now: float) -> None:
        trial.state, trial.ended = state, now
        self.seconds += now - trial.began
        self.start(now)

    def _expect(self, trial: _Running) -> None:
        until = list(accumulate(trial.run.seconds))
        heapq.heappush(self.coming, (trial.began + (until[trial.reports] if until else 0.0), trial.number))


def judged(
    runs: Sequence[Run], policy: EarlyTermination | None, *, goal: Goal, at_once: int, order: random.Random
) -> Outcome:
    """Run a sweep's trials in random order, `at_once` at a time."""
    waiting = list(enumerate(runs))
    order.shuffle(waiting)
    given = policy.model_dump_json(by_alias=True, exclude_none=True) if policy else ""
    sweep = _Sweep(_spec(given, goal), waiting)
    for _ in range(at_once):
        sweep.start(0.0)
    while sweep.coming:
        now, number = heapq.heappop(sweep.coming)
        sweep.report(now, number)
    stopped = frozenset(trial.place for trial in sweep.trials if trial.state is State.EARLY_STOPPED)
    winner, best = _winner(sweep.trials, goal)
    return Outcome(sweep.reports, sweep.seconds, best, stopped, winner)


def _winner(trials: Sequence[_Running], goal: Goal) -> tuple[tuple[int, int] | None, float | None]:
    """Return who reported the best value, and the value: of equals the trial that began first."""
    winner: tuple[int, int] | None = None
    best: float | None = None
    for trial in trials:
        own = trial.best
        if own is not None and better(goal, own, best):
            winner, best = (trial.place, trial.run.values.index(own)), own
    return winner, best


@lru_cache(maxsize=512)
def _curves(values: tuple[float, ...], goal: Goal) -> tuple[Curve, ...]:
    """Return a trial's curve after each of its reports: every policy gets the same."""
    curve, curves = Curve(), []
    for value in values:
        curve = curve.reported(value, goal)
        curves.append(curve)
    return tuple(curves)


@lru_cache(maxsize=1_024)
def _spec(policy: str, goal: Goal) -> HyperDriveSpec:
    """Return the spec of a sweep with a policy, given as JSON; empty is none."""
    container = {"name": "train", "image": "train"}
    return HyperDriveSpec.model_validate(
        {
            "objective": {"primaryMetric": "metric", "goal": goal},
            "searchSpace": [{"name": "x", "randint": {"lower": 0, "upper": 100}}],
            "samplingAlgorithm": {"type": "Random"},
            "limits": {"maxTotalTrials": 100},
            "trialTemplate": {"spec": {"template": {"spec": {"containers": [container]}}}},
            **({"earlyTermination": json.loads(policy)} if policy else {}),
        }
    )


@lru_cache(maxsize=256)
def _new(number: int) -> Trial:
    """Return a trial whose pod runs and has reported nothing yet."""
    metadata = {"name": f"replay-{number}", "namespace": "bench", "uid": f"trial-{number}"}
    record = read_record(
        {"metadata": metadata, "spec": {"number": number, "parameters": {}}, "status": {"state": "Running"}}
    )
    job = read_job({"metadata": {**metadata, "uid": f"job-{number}"}, "spec": {}, "status": {"ready": 1}})
    return Trial(record, job, None, None)
