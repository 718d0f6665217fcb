"""Running a trial once more: which are to be, and what a record keeps of the attempt before.

`spec.attempt` says which attempt is wished for, `status.attempt` which one the status is about. A record that is behind
its spec and has ended is written back to Queued first, with the attempt before as a line of its history; then the
former Job is deleted, and when that is gone the next one is created as for any record without a Job.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, HyperDriveTrialStatus
from hyperdrive_operator.api.v1alpha1.trial import ATTEMPTS_KEPT, Attempt

from .actions import RetryTrial
from .endings import course_of
from .records import State
from .roster import Roster
from .trials import Trial

_MESSAGE_LIMIT: Final = 1024
#: What counts over all attempts stays as it is.
_OF_ALL_ATTEMPTS: Final = frozenset({"run_time"})
_FIELDS: Final = tuple(
    field.alias or name for name, field in HyperDriveTrialStatus.model_fields.items() if name not in _OF_ALL_ATTEMPTS
)
_REMEMBERED: Final = tuple(field.alias or name for name, field in Attempt.model_fields.items())


def asked_for(trials: Roster) -> list[Trial]:
    """Return the trials that have ended and are to run once more."""
    return [trial for trial in trials.live if trial.record.is_asked_for]


def due_retries(spec: HyperDriveSpec, trials: Roster, now: datetime) -> tuple[RetryTrial, ...]:
    """Return the trials whose next attempt may begin: as many as there is room for.

    None while the sweep, with these trials as open as they would be then, has an end: they would be cancelled at once,
    and their results be lost for nothing.
    """
    asked = asked_for(trials)
    if not asked:
        return ()
    free = spec.limits.max_concurrent_trials - sum(trial.is_active for trial in trials.live)
    # a Job that still ends keeps its place, and its trial waits for it
    chosen = {trial.record.uid for trial in [one for one in asked if not one.is_active][: max(free, 0)]}
    opened = Roster.of(_opened(trial) if trial.record.uid in chosen else trial for trial in trials)
    if not chosen or course_of(spec, opened, now, is_done=False).ending is not None:
        return ()
    return tuple(RetryTrial(trial) for trial in asked if trial.record.uid in chosen)


def begun_anew(status: Mapping[str, Any], attempt: int) -> dict[str, Any]:
    """Return the patch that makes an ended trial's status that of another attempt, which has not begun."""
    before = {key: status[key] for key in _REMEMBERED if status.get(key) is not None}
    before["attempt"] = status.get("attempt") or 1
    if "message" in before:
        before["message"] = before["message"][:_MESSAGE_LIMIT]
    first = status.get("firstStartTime") or status.get("startTime")
    return dict.fromkeys(_FIELDS) | {
        "state": State.QUEUED.value,
        "attempt": attempt,
        "attempts": [*(status.get("attempts") or ()), before][-ATTEMPTS_KEPT:],
        "firstStartTime": first,
        # what it has run is spent, however often it is run again
        **{key: status[key] for key in ("runTime", "requests") if key in status},
    }


def _opened(trial: Trial) -> Trial:
    record = replace(
        trial.record, state=State.QUEUED, value=None, metrics={}, reason="", curve=type(trial.record.curve)()
    )
    return replace(trial, record=record, job=None, pod=None)
