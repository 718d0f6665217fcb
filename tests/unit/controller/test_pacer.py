"""However many trials report, and however fast, their records are written at a bounded rate."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.support.builders import AIM, NOW, STAMP, limits, running, sweep
from tests.support.fake_cluster import Clock

from hyperdrive_operator.controller.pacer import Pacer
from hyperdrive_operator.core.actions import RecordProgress
from hyperdrive_operator.core.metrics import Report
from hyperdrive_operator.core.pacing import INTERVAL, MAX_PER_SECOND, interval
from hyperdrive_operator.core.planning import make_plan
from hyperdrive_operator.core.progress import Progress
from hyperdrive_operator.core.trials import Log, Trial


def reported(trial: Trial, value: float) -> Trial:
    """Let a trial report once more."""
    known = trial.log.progress if trial.log else Progress()
    return replace(trial, log=Log(known.reported(Report((("accuracy", value),), None), AIM), is_whole=False))


def recorded(trial: Trial, now: datetime) -> Trial:
    assert trial.log is not None
    progress = trial.log.progress
    record = replace(trial.record, curve=progress.curve, metrics=progress.last, reported=now)
    return replace(trial, record=record)


@pytest.mark.parametrize("count", [1, 100, 400])
def test_trials_that_report_every_second_are_recorded_in_turn_at_a_bounded_rate(count: int) -> None:
    clock = Clock()
    of = sweep(limits=limits(1000, 1000))
    pacer = Pacer(clock)
    trials = [running(number) for number in range(1, count + 1)]
    writes: Counter[int] = Counter()
    times: dict[int, list[datetime]] = {}
    seconds = 60
    for second in range(seconds):
        clock.advance(1)
        trials = [reported(trial, second) for trial in trials]
        pace = pacer.pace("sweep-1", count)
        plan = make_plan(of, trials, hold=None, is_template_checked=True, now=clock.now, pace=pace)
        due = {action.trial.record.number for action in plan.actions if isinstance(action, RecordProgress)}
        pacer.spend(len(due))
        writes[second] += len(due)
        assert plan.next_check is None or plan.next_check > clock.now
        trials = [recorded(trial, clock.now) if trial.record.number in due else trial for trial in trials]
        for number in due:
            times.setdefault(number, []).append(clock.now)
    assert max(writes.values()) <= MAX_PER_SECOND
    assert len(times) == count, "every trial has had its turn"
    per_trial = Counter(len(moments) for moments in times.values())
    assert max(per_trial) - min(per_trial) <= 1, "and none more than others"
    assert max(per_trial) <= seconds / interval(count).total_seconds()


def test_nothing_new_is_not_recorded_and_a_trial_without_reports_neither() -> None:
    of = sweep(limits=limits(10, 10))
    quiet, again = running(1), recorded(reported(running(2), 0.5), NOW)
    plan = make_plan(of, [quiet, again], hold=None, is_template_checked=True, now=NOW + timedelta(hours=1))
    assert not any(isinstance(action, RecordProgress) for action in plan.actions)


def test_the_first_reports_wait_until_the_trial_has_run_for_a_while() -> None:
    of = sweep(limits=limits(1, 1))
    trial = reported(running(1), 0.5)
    early = make_plan(of, [trial], hold=None, is_template_checked=True, now=NOW + timedelta(seconds=1))
    assert early.next_check == NOW + INTERVAL
    due = make_plan(of, [trial], hold=None, is_template_checked=True, now=NOW + INTERVAL)
    assert RecordProgress(trial) in due.actions
    assert trial.record.started is not None
    assert STAMP.startswith(f"{trial.record.started:%Y-%m-%dT%H:%M}")


def test_all_sweeps_share_one_budget() -> None:
    clock = Clock()
    pacer = Pacer(clock)
    assert pacer.pace("a", 500).interval == timedelta(seconds=25)
    assert pacer.pace("b", 500).interval == timedelta(seconds=50)
    pacer.spend(15)
    assert pacer.pace("a", 500).allowance == 5
    clock.advance(0.5)
    assert pacer.pace("a", 500).allowance == 15
    pacer.forget("b")
    assert pacer.pace("a", 10).interval == INTERVAL
