"""A trial's reports in its Job's annotations: each change of the primary value that is seen is one, or the reporter's
curve is all of them. Whoever may write to the Job may write there, so nothing in it is trusted beyond its trial.
"""

import json
from typing import Final

from .curves import Curve, read_curve
from .metrics import Aim, Goal, better, bounded
from .progress import Progress, read_annotation

#: The reporter's 64 points of five columns are a third of that.
MAX_CURVE_TEXT: Final = 32_768


def annotated(known: Progress | None, metrics: str | None, curve: str | None, aim: Aim) -> Progress | None:
    """Return what the annotations say, given what was known from them before. None if they say nothing."""
    if metrics is None and curve is None:
        return known
    before = known.curve if known is not None else Curve()
    said = read_annotation(metrics, aim)
    told = read_told_curve(curve, aim.goal)
    now = _counted(before, said, aim.goal) if not told.reports else max(before, told, key=lambda one: one.reports)
    last = {**(known.last if known is not None else {}), **said.last}
    if now.newest is not None:
        last[aim.primary] = said.last.get(aim.primary, now.newest.value)
    return Progress(now, bounded(last, aim.names), said.not_a_number, said.others_not_a_number)


def read_told_curve(text: str | None, goal: Goal) -> Curve:
    """Read a curve that a script wrote. One that can't be, whatever the reports were, is an empty one."""
    if not text or len(text) > MAX_CURVE_TEXT:
        return Curve()
    try:
        curve = read_curve(json.loads(text))
    except (ValueError, RecursionError, OverflowError):
        return Curve()
    best: float | None = None
    for point in curve.points:
        # the best so far is as good as each report and as the average, and never gets worse
        if better(goal, point.value, point.best) or better(goal, point.mean, _rounded(point.best, goal)):
            return Curve()
        if best is not None and better(goal, best, point.best):
            return Curve()
        best = point.best
    return curve


def _rounded(best: float, goal: Goal) -> float:
    """Return a best that an average of equal values does not beat by its rounding."""
    room = 1e-9 * abs(best)
    return best + room if goal == "Maximize" else best - room


def _counted(curve: Curve, said: Progress, goal: Goal) -> Curve:
    point, newest = said.curve.newest, curve.newest
    if point is None or (newest is not None and (newest.value, newest.step) == (point.value, point.step)):
        return curve
    return curve.reported(point.value, goal, step=point.step)
