"""Plays a recorded sweep again under a policy: several trials at once, each judged as the operator judges it."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hyperdrive_operator.api.v1alpha1 import EarlyTermination, HyperDriveSpec
from hyperdrive_operator.core.curves import Curve
from hyperdrive_operator.core.early_termination import Judge
from hyperdrive_operator.core.metrics import Goal, better
from hyperdrive_operator.core.trials import State, Trial, read_job, read_record

from .sweeps import Run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sweep took and found."""

    reports: int
    seconds: float
    #: The best value of all trials that did not fail; None if there is none.
    best: float | None
    #: Trials that were stopped, by their place in the list of runs.
    stopped: frozenset[int]


@dataclass(slots=True)
class _Running:
    """A trial that has begun."""

    run: Run
    place: int
    view: Trial
    began: float
    reports: int = 0


@dataclass(slots=True)
class _Sweep:
    """The state of the replay: what has happened until now."""

    spec: HyperDriveSpec
    waiting: list[tuple[int, Run]]
    judge: Judge = field(default_factory=Judge)
    trials: list[_Running] = field(default_factory=list)
    #: When which trial reports next: time, a number that breaks ties, the trial's number.
    coming: list[tuple[float, int, int]] = field(default_factory=list)
    ties: int = 0
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
        self.trials.append(_Running(run, place, _running(len(self.trials) + 1), now))
        self._expect(len(self.trials), now)

    def report(self, now: float, number: int) -> None:
        """Let a trial report, end it if that was its last word, and end those that are judged hopeless."""
        trial = self.trials[number - 1]
        if trial.view.is_ended:
            return
        if trial.reports == len(trial.run.values):  # it had nothing to report at all
            self._end(trial, State.FAILED if trial.run.is_failed else State.SUCCEEDED, now)
            return
        curve = trial.view.curve.reported(trial.run.values[trial.reports], self.goal)
        trial.view = _with(trial.view, curve=curve)
        trial.reports += 1
        self.reports += 1
        if trial.reports == len(trial.run.values):
            self._end(trial, State.FAILED if trial.run.is_failed else State.SUCCEEDED, now)
        else:
            self._expect(number, now)
        self._judge(now)

    def _judge(self, now: float) -> None:
        is_complete = False
        while not is_complete:
            judgement = self.judge.judge(self.spec, [trial.view for trial in self.trials])
            is_complete = judgement.is_complete
            for number in judgement.verdicts:
                self._end(self.trials[number - 1], State.EARLY_STOPPED, now)

    def _end(self, trial: _Running, state: State, now: float) -> None:
        trial.view = _with(trial.view, state=state)
        self.seconds += now - trial.began
        self.start(now)

    def _expect(self, number: int, now: float) -> None:
        trial = self.trials[number - 1]
        pause = trial.run.seconds[trial.reports] if trial.reports < len(trial.run.seconds) else 0.0
        self.ties += 1
        heapq.heappush(self.coming, (now + pause, self.ties, number))


def replay(
    runs: Sequence[Run], policy: EarlyTermination | None, *, goal: Goal, at_once: int, order: random.Random
) -> Outcome:
    """Run a sweep's trials in random order, `at_once` at a time."""
    waiting = list(enumerate(runs))
    order.shuffle(waiting)
    sweep = _Sweep(_spec(policy, goal), waiting)
    for _ in range(at_once):
        sweep.start(0.0)
    while sweep.coming:
        now, _, number = heapq.heappop(sweep.coming)
        sweep.report(now, number)
    best: float | None = None
    for trial in sweep.trials:
        newest = trial.view.curve.newest
        if newest is not None and trial.view.record.state is not State.FAILED and better(goal, newest.best, best):
            best = newest.best
    stopped = frozenset(trial.place for trial in sweep.trials if trial.view.record.state is State.EARLY_STOPPED)
    return Outcome(sweep.reports, sweep.seconds, best, stopped)


def _spec(policy: EarlyTermination | None, goal: Goal) -> HyperDriveSpec:
    container = {"name": "train", "image": "train"}
    return HyperDriveSpec.model_validate(
        {
            "objective": {"primaryMetric": "metric", "goal": goal},
            "searchSpace": [{"name": "x", "randint": {"lower": 0, "upper": 100}}],
            "samplingAlgorithm": {"type": "Random"},
            "limits": {"maxTotalTrials": 100},
            "trialTemplate": {"spec": {"template": {"spec": {"containers": [container]}}}},
            **({"earlyTermination": policy.model_dump(by_alias=True, exclude_none=True)} if policy else {}),
        }
    )


def _running(number: int) -> Trial:
    """Return a trial whose pod runs and has reported nothing yet."""
    metadata = {"name": f"replay-{number}", "namespace": "bench", "uid": f"trial-{number}"}
    record = read_record(
        {"metadata": metadata, "spec": {"number": number, "parameters": {}}, "status": {"state": "Running"}}
    )
    job = read_job({"metadata": {**metadata, "uid": f"job-{number}"}, "spec": {}, "status": {"ready": 1}})
    return Trial(record, job, None, None)


def _with(view: Trial, *, curve: Curve | None = None, state: State | None = None) -> Trial:
    record = replace(view.record, curve=curve or view.record.curve, state=state or view.record.state)
    return replace(view, record=record)
