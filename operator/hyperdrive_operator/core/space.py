"""A search space: how many combinations it has, the one at an index, and one drawn at random.

All pure functions. Random draws use only `random.Random.random()`, the one method whose sequence Python promises to
keep, so that a seed gives the same trials on every version and machine.
"""

import math
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from statistics import NormalDist
from typing import Any

from hyperdrive_operator.api.v1alpha1 import (
    Choice,
    LogNormal,
    LogUniform,
    Normal,
    Number,
    Parameter,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    RandInt,
    Uniform,
    multiples,
)

Parameters = dict[str, Any]

_LARGEST_EXPONENT = 700.0  # exp() of more overflows a double; values that large are no hyperparameters
_LARGEST = sys.float_info.max / 2  # so that the multiple next to it fits too


def size(space: Sequence[Parameter]) -> int | None:
    """Return the number of combinations, or None if a parameter takes uncountably or unboundedly many values."""
    total = 1
    for parameter in space:
        values = _count(parameter)
        if values is None:
            return None
        total *= values
    return total


def combination_at(space: Sequence[Parameter], index: int) -> Parameters:
    """Return the combination at an index from 0 below size(space), the last parameter varying fastest."""
    chosen: Parameters = {}
    for parameter in reversed(space):
        count = _count(parameter)
        if count is None:
            raise ValueError(f"{parameter.name} has no countable values")
        index, position = divmod(index, count)
        chosen[parameter.name] = _value_at(parameter, position)
    return {parameter.name: chosen[parameter.name] for parameter in space}


def draw(space: Sequence[Parameter], random: Random) -> Parameters:
    """Draw one combination; the parameters are independent of each other."""
    return {parameter.name: _DRAWS[type(parameter.expression)](parameter.expression, random) for parameter in space}


def _count(parameter: Parameter) -> int | None:
    match parameter.expression:
        case Choice(values=values):
            return len(values)
        case RandInt(lower=lower, upper=upper):
            return upper - lower
        case QUniform() | QLogUniform() as steps:
            span = multiples(steps)
            return span.stop - span.start  # len() has a limit, a range has none
        case _:
            return None


def _value_at(parameter: Parameter, position: int) -> Any:
    match parameter.expression:
        case Choice(values=values):
            return values[position]
        case RandInt(lower=lower):
            return lower + position
        case QUniform() | QLogUniform() as steps:
            return _times(multiples(steps).start + position, steps.q)
    raise ValueError(f"{parameter.name} has no countable values")


def _times(k: int, q: Number) -> Number:
    """Return k * q as a decimal would have it: 3 * 0.1 is 0.3, and a multiple of a whole number is a whole number."""
    return k * q if isinstance(q, int) else float(k * Decimal(repr(q)))


def _nearest(value: float, q: Number) -> int:
    """Return the whole k whose k * q is nearest: in decimals, since value / q may overflow a double."""
    return int((Decimal(value) / Decimal(repr(q))).to_integral_value())


def index_below(count: int, random: Random) -> int:
    """Draw a whole number from 0 below count, however large: a double could not hold every count."""
    return int(random.random() * 2**53) * count >> 53


def _within(steps: QUniform | QLogUniform, k: int) -> Number:
    span = multiples(steps)
    return _times(min(max(k, span.start), span.stop - 1), steps.q)


def _uniform(low: float, high: float, random: Random) -> float:
    # a sum of two products cannot overflow where high - low would, but it may miss a bound by a rounding
    share = random.random()
    return float(min(max(low * (1 - share) + high * share, low), high))


def _log_uniform(low: float, high: float, random: Random) -> float:
    drawn = math.exp(_uniform(math.log(low), math.log(high), random))
    return float(min(max(drawn, low), high))  # exp(log(x)) may miss x by a rounding


def _normal(mu: float, sigma: float, random: Random) -> float:
    share = random.random() or 0.5**54  # inv_cdf has no value at 0
    return min(max(NormalDist(mu, sigma).inv_cdf(share), -_LARGEST), _LARGEST)


def _log_normal(mu: float, sigma: float, random: Random) -> float:
    return math.exp(min(_normal(mu, sigma, random), _LARGEST_EXPONENT))


_DRAWS: dict[type, Callable[[Any, Random], Any]] = {
    Choice: lambda e, random: e.values[index_below(len(e.values), random)],
    RandInt: lambda e, random: e.lower + index_below(e.upper - e.lower, random),
    Uniform: lambda e, random: _uniform(e.min, e.max, random),
    QUniform: lambda e, random: _within(e, _nearest(_uniform(e.min, e.max, random), e.q)),
    LogUniform: lambda e, random: _log_uniform(e.min, e.max, random),
    QLogUniform: lambda e, random: _within(e, _nearest(_log_uniform(e.min, e.max, random), e.q)),
    Normal: lambda e, random: _normal(e.mu, e.sigma, random),
    QNormal: lambda e, random: _times(_nearest(_normal(e.mu, e.sigma, random), e.q), e.q),
    LogNormal: lambda e, random: _log_normal(e.mu, e.sigma, random),
    QLogNormal: lambda e, random: _times(_nearest(_log_normal(e.mu, e.sigma, random), e.q), e.q),
}
