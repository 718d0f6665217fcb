"""The values of one parameter: how many there are, the one at a position, and one drawn at random.

Random draws use only `random.Random.random()`, the one method whose sequence Python promises to keep, so that a seed
gives the same trials on every version and machine.
"""

import math
import sys
from collections.abc import Callable
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

_LARGEST_EXPONENT = 700.0  # exp() of more overflows a double; values that large are no hyperparameters
_LARGEST_SHARE = 1 - 2.0**-53  # as random() draws it: below 1
_LARGEST = sys.float_info.max / 2  # so that the multiple next to it fits too


def count(parameter: Parameter, *, on_grid: bool = False) -> int | None:
    """Return how many values a parameter takes; None if uncountably or unboundedly many.

    On a grid, a continuous parameter with gridPoints has so many.
    """
    match parameter.expression:
        case Choice(values=values):
            return len(values)
        case RandInt(lower=lower, upper=upper):
            return upper - lower
        case QUniform() | QLogUniform() as steps:
            span = multiples(steps)
            return span.stop - span.start  # len() has a limit, a range has none
        case _:
            return parameter.grid_points if on_grid else None


def value_at(parameter: Parameter, position: int) -> Any:
    """Return the value at a position from 0 below count(parameter, on_grid=True)."""
    match parameter.expression:
        case Choice(values=values):
            return values[position]
        case RandInt(lower=lower):
            return lower + position
        case QUniform() | QLogUniform() as steps:
            return multiple(multiples(steps).start + position, steps.q)
    if parameter.grid_points is None:
        raise ValueError(f"{parameter.name} has no countable values")
    return _grid_point(parameter.expression, position, parameter.grid_points)


def draw(parameter: Parameter, random: Random) -> Any:
    """Draw one value."""
    return value_at_share(parameter, random.random())


def value_at_share(parameter: Parameter, share: float) -> Any:
    """Return the value below which that share of all draws lies, from 0 to 1: the inverse of the distribution."""
    return _INVERSES[type(parameter.expression)](parameter.expression, min(max(share, 0.0), _LARGEST_SHARE))


def _grid_point(expression: Any, position: int, points: int) -> float:
    """Return one of evenly spaced values, both bounds among them; of a normal form one of evenly spaced quantiles."""
    share = position / (points - 1)
    match expression:
        case Uniform(min=low, max=high):
            return _between(low, high, share)
        case LogUniform(min=low, max=high):
            return float(min(max(math.exp(_between(math.log(low), math.log(high), share)), low), high))
        case Normal(mu=mu, sigma=sigma):
            return _kept(NormalDist(mu, sigma).inv_cdf((position + 0.5) / points))
        case _:
            quantile = NormalDist(expression.mu, expression.sigma).inv_cdf((position + 0.5) / points)
            return math.exp(min(quantile, _LARGEST_EXPONENT))


def multiples_of(expression: QUniform | QLogUniform | QNormal | QLogNormal) -> range | None:
    """Return the whole k for which k * q is a value; None if every k is one."""
    match expression:
        case QUniform() | QLogUniform():
            return multiples(expression)
        case QLogNormal():
            return range(2**1100)  # from 0, to beyond any double
    return None


def multiple(k: int, q: Number) -> Number:
    """Return k * q as a decimal would have it: 3 * 0.1 is 0.3, and a multiple of a whole number is a whole number."""
    return k * q if isinstance(q, int) else float(k * Decimal(repr(q)))


def _nearest(value: float, q: Number) -> int:
    """Return the whole k whose k * q is nearest: in decimals, since value / q may overflow a double."""
    return int((Decimal(value) / Decimal(repr(q))).to_integral_value())


def index_below(count: int, random: Random) -> int:
    """Draw a whole number from 0 below count, however large: a double could not hold every count."""
    return _index_at(count, random.random())


def _index_at(count: int, share: float) -> int:
    return int(share * 2**53) * count >> 53


def _within(steps: QUniform | QLogUniform, k: int) -> Number:
    span = multiples(steps)
    return multiple(min(max(k, span.start), span.stop - 1), steps.q)


def _between(low: float, high: float, share: float) -> float:
    # a sum of two products cannot overflow where high - low would, but it may miss a bound by a rounding
    return float(min(max(low * (1 - share) + high * share, low), high))


def _choose(choice: Choice, share: float) -> Any:
    if choice.probabilities is None:
        return choice.values[_index_at(len(choice.values), share)]
    weights = [weight / 1024 for weight in choice.probabilities]  # a thousand of the largest doubles have no sum
    rest = share * math.fsum(weights)
    for value, weight in zip(choice.values, weights, strict=True):
        rest -= weight
        if rest < 0:
            return value
    # a rounding at the very end: the last that can be chosen at all
    return next(v for v, weight in zip(reversed(choice.values), reversed(choice.probabilities), strict=True) if weight)


def _log_uniform(low: float, high: float, share: float) -> float:
    drawn = math.exp(_between(math.log(low), math.log(high), share))
    return float(min(max(drawn, low), high))  # exp(log(x)) may miss x by a rounding


def _normal(mu: float, sigma: float, share: float) -> float:
    # inv_cdf has no value at 0
    return _kept(NormalDist(mu, sigma).inv_cdf(share or 0.5**54))


def _kept(value: float) -> float:
    """Return a finite number: JSON has no other, and a normal distribution knows no bounds."""
    return min(max(value, -_LARGEST), _LARGEST)


def _log_normal(mu: float, sigma: float, share: float) -> float:
    return math.exp(min(_normal(mu, sigma, share), _LARGEST_EXPONENT))


_INVERSES: dict[type, Callable[[Any, float], Any]] = {
    Choice: _choose,
    RandInt: lambda e, share: e.lower + _index_at(e.upper - e.lower, share),
    Uniform: lambda e, share: _between(e.min, e.max, share),
    QUniform: lambda e, share: _within(e, _nearest(_between(e.min, e.max, share), e.q)),
    LogUniform: lambda e, share: _log_uniform(e.min, e.max, share),
    QLogUniform: lambda e, share: _within(e, _nearest(_log_uniform(e.min, e.max, share), e.q)),
    Normal: lambda e, share: _normal(e.mu, e.sigma, share),
    QNormal: lambda e, share: multiple(_nearest(_normal(e.mu, e.sigma, share), e.q), e.q),
    LogNormal: lambda e, share: _log_normal(e.mu, e.sigma, share),
    QLogNormal: lambda e, share: multiple(_nearest(_log_normal(e.mu, e.sigma, share), e.q), e.q),
}
