"""Constant arguments that can be told to be wrong before any object is there."""

import datetime
from collections.abc import Iterator

from hyperdrive_local.schema.cel.syntax import Call, Expr, ListExpr, Literal, MapExpr, Select
from hyperdrive_local.schema.formats import duration_nanoseconds
from hyperdrive_local.schema.patterns import PatternError, compile_re2


def check_constants(expr: Expr) -> list[tuple[int, str]]:
    """Return offset and message of each constant that its function is bound to refuse."""
    return [problem for call in _calls(expr) for problem in _check(call)]


def _calls(expr: Expr | None) -> Iterator[Call]:
    below: tuple[Expr | None, ...] = ()
    if isinstance(expr, Call):
        yield expr
        below = (expr.target, *expr.args)
    elif isinstance(expr, Select):
        below = (expr.operand,)
    elif isinstance(expr, ListExpr):
        below = expr.items
    elif isinstance(expr, MapExpr):
        below = (*expr.keys, *expr.values)
    for child in below:
        yield from _calls(child)


def _check(call: Call) -> Iterator[tuple[int, str]]:
    texts = [arg.value if isinstance(arg, Literal) and arg.type_name == "string" else None for arg in call.args]
    if call.name == "matches" and texts[-1] is not None and not _is_pattern(texts[-1]):
        yield call.args[-1].at, "invalid matches argument"
    elif call.name == "duration" and texts and texts[0] is not None and duration_nanoseconds(texts[0]) is None:
        yield call.args[0].at, "invalid duration argument"
    elif call.name == "timestamp" and texts and texts[0] is not None and not _is_timestamp(texts[0]):
        yield call.args[0].at, "invalid timestamp argument"


def refused_pattern(expr: Expr) -> str:
    """Return why a constant pattern of find or findAll is none, or nothing."""
    for call in _calls(expr):
        pattern = call.args[0] if call.name in {"find", "findAll"} and call.args else None
        if isinstance(pattern, Literal) and pattern.type_name == "string":
            try:
                compile_re2(pattern.value)
            except PatternError as error:
                return str(error)
    return ""


def _is_pattern(text: str) -> bool:
    try:
        compile_re2(text)
    except PatternError:
        return False
    return True


def _is_timestamp(text: str) -> bool:
    try:
        parsed = datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return parsed.tzinfo is not None
