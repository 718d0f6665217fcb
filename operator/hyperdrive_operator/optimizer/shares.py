"""Numbers as shares of their distribution, from 0 to 1: what makes every numeric expression a plain range."""

import math
from statistics import NormalDist
from typing import Any, Final

from hyperdrive_operator.api.v1alpha1 import (
    LogNormal,
    LogUniform,
    Normal,
    Parameter,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    RandInt,
    Uniform,
)

_MIDDLE: Final = 0.5


def share_of(parameter: Parameter, value: Any) -> float | None:
    """Return which share of all draws lies below a value; None if it is no number. Never outside of 0 to 1.

    The inverse of `distributions.value_at_share`, up to the rounding of steps.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        share = _share(parameter.expression, float(value))
    except OverflowError:  # a whole number beyond any double: not drawn by us
        return None
    return _MIDDLE if math.isnan(share) else min(max(share, 0.0), 1.0)


def _share(expression: Any, value: float) -> float:
    match expression:
        case RandInt(lower=lower, upper=upper):
            return (value - lower + 0.5) / (upper - lower)  # the middle of its part
        case Uniform(min=low, max=high) | QUniform(min=low, max=high):
            return _between(low / 2, high / 2, value / 2)  # halves, since the whole may overflow
        case LogUniform(min=low, max=high) | QLogUniform(min=low, max=high):
            return _between(math.log(low), math.log(high), math.log(value)) if value > 0 else 0.0
        case Normal(mu=mu, sigma=sigma) | QNormal(mu=mu, sigma=sigma):
            return NormalDist(mu, sigma).cdf(value)
        case LogNormal(mu=mu, sigma=sigma) | QLogNormal(mu=mu, sigma=sigma):
            return NormalDist(mu, sigma).cdf(math.log(value)) if value > 0 else 0.0
    return math.nan


def _between(low: float, high: float, value: float) -> float:
    width = high - low
    return (value - low) / width if width > 0 else _MIDDLE
