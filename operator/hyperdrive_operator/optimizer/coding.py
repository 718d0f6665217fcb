"""Parameters as Optuna sees them: a choice is the number of its value, steps are whole numbers, the rest are shares."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from hyperdrive_operator.api.v1alpha1 import Choice, Parameter, QLogUniform, QUniform, RandInt, canonical, multiples
from hyperdrive_operator.core.distributions import count, value_at, value_at_share

from .shares import share_of

#: Ranges of more whole numbers are as good as continuous; the model reckons in doubles.
_MAX_STEPS: Final = 2**31

Code = int | float


def distribution(parameter: Parameter) -> BaseDistribution:
    """Return the range of a parameter's codes."""
    expression = parameter.expression
    if isinstance(expression, Choice):
        weights = expression.probabilities or [1] * len(expression.values)
        return CategoricalDistribution([index for index, weight in enumerate(weights) if weight])
    steps = _steps(parameter)
    if steps is None:
        return FloatDistribution(0.0, 1.0)
    return IntDistribution(steps.start, steps.stop - 1, log=isinstance(expression, QLogUniform))


def encode(parameter: Parameter, value: Any) -> Code | None:
    """Return the code of a value; None if it is none of the parameter's."""
    expression = parameter.expression
    if isinstance(expression, Choice):
        keys = [canonical(one) for one in expression.values]
        key = canonical(value)
        if key not in keys or (expression.probabilities and not expression.probabilities[keys.index(key)]):
            return None
        return keys.index(key)
    steps = _steps(parameter)
    if steps is None:
        return share_of(parameter, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    q = expression.q if isinstance(expression, QUniform | QLogUniform) else 1
    k = round(Decimal(repr(value)) / Decimal(repr(q)))
    return k if k in steps else None


def encoded(space: Iterable[Parameter], parameters: Mapping[str, Any]) -> dict[str, Code] | None:
    """Return the codes of a combination; None if it does not fit the space: somebody wrote the record by hand."""
    codes: dict[str, Code] = {}
    for parameter in space:
        if parameter.name in parameters:
            code = encode(parameter, parameters[parameter.name])
            if code is None:
                return None
            codes[parameter.name] = code
    return codes


def suggested(trial: Trial, name: str, of: BaseDistribution) -> Any:
    """Ask a trial of Optuna for the code of a parameter."""
    match of:
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(name, choices)
        case IntDistribution(low=low, high=high, log=log):
            return trial.suggest_int(name, low, high, log=log)
        case FloatDistribution(low=low, high=high):
            return trial.suggest_float(name, low, high)
    raise TypeError(f"there is no such code: {of}")


def decode(parameter: Parameter, code: Code) -> Any:
    """Return the value of a code."""
    expression = parameter.expression
    if isinstance(expression, Choice):
        return expression.values[int(code)]
    steps = _steps(parameter)
    if steps is None:
        return value_at_share(parameter, code)
    return value_at(parameter, int(code) - steps.start)


def _steps(parameter: Parameter) -> range | None:
    """Return the whole numbers that stand for the values, if there are few enough to tell them apart."""
    values = count(parameter)
    if values is None or values > _MAX_STEPS:
        return None
    match parameter.expression:
        case RandInt(lower=lower, upper=upper):
            return range(lower, upper)
        case QUniform() | QLogUniform() as stepped:
            return multiples(stepped)
    return None
