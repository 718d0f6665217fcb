"""What a trial has reported so far, folded report by report: its curve, the last value of each metric, what was junk.

The same reports in the same order give the same progress, whether they come at once or in pieces, before or after a
restart. A report is one value of the primary metric; a value is a finite number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .curves import Curve
from .metrics import (
    MAX_ANNOTATION,
    MAX_LINE,
    MAX_METRICS,
    MAX_NAME,
    Aim,
    Goal,
    LineReader,
    Report,
    bounded,
    line_reader,
    number,
    read_object,
)

_LINE_END = re.compile(r"[\r\n]+")  # a progress bar overwrites its line with a carriage return
_SHOWN = 100  # characters of a value that is none


@dataclass(frozen=True, slots=True)
class Progress:
    """All that is kept of a trial's reports. Bounded, whatever it reports."""

    curve: Curve = field(default_factory=Curve)
    #: Last finite value of each metric.
    last: Mapping[str, float] = field(default_factory=dict)
    #: What stood where a value of the primary metric should be, as it was written.
    not_a_number: str | None = None
    #: The same of each additional objective's metric.
    others_not_a_number: Mapping[str, str] = field(default_factory=dict)

    @property
    def reports(self) -> int:
        """How often the primary metric was reported."""
        return self.curve.reports

    @property
    def best(self) -> float | None:
        """The best report of the primary metric."""
        return self.curve.newest.best if self.curve.newest else None

    @property
    def newest(self) -> float | None:
        """The newest report of the primary metric."""
        return self.curve.newest.value if self.curve.newest else None

    @property
    def step(self) -> float | None:
        """The step of the newest report, if the script said one."""
        return self.curve.newest.step if self.curve.newest else None

    def reported(self, report: Report, aim: Aim) -> "Progress":
        """Return the progress with what one line, or one annotation, says."""
        curve, last, junk = self.curve, dict(self.last), {aim.primary: self.not_a_number, **self.others_not_a_number}
        for name, raw in report.pairs:
            value = number(raw)
            is_wanted = name in aim.names
            if value is None:
                if is_wanted:
                    junk[name] = repr(raw)[:_SHOWN]
                continue
            if name == aim.primary:
                curve = _extended(curve, value, aim.goal, report.step)
            if is_wanted or name in last or (len(last) < MAX_METRICS and len(name) <= MAX_NAME):
                last[name] = value
        others = {name: said for name, said in junk.items() if said is not None and name != aim.primary}
        return Progress(curve, bounded(last, aim.names), junk[aim.primary], others)


def read_annotation(text: str | None, aim: Aim) -> Progress:
    """Read the annotation, by itself one report: a JSON object of metric name to number."""
    if not text or len(text) > MAX_ANNOTATION:
        return Progress()
    report = read_object(text)
    if isinstance(report, str):
        return Progress(not_a_number=report)
    return Progress().reported(report, aim)


def read_message(text: str, aim: Aim, read: LineReader) -> Progress:
    """Read the last words of a container: a JSON object of name to number, or lines as in a log."""
    report = read_object(text)
    return read_lines(text, aim, read) if isinstance(report, str) else Progress().reported(report, aim)


def joined(first: Progress, second: Progress) -> Progress:
    """Return what two sources say together. Of each metric the first counts before the second."""
    return Progress(
        first.curve if first.reports else second.curve,
        {**second.last, **first.last},
        first.not_a_number or second.not_a_number,
        {**second.others_not_a_number, **first.others_not_a_number},
    )


def read_lines(text: str, aim: Aim, read: LineReader | None = None) -> Progress:
    """Read some lines of output, by themselves."""
    progress, read = Progress(), read or line_reader(aim)
    for line in _LINE_END.split(text):
        if (report := read(line[:MAX_LINE].encode(errors="replace"))) is not None:
            progress = progress.reported(report, aim)
    return progress


def _extended(curve: Curve, value: float, goal: Goal, step: float | None) -> Curve:
    newest = curve.newest
    # several processes of a trial print the same line: one report. Without a step nobody can tell.
    if newest is not None and step is not None and (newest.step, newest.value) == (step, value):
        return curve
    return curve.reported(value, goal, step=step)
