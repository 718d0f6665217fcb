"""Metrics from a Job's annotation and from log lines. Total functions: junk is a finding, never an exception.

The contract is docs/metrics.md. A value is a finite number, or it is none: NaN and infinity never win.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

Goal = Literal["Maximize", "Minimize"]

#: Bounds on what a trial can make us hold and write.
MAX_METRICS = 64
MAX_NAME = 253
MAX_LINE = 65_536
MAX_ANNOTATION = 262_144  # what the API server takes for all annotations of an object together

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: A name, as most scripts write theirs. An objective's is also found under any other name it may have.
_NAME = r"[^\W\d][\w./@-]{0,252}+"
_LINE_END = re.compile(r"[\r\n]+")  # a progress bar overwrites its line with a carriage return


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a trial's metrics."""

    #: Last finite value of each metric.
    last: Mapping[str, float] = field(default_factory=dict)
    #: Best finite value of the primary metric, and how often it was reported.
    best: float | None = None
    reports: int = 0
    #: What stood where a value of the primary metric should be, as it was written.
    not_a_number: str | None = None
    #: The same of each additional objective's metric.
    others_not_a_number: Mapping[str, str] = field(default_factory=dict)


def better(goal: Goal, value: float, than: float | None) -> bool:
    """Tell whether a finite value beats another; anything beats none, and a tie beats nothing."""
    if than is None:
        return True
    return value > than if goal == "Maximize" else value < than


def read_annotation(text: str | None, primary: str, goal: Goal, others: Sequence[str] = ()) -> Reading:
    """Read the annotation: a JSON object of metric name to number. `others` are what must not get lost among many."""
    if not text or len(text) > MAX_ANNOTATION:
        return Reading()
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return Reading(not_a_number=f"{text[:100]!r}, which is no JSON object")
    if not isinstance(values, dict):
        return Reading(not_a_number=f"{text[:100]!r}, which is no JSON object of name to number")
    return _collect(values.items(), primary, goal, others)


def read_log(text: str, primary: str, goal: Goal, others: Sequence[str] = ()) -> Reading:
    """Read every `name=value`, `name: value` and JSON line, in order."""
    return _collect(_pairs(text, _pair_pattern(primary, *others)), primary, goal, others)


def _collect(pairs: Any, primary: str, goal: Goal, others: Sequence[str]) -> Reading:
    last: dict[str, float] = {}
    best: float | None = None
    reports = 0
    junk: str | None = None
    others_junk: dict[str, str] = {}
    kept = (primary, *others)
    for name, raw in pairs:
        value = number(raw)
        if name == primary:
            if value is None:
                junk = repr(raw)[:100]
                continue
            reports += 1
            best = value if better(goal, value, best) else best
        if value is None:
            if name in others:
                others_junk[name] = repr(raw)[:100]
        elif name in last or name in kept or (len(last) < MAX_METRICS and len(name) <= MAX_NAME):
            last[name] = value
    return Reading(bounded(last, kept), best, reports, junk, others_junk)


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


def bounded(last: Mapping[str, float], first: Sequence[str]) -> Mapping[str, float]:
    """Return at most MAX_METRICS metrics, those named first among them if they are there at all."""
    if len(last) <= MAX_METRICS:
        return last
    names = [name for name in first if name in last]
    names += [name for name in last if name not in first]
    return {name: last[name] for name in names[:MAX_METRICS]}


@lru_cache(maxsize=256)
def _pair_pattern(*objectives: str) -> re.Pattern[str]:
    known = "|".join(re.escape(name) for name in sorted(objectives, key=len, reverse=True))
    # The look-behind lets a match begin only where a word does: without it a long line costs its length squared.
    # The value is looked at, not taken: in "INFO:root:accuracy=0.9" what follows INFO: is the next name.
    return re.compile(
        rf"(?<![\w./@-])-{{0,2}}?(?P<name>(?:{known})(?![\w./@-])|{_NAME})[\"']?[ \t]{{0,8}}[=:][ \t]{{0,8}}"
        r"(?=(?:[A-Za-z][\w.]{0,63}+\()?(?P<value>[^\s,;|\]})]{1,64}))"  # np.float64(0.9) is how numpy writes 0.9
    )


def _pairs(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, Any]]:
    for raw_line in _LINE_END.split(text):
        line = _ESCAPES.sub("", raw_line[:MAX_LINE]).strip()
        values = _json_object(line)
        if values is not None:
            yield from values.items()
            continue
        for match in pattern.finditer(line):
            yield match["name"], match["value"].strip("\"'").rstrip(".:")  # a sentence may end there


def _json_object(line: str) -> dict[str, Any] | None:
    if not (line.startswith("{") and line.endswith("}")):
        return None
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
