"""All reports of a trial so far, in the bounded form that its Job's annotations hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Optional

from .curve import Curve

ANNOTATION_METRICS = "hyperdrive.dev/metrics"
ANNOTATION_CURVE = "hyperdrive.dev/curve"
#: What the operator reads: more metrics, or longer names, would be dropped there.
MAX_METRICS = 64
MAX_NAME = 253

#: One call of report(): finite numbers by name, and the step.
Report = tuple[Mapping[str, float], Optional[float]]  # evaluated, and Python 3.9 has no X | None


class Summary:
    """The last value of each metric, and the curve of the primary one."""

    def __init__(self, primary_metric: str, *, is_higher_better: bool) -> None:
        self._primary = primary_metric
        self._last: dict[str, float] = {}
        self._curve = Curve(is_higher_better=is_higher_better)
        #: Reports so far.
        self.reports = 0

    def add(self, report: Report) -> None:
        """Take a report in."""
        values, step = report
        for name, value in values.items():
            if name in self._last or name == self._primary or len(self._last) < self._room:
                self._last[name] = value
        if self._primary in values:
            self._curve.add(values[self._primary], step)
        self.reports += 1

    def annotations(self) -> dict[str, str]:
        """Return the annotations that say it."""
        written = {ANNOTATION_METRICS: _json(self._last)}
        columns = self._curve.columns()
        if columns["interval"]:
            written[ANNOTATION_CURVE] = _json(columns)
        return written

    def dump(self) -> dict[str, Any]:
        """Return all that `load` needs to go on."""
        return {"reports": self.reports, "last": self._last, "curve": self._curve.dump()}

    def load(self, dumped: dict[str, Any]) -> None:
        """Go on where `dump` was called."""
        self.reports = int(dumped["reports"])
        self._last = dict(dumped["last"])
        self._curve.load(dumped["curve"])

    @property
    def _room(self) -> int:
        """How many metrics may stand beside those that are here: one place is the primary metric's."""
        return MAX_METRICS - (1 if self._primary and self._primary not in self._last else 0)


def finite(value: Any) -> float | None:
    """Return a finite number, whatever type it comes in (NumPy's, a tensor of one element); None for all else."""
    if isinstance(value, (bool, str, bytes)):
        return None
    try:
        number = float(value)
    except Exception:  # noqa: BLE001  __float__ is anybody's code, and a report must not end a training
        return None
    return number if math.isfinite(number) else None


def whole(number: float | None) -> float | None:
    """Return a whole number as an integer, which is shorter to write and how a step reads."""
    return int(number) if number is not None and number.is_integer() else number


def line_of(values: Mapping[str, Any], step: Any) -> str:
    """Return a report as name=value, which the operator reads from a log; empty if there is no finite number."""
    pairs = {**({} if step is None else {"step": step}), **values}
    numbers = {name: number for name, value in pairs.items() if (number := finite(value)) is not None}
    return " ".join(f"{name}={whole(number)!r}" for name, number in numbers.items())


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
