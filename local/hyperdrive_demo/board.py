"""What the demo knows of a sweep: the parts of a HyperDrive and its trials that a person follows.

Reading is total: what an object lacks or has in another form is absent here, never an exception, since an object is
seen before the operator has first written its status.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

FINISHED_SWEEP = ("Complete", "Stopped", "Cancelled", "Failed", "Invalid")
FINISHED_TRIAL = ("Succeeded", "Failed", "EarlyStopped", "Cancelled")

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the sweep."""

    type: str
    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial."""

    name: str
    number: int
    parameters: Mapping[str, Any]
    state: str = "Queued"
    value: float | None = None
    message: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in FINISHED_TRIAL


@dataclass(frozen=True, slots=True)
class Best:
    """The best trial so far, as the operator says."""

    name: str
    value: float
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sweep:
    """The HyperDrive."""

    name: str
    uid: str
    metric: str
    maximize: bool
    planned: int
    at_once: int
    parameter_names: tuple[str, ...]
    state: str = ""
    running: int = 0
    best: Best | None = None
    conditions: tuple[Condition, ...] = ()

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in FINISHED_SWEEP

    @property
    def stalled(self) -> str:
        """Why nothing moves, in the operator's words; empty while all is well."""
        return next((c.message for c in self.conditions if c.type == "Stalled" and c.status == "True"), "")


@dataclass(frozen=True, slots=True)
class Board:
    """A sweep and its trials at one moment."""

    sweep: Sweep
    trials: Mapping[int, Trial] = field(default_factory=dict)

    def with_trial(self, trial: Trial) -> "Board":
        """Return the board with this trial as it is now."""
        return replace(self, trials={**self.trials, trial.number: trial})

    def in_order(self) -> list[Trial]:
        """Trials by number."""
        return [self.trials[number] for number in sorted(self.trials)]

    def by_value(self) -> list[Trial]:
        """Trials that gave a value, the best first; equal ones by number."""
        sign = -1 if self.sweep.maximize else 1
        usable = [(sign * trial.value, trial.number) for trial in self.in_order() if trial.value is not None]
        return [self.trials[number] for _, number in sorted(usable)]

    def count(self, *states: str) -> int:
        """How many trials are in one of these states."""
        return sum(trial.state in states for trial in self.trials.values())


def read_sweep(body: JsonObject) -> Sweep:
    """Read a HyperDrive. A status about an earlier spec says nothing about this one."""
    metadata, spec, status = _part(body, "metadata"), _part(body, "spec"), _part(body, "status")
    if status.get("observedGeneration") != metadata.get("generation"):
        status = {}
    limits, objective = _part(spec, "limits"), _part(spec, "objective")
    planned = _part(status, "trials").get("planned") or limits.get("maxTotalTrials") or 0
    return Sweep(
        name=str(metadata.get("name", "")),
        uid=str(metadata.get("uid", "")),
        metric=str(objective.get("primaryMetric", "value")),
        maximize=objective.get("goal") != "Minimize",
        planned=int(planned),
        at_once=int(limits.get("maxConcurrentTrials") or 0),
        parameter_names=tuple(
            str(item.get("name")) for item in spec.get("searchSpace") or [] if isinstance(item, dict)
        ),
        state=str(status.get("state") or ""),
        running=int(_part(status, "trials").get("running") or 0),
        best=_read_best(_part(status, "bestTrial")),
        conditions=tuple(_read_condition(item) for item in status.get("conditions") or []),
    )


def read_trial(body: JsonObject) -> Trial:
    """Read a HyperDriveTrial."""
    spec, status = _part(body, "spec"), _part(body, "status")
    return Trial(
        name=str(_part(body, "metadata").get("name", "")),
        number=int(spec.get("number") or 0),
        parameters=_part(spec, "parameters"),
        state=str(status.get("state") or "Queued"),
        value=_number(status.get("value")),
        message=str(status.get("message") or status.get("reason") or ""),
    )


def _read_best(body: JsonObject) -> Best | None:
    value = _number(body.get("value"))
    if value is None:
        return None
    return Best(str(body.get("name", "")), value, _part(body, "parameters"))


def _read_condition(body: JsonObject) -> Condition:
    return Condition(*(str(body.get(name) or "") for name in ("type", "status", "reason", "message")))


def _part(body: JsonObject, name: str) -> JsonObject:
    part = body.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
