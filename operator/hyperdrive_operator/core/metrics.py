"""Metrics in a Job's annotation and in log lines. Total functions: junk is a finding, never an exception.

The contract is docs/metrics.md. A value is a finite number, or it is none: NaN and infinity never win.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

Goal = Literal["Maximize", "Minimize"]

#: Bounds on what a trial can make us hold and write.
MAX_METRICS: Final = 64
MAX_NAME: Final = 253
MAX_LINE: Final = 65_536
MAX_ANNOTATION: Final = 262_144  # what the API server takes for all annotations of an object together
#: Names under which scripts say where they are, the most exact one first.
STEP_NAMES: Final = ("step", "global_step", "epoch")

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: A name, as most scripts write theirs. An objective's is also found under any other name it may have.
_NAME = r"[^\W\d][\w./@-]{0,252}+"
#: What a metric needs: a separator, and then a number (or something in brackets that may hold one).
_VALUE = re.compile(rb"[=:][ \t\"']{0,9}(?:[A-Za-z][\w.]{0,63}\(|[-+.\d\x1b])")
_PROGRESS = re.compile(r"(\d{1,15})/\d{1,15}")

Pair = tuple[str, Any]


class Report(NamedTuple):
    """What one line says: name and raw value of each metric, and the step that they belong to."""

    pairs: tuple[Pair, ...]
    step: float | None


class Aim(NamedTuple):
    """The metrics without which a trial has no result: they are found whatever their names, and never crowded out."""

    primary: str
    goal: Goal
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (self.primary, *self.others)


#: Returns what a line says, None if it says nothing.
LineReader = Callable[[bytes], Report | None]


def better(goal: Goal, value: float, than: float | None) -> bool:
    """Tell whether a finite value beats another; anything beats none, and a tie beats nothing."""
    if than is None:
        return True
    return value > than if goal == "Maximize" else value < than


def read_object(text: str) -> Report | str:
    """Read a JSON object of metric name to number; return what is wrong if it is none."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return f"{text[:100]!r}, which is no JSON object"
    if not isinstance(values, dict):
        return f"{text[:100]!r}, which is no JSON object of name to number"
    return report_of(values.items())


def line_reader(aim: Aim) -> LineReader:
    """Return what reads every `name=value`, `name: value` and JSON line."""
    pattern = _pair_pattern(*aim.names)
    names = [name.encode() for name in aim.names]

    def read(raw: bytes) -> Report | None:
        if not _may_report(raw, names):
            return None
        line = _ESCAPES.sub("", raw.decode(errors="replace")).strip()
        values = _json_object(line)
        if values is not None:
            return report_of(values.items())
        # a sentence may end behind the value
        pairs = [(match["name"], match["value"].strip("\"'").rstrip(".:")) for match in pattern.finditer(line)]
        return report_of(pairs) if pairs else None

    return read


def _may_report(line: bytes, names: Sequence[bytes]) -> bool:
    """Tell cheaply whether it is worth to look for metrics in a line: most lines have none."""
    return _VALUE.search(line) is not None or any(name in line for name in names)


def bounded(last: Mapping[str, float], first: Sequence[str]) -> Mapping[str, float]:
    """Return at most MAX_METRICS metrics, those named first among them if they are there at all."""
    if len(last) <= MAX_METRICS:
        return last
    names = [name for name in first if name in last]
    names += [name for name in last if name not in first]
    return {name: last[name] for name in names[:MAX_METRICS]}


def number(raw: Any) -> float | None:
    """Return a finite number, or None for everything else (a boolean too)."""
    if isinstance(raw, str):
        try:
            raw = float(raw.rstrip("%").replace("_", "x"))  # float() would take 1_000, which nobody prints
        except ValueError:
            return None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        value = float(raw)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def report_of(pairs: Iterable[Pair]) -> Report:
    """Return what these names and raw values say, with the step among them."""
    pairs = tuple(pairs)
    return Report(pairs, _step(dict(pairs)))


def _step(values: Mapping[str, Any]) -> float | None:
    for name in STEP_NAMES:
        raw = values.get(name)
        if isinstance(raw, str) and (progress := _PROGRESS.fullmatch(raw)):  # epoch=3/10
            raw = progress[1]
        if (step := number(raw)) is not None:
            return step
    return None


@lru_cache(maxsize=256)
def _pair_pattern(*objectives: str) -> re.Pattern[str]:
    known = "|".join(re.escape(name) for name in sorted(objectives, key=len, reverse=True))
    # The look-behind lets a match begin only where a word does: without it a long line costs its length squared.
    # The value is looked at, not taken: in "INFO:root:accuracy=0.9" what follows INFO: is the next name.
    return re.compile(
        rf"(?<![\w./@-])-{{0,2}}?(?P<name>(?:{known})(?![\w./@-])|{_NAME})[\"']?[ \t]{{0,8}}[=:][ \t]{{0,8}}"
        r"(?=(?:[A-Za-z][\w.]{0,63}+\()?(?P<value>[^\s,;|\]})]{1,64}))"  # np.float64(0.9) is how numpy writes 0.9
    )


def _json_object(line: str) -> dict[str, Any] | None:
    if not (line.startswith("{") and line.endswith("}")):
        return None
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
