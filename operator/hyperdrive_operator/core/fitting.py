"""Whether values that others chose (a user, an earlier sweep) lie in a search space, and if not, why and what would."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any, Final

from hyperdrive_operator.api.v1alpha1 import (
    Choice,
    LogNormal,
    LogUniform,
    Number,
    Parameter,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    RandInt,
    Uniform,
    canonical,
)

from .distributions import multiple, multiples_of, value_at
from .identity import ById

#: As many parameters as 200 live sweeps may have, in the middle of their numbers.
MAX_TABLES: Final = 4_000
#: Values of a choice that a message shows.
_SHOWN: Final = 10
#: How near a number must be to a point of a grid over a continuous range: people write 0.1 for 0.10000000000000002.
_NEARNESS: Final = 1e-9


class MisfitError(ValueError):
    """A value that a parameter does not take: the message says why, and what it takes."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a combination is none of a search space: in short, and with the fix."""

    name: str
    cause: str
    message: str


def fitted(parameter: Parameter, value: Any, *, on_grid: bool) -> Any:
    """Return a value as the parameter has it (3 for 3.0, the point of the grid). Raises MisfitError."""
    expression = parameter.expression
    if isinstance(expression, Choice):
        return _chosen(parameter, expression, value, on_grid=on_grid)
    number = _number(value)
    match expression:
        case RandInt(lower=lower, upper=upper):
            return _whole(number, lower, upper)
        case QUniform() | QLogUniform() | QNormal() | QLogNormal():
            return _stepped(expression, number)
        case Uniform(min=low, max=high) | LogUniform(min=low, max=high):
            if not low <= number <= high:
                raise MisfitError(f"{number!r} is not from {low!r} to {high!r}: use a value between them")
        case LogNormal() if number <= 0:
            raise MisfitError(f"{number!r} is not above 0, as all values of logNormal are: use one that is")
    return _grid_point(parameter, number) if on_grid and parameter.grid_points else float(number)


def fit(
    space: Sequence[Parameter], values: Mapping[str, Any], *, on_grid: bool, is_whole: bool
) -> tuple[dict[str, Any], list[Misfit]]:
    """Return the values as the parameters have them, in the space's order, and what is wrong with the others.

    A whole combination has a value for each active parameter; of another one any may be missing.
    """
    known = _by_name(ById(space))
    fitting: dict[str, Any] = {}
    wrong = [
        Misfit(name, f"{name!r} is no parameter here", f"is no parameter of searchSpace: use {_listed(known)}")
        for name in values
        if name not in known
    ]
    for name, parameter in known.items():
        condition = _unmet(parameter, values)
        if name not in values:
            if is_whole and not condition:
                wrong.append(Misfit(name, f"{name!r} has no value", "has no value: give it one"))
        elif condition:
            wrong.append(Misfit(name, f"{name!r} is not active", condition))
        else:
            try:
                fitting[name] = fitted(parameter, values[name], on_grid=on_grid)
            except MisfitError as error:
                wrong.append(Misfit(name, f"{name!r} is not among its values", str(error)))
    return fitting, wrong


@lru_cache(maxsize=200)
def _by_name(space: ById[Sequence[Parameter]]) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in space.value}


def _unmet(parameter: Parameter, values: Mapping[str, Any]) -> str:
    """Return why a parameter is not (known to be) active; what is above its parent is told of the parent."""
    when = parameter.when
    if when is None:
        return ""
    if when.parameter not in values:
        wanted = f"{when.parameter} is {_listed(map(canonical, when.values), 'or')}"
        return f"is active only when {wanted}: give {when.parameter} such a value too, or leave this one out"
    keys = _active_with(ById(parameter))
    if canonical(values[when.parameter]) in keys:
        return ""
    wanted = _listed(keys, "or")
    return f"is active only when {when.parameter} is {wanted}: leave it out, or change {when.parameter}"


@lru_cache(maxsize=MAX_TABLES)
def _active_with(key: ById[Parameter]) -> dict[str, None]:
    when = key.value.when
    return dict.fromkeys(canonical(value) for value in (when.values if when else ()))


@lru_cache(maxsize=MAX_TABLES)
def _positions(key: ById[Choice]) -> dict[str, int]:
    return {canonical(value): position for position, value in enumerate(key.value.values)}


def _chosen(parameter: Parameter, choice: Choice, value: Any, *, on_grid: bool) -> Any:
    positions = _positions(ById(choice))
    position = positions.get(canonical(value))
    if position is None:
        raise MisfitError(f"{canonical(value)[:100]} is none of its values: use {_listed(positions, 'or')}")
    if not on_grid and choice.probabilities is not None and not choice.probabilities[position]:
        raise MisfitError(f"{canonical(value)[:100]} has the probability 0: use another value of {parameter.name!r}")
    return choice.values[position]


def _number(value: Any) -> Number:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        if not is_number or not math.isfinite(value):
            raise MisfitError(f"{canonical(value)[:100]} is no number: use a finite one")
    except OverflowError:
        raise MisfitError("is beyond what a double holds: use a smaller number") from None
    number: Number = value
    return number


def _whole(number: Number, lower: int, upper: int) -> int:
    if number != int(number) or not lower <= number < upper:
        raise MisfitError(f"{number!r} is no whole number from {lower} to {upper - 1}: use one")
    return int(number)


def _stepped(expression: QUniform | QLogUniform | QNormal | QLogNormal, number: Number) -> Number:
    """Return the multiple of q that a number is."""
    span = _span(ById(expression))
    exact = Decimal(repr(number)) / Decimal(repr(expression.q))
    below = int(exact.to_integral_value(ROUND_FLOOR))
    if exact == below and (span is None or below in span):
        return multiple(below, expression.q)
    neighbours = [k for k in (below, below + 1) if span is None or k in span]
    if not neighbours and span is not None:
        neighbours = [span.start if below < span.start else span.stop - 1]
    nearest = " or ".join(dict.fromkeys(repr(multiple(k, expression.q)) for k in neighbours))
    raise MisfitError(f"{number!r} is none of its values, which go in steps of {expression.q!r}: use {nearest}")


def _grid_point(parameter: Parameter, number: Number) -> Number:
    points = _points(ById(parameter))
    nearest = min(points, key=lambda point: abs(point / 2 - number / 2))
    if math.isclose(nearest, number, rel_tol=_NEARNESS, abs_tol=_NEARNESS * abs(points[-1] - points[0]) / len(points)):
        return nearest
    around = [*[point for point in points if point < number][-1:], *[point for point in points if point > number][:1]]
    raise MisfitError(
        f"{number!r} is none of the {len(points)} gridPoints: use {' or '.join(f'{point:.12g}' for point in around)}"
    )


@lru_cache(maxsize=MAX_TABLES)
def _points(key: ById[Parameter]) -> list[float]:
    return [value_at(key.value, position) for position in range(key.value.grid_points or 0)]


@lru_cache(maxsize=MAX_TABLES)
def _span(key: ById[QUniform | QLogUniform | QNormal | QLogNormal]) -> range | None:
    return multiples_of(key.value)


def _listed(texts: Iterable[str], last: str = "or") -> str:
    """Return some of the texts as people list them."""
    every = list(texts)
    shown = [text[:100] for text in every[:_SHOWN]]
    if len(every) > _SHOWN:
        return f"{', '.join(shown)} (or another of its {len(every)})"
    return f" {last} ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
