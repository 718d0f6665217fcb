"""A trial's record as the decisions see it: a small frozen view of a HyperDriveTrial.

Projections keep what decisions read and drop the rest: a whole Job is some 10 KB, its view some hundred bytes.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hyperdrive_operator.api import names

from . import timestamps
from .curves import Curve, read_curve
from .loglines import Position
from .metrics import number
from .pods import Body, identity, owner_uid
from .progress import Progress
from .requests import NO_REQUESTS, Requests, shared
from .sampling import combination_key
from .spans import Ran, read_ran


class State(StrEnum):
    """Where a trial stands."""

    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    EARLY_STOPPED = "EarlyStopped"
    CANCELLED = "Cancelled"


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.EARLY_STOPPED, State.CANCELLED})
#: Ends with which a value counts: it may be the best, and samplers learn from it. What it has reported is true.
USABLE = frozenset({State.SUCCEEDED, State.EARLY_STOPPED, State.CANCELLED})
#: Ends of a trial whose Job is ended with it. A tuple: to hash a state takes longer than to look at two.
CUT_SHORT = (State.EARLY_STOPPED, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Record:
    """A HyperDriveTrial: what is known of a trial for ever."""

    uid: str
    namespace: str
    name: str
    sweep_uid: str
    resource_version: str = field(compare=False)
    generation: int | None = field(compare=False)
    deleting: bool
    number: int
    parameters: Mapping[str, Any]
    key: str
    state: State
    value: float | None
    #: Last value of each metric. The names are shared among records: thousands have the same.
    metrics: Mapping[str, float]
    reason: str
    message: str
    started: datetime | None
    ended: datetime | None
    #: Its reports as far as they are recorded, and when they last were.
    curve: Curve
    reported: datetime | None
    #: How much time its early end has saved, as far as it says.
    seconds_saved: int
    #: While it runs: up to where its log is counted in them.
    position: Position | None
    #: For how long it has run, as far as that is recorded, and what its pods request together.
    ran: Ran
    requests: Requests
    #: How many of its pods the cluster has taken away, and the last of them.
    interruptions: int = 0
    #: Its creation and uid: pods that are older count no more.
    interrupted_pod: tuple[str, str] = ("", "")
    #: Which attempt all this is about, and which one is wished for.
    attempt: int = 1
    wanted_attempt: int = 1
    #: Its own spec says that it shall not run.
    is_called_off: bool = False
    #: When the pod of its first attempt started, if this is another.
    first_started: datetime | None = None

    @property
    def is_asked_for(self) -> bool:
        """It has ended and is to run once more."""
        is_behind = self.wanted_attempt > self.attempt and self.state in ENDED
        return is_behind and not (self.is_called_off or self.deleting)

    @property
    def progress(self) -> Progress:
        """What is recorded of its reports."""
        return Progress(self.curve, self.metrics)

    @property
    def best_report(self) -> float | None:
        """The best it has reported while it ran; whatever it reported later, it has reported this."""
        return self.curve.newest.best if self.curve.newest else self.value

    @property
    def is_cut_short(self) -> bool:
        """The trial was ended before its time: its Job is to be ended too."""
        return self.state in CUT_SHORT or self.reason == names.REASON_TIMED_OUT


def read_record(body: Body, known: Record | None = None) -> Record:
    """Project a HyperDriveTrial. `known` is what was read of it with the same spec."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    parameters = spec.get("parameters") or {}
    state, curve = _state(status.get("state", State.QUEUED)), read_curve(status.get("curve"))
    interruptions, interrupted_pod = _interruptions(status.get("interruptions"))
    return Record(
        **identity(metadata),
        sweep_uid=owner_uid(metadata, "HyperDrive"),
        deleting="deletionTimestamp" in metadata,
        number=_whole(spec.get("number")),
        parameters=parameters,
        key=known.key if known is not None else combination_key(parameters),
        state=state,
        value=number(status.get("value")),
        metrics=_metrics(status.get("metrics")),
        reason=_text(status.get("reason")),
        message=_text(status.get("message")),
        started=timestamps.parse(status.get("startTime")),
        ended=timestamps.parse(status.get("completionTime")),
        curve=curve,
        reported=timestamps.parse(status.get("lastReportTime")),
        # before the first report it costs nothing to read from the start again
        position=_position(status.get("logPosition")) if curve.reports else None,
        seconds_saved=_seconds_saved(status.get("earlyTermination")),
        interruptions=interruptions,
        interrupted_pod=interrupted_pod,
        attempt=_count(status.get("attempt")),
        wanted_attempt=_count(spec.get("attempt")),
        is_called_off=spec.get("state") == State.CANCELLED,
        first_started=timestamps.parse(status.get("firstStartTime")),
        ran=read_ran(status.get("runTime")),
        requests=shared(_metrics(requests)) if (requests := status.get("requests")) else NO_REQUESTS,
    )


def _state(text: Any) -> State:
    """Read a state; one that only a newer operator knows is an end: it must not run again."""
    try:
        return State(text)
    except ValueError:
        return State.FAILED


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def _seconds_saved(explanation: Any) -> int:
    seconds = explanation.get("secondsSaved") if isinstance(explanation, Mapping) else None
    return seconds if isinstance(seconds, int) else 0


def _interruptions(told: Any) -> tuple[int, tuple[str, str]]:
    if not isinstance(told, Mapping) or not isinstance(told.get("count"), int):
        return 0, ("", "")
    return told["count"], (_text(told.get("podCreated")), _text(told.get("pod")))


def _metrics(values: Any) -> Mapping[str, float]:
    items = values.items() if isinstance(values, Mapping) else ()
    return {sys.intern(name): value for name, raw in items if (value := number(raw)) is not None}


def _position(value: Any) -> Position | None:
    if not isinstance(value, Mapping):
        return None
    pod, time, lines = value.get("pod"), value.get("time"), value.get("lines")
    if not (isinstance(pod, str) and isinstance(time, str) and isinstance(lines, int)):
        return None
    return Position(pod, time, lines)
