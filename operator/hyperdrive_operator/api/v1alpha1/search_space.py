"""The expressions of a search space: HyperDrive's ten, with bounds that are always values.

Formulas: Azure Machine Learning's "hyperparameter tuning a model", section "Define the search space"; there the
bounds of the log forms are exponents, here they are the values themselves.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from .base import MAX_DEPTH, Model, Number, canonical, cel, is_too_deep

MAX_CHOICES = 1000  # keeps an object far below etcd's 1.5 MiB and the cost of its CEL rules within the budget

_ORDERED = ("self.min < self.max", "min must be below max")
_NO_MULTIPLE = "no multiple of q lies between min and max: make q smaller or the range wider"
# rounding towards zero finds the multiple next to the bound that is farther from zero; 1e-9 forgives 0.3 / 0.1
_HAS_MULTIPLE = (
    (
        "self.max >= 0.0 ? double(int(self.max / self.q + 1e-9)) * self.q >= self.min - 1e-9 * self.q"
        " : double(int(self.min / self.q - 1e-9)) * self.q <= self.max + 1e-9 * self.q"
    ),
    _NO_MULTIPLE,
)
_MAX_STEPS = 2**53  # beyond it doubles can't tell a multiple from the next
_TOO_MANY = "too many steps between min and max: make q larger"
_FEW_ENOUGH = (
    f"self.max / self.q <= {_MAX_STEPS}.0 && self.min / self.q >= -{_MAX_STEPS}.0",
    _TOO_MANY,
)
_POSITIVE = ("self.min > 0.0", "min must be above 0: the bounds of a log form are values, not exponents")

Step = Annotated[Number, Field(gt=0, description="Step: every value is a multiple of it. Above 0.")]
Mean = Annotated[Number, Field(description="Mean.")]
Probability = Annotated[Number, Field(ge=0, description="Weight of the value in the same place. 0 or more.")]
Deviation = Annotated[Number, Field(gt=0, description="Standard deviation. Above 0.")]


_ONE_EACH = "probabilities must be as many as values"
_NOT_ALL_ZERO = "at least one of the probabilities must be above 0"


class Choice(Model):
    """One of the listed values, each equally likely unless probabilities say otherwise."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            # that there are as many as values only we can check: CEL knows no list of anything
            ("!has(self.probabilities) || self.probabilities.exists(p, p > 0.0)", _NOT_ALL_ZERO),
        )
    )

    values: list[Any] = Field(
        min_length=1,
        max_length=MAX_CHOICES,
        description="The values to choose from: strings, numbers, booleans, lists or mappings. "
        "Each reaches the script as written, a list or mapping as JSON.",
    )
    probabilities: list[Probability] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_CHOICES,
        description="Weight of each value, in their order; any scale. Grid ignores them.",
    )

    @model_validator(mode="after")
    def _has_usable_probabilities(self) -> Self:
        if self.probabilities is not None:
            if len(self.probabilities) != len(self.values):
                raise ValueError(_ONE_EACH)
            if not any(self.probabilities):
                raise ValueError(_NOT_ALL_ZERO)
        return self

    @field_validator("values")
    @classmethod
    def _has_no_duplicates(cls, values: list[Any]) -> list[Any]:
        if is_too_deep(values):
            raise ValueError(f"values must not nest deeper than {MAX_DEPTH} levels")
        if len({canonical(value) for value in values}) < len(values):
            raise ValueError("values must differ from each other: remove the duplicate")
        return values


class RandInt(Model):
    """A whole number from lower (included) to upper (excluded), each equally likely."""

    model_config = ConfigDict(json_schema_extra=cel(("self.lower < self.upper", "lower must be below upper")))

    lower: int = Field(default=0, ge=-(2**53), le=2**53, description="Smallest value.")
    upper: int = Field(ge=-(2**53), le=2**53, description="First value above the largest.")

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.lower >= self.upper:
            raise ValueError("lower must be below upper")
        return self


class _Bounded(Model):
    min: Number = Field(description="Lower bound, a value.")
    max: Number = Field(description="Upper bound, a value.")

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.min >= self.max:
            raise ValueError("min must be below max")
        return self


class _LogBounded(_Bounded):
    @model_validator(mode="after")
    def _is_positive(self) -> Self:
        if self.min <= 0:
            raise ValueError(_POSITIVE[1])
        return self


class Uniform(_Bounded):
    """A number between min and max, each equally likely."""

    model_config = ConfigDict(json_schema_extra=cel(_ORDERED))


class QUniform(_Bounded):
    """A multiple of q between min and max: round(uniform(min, max) / q) * q, kept within the bounds."""

    model_config = ConfigDict(json_schema_extra=cel(_ORDERED, _FEW_ENOUGH, _HAS_MULTIPLE))

    q: Step

    @model_validator(mode="after")
    def _has_a_multiple(self) -> Self:
        _check_steps(self)
        return self


class LogUniform(_LogBounded):
    """A number between min and max whose logarithm is uniform: each order of magnitude is equally likely."""

    model_config = ConfigDict(json_schema_extra=cel(_ORDERED, _POSITIVE))


class QLogUniform(_LogBounded):
    """A multiple of q between min and max: round(logUniform(min, max) / q) * q, kept within the bounds."""

    model_config = ConfigDict(json_schema_extra=cel(_ORDERED, _POSITIVE, _FEW_ENOUGH, _HAS_MULTIPLE))

    q: Step

    @model_validator(mode="after")
    def _has_a_multiple(self) -> Self:
        _check_steps(self)
        return self


def multiples(steps: QUniform | QLogUniform) -> range:
    """Return the whole k for which k * q lies within the bounds: in decimals, so that 0.3 is the third 0.1."""
    q = Decimal(repr(steps.q))
    first = (Decimal(repr(steps.min)) / q).to_integral_value(ROUND_CEILING)
    last = (Decimal(repr(steps.max)) / q).to_integral_value(ROUND_FLOOR)
    return range(int(first), int(last) + 1)


def _check_steps(steps: QUniform | QLogUniform) -> None:
    if max(abs(steps.min), abs(steps.max)) / steps.q > _MAX_STEPS:
        raise ValueError(_TOO_MANY)
    if not multiples(steps):
        raise ValueError(_NO_MULTIPLE)


class Normal(Model):
    """A normally distributed number."""

    mu: Mean
    sigma: Deviation


class QNormal(Normal):
    """A multiple of q: round(normal(mu, sigma) / q) * q."""

    q: Step


class LogNormal(Model):
    """A positive number whose logarithm is normally distributed: exp(normal(mu, sigma))."""

    mu: Number = Field(description="Mean of the logarithm.")
    sigma: Number = Field(gt=0, description="Standard deviation of the logarithm. Above 0.")


class QLogNormal(LogNormal):
    """A multiple of q: round(exp(normal(mu, sigma)) / q) * q."""

    q: Step


#: Field name of each expression in a Parameter.
EXPRESSIONS = (
    "choice",
    "randint",
    "uniform",
    "qUniform",
    "logUniform",
    "qLogUniform",
    "normal",
    "qNormal",
    "logNormal",
    "qLogNormal",
)
_ONE_EXPRESSION = f"exactly one expression per parameter: {', '.join(EXPRESSIONS)}"

Expression = (
    Choice | RandInt | Uniform | QUniform | LogUniform | QLogUniform | Normal | QNormal | LogNormal | QLogNormal
)


_CONTINUOUS = ("uniform", "logUniform", "normal", "logNormal")
_POINTS = f"gridPoints stands with a continuous expression only: {', '.join(_CONTINUOUS)}"

Name = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern=r"^[A-Za-z]([A-Za-z0-9_.-]*[A-Za-z0-9])?$"),
]


class When(Model):
    """A condition: the parameter is active only when another one is, and has one of these values."""

    parameter: Name = Field(description="Name of another parameter, which must be a choice.")
    values: list[Any] = Field(
        min_length=1, max_length=MAX_CHOICES, description="Values of that parameter, as its choice lists them."
    )


_WITH_POINTS: tuple[type[Model], ...] = (
    Uniform,
    LogUniform,
    Normal,
    LogNormal,
)  # themselves: not what derives from them


class Parameter(Model):
    """One hyperparameter: its name and the one expression that says which values it takes."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (f"[{', '.join(f'has(self.{name})' for name in EXPRESSIONS)}].filter(x, x).size() == 1", _ONE_EXPRESSION),
            (f"!has(self.gridPoints) || {' || '.join(f'has(self.{name})' for name in _CONTINUOUS)}", _POINTS),
        )
    )

    name: Name = Field(description="Name, as in the placeholder $(params.NAME). Letters, digits, '-', '_' and '.'.")
    when: When | None = Field(
        default=None,
        description="When the parameter is active; without it always. An inactive parameter gets no value, and a list "
        "item or field of the template that holds its placeholder is left out.",
    )
    grid_points: int | None = Field(
        default=None,
        ge=2,
        le=MAX_CHOICES,
        description="For Grid: so many values of a continuous expression, evenly spaced from min to max (in the "
        "logarithm for logUniform), or at evenly spaced quantiles for normal and logNormal.",
    )
    choice: Choice | None = None
    randint: RandInt | None = None
    uniform: Uniform | None = None
    q_uniform: QUniform | None = None
    log_uniform: LogUniform | None = None
    q_log_uniform: QLogUniform | None = None
    normal: Normal | None = None
    q_normal: QNormal | None = None
    log_normal: LogNormal | None = None
    q_log_normal: QLogNormal | None = None

    @model_validator(mode="after")
    def _has_one_expression(self) -> Self:
        if len(self._given()) != 1:
            raise ValueError(_ONE_EXPRESSION)
        if self.grid_points is not None and type(self.expression) not in _WITH_POINTS:
            raise ValueError(_POINTS)
        return self

    @property
    def expression(self) -> Expression:
        """The one expression that is given."""
        return self._given()[0]

    def _given(self) -> list[Expression]:
        given = (
            self.choice,
            self.randint,
            self.uniform,
            self.q_uniform,
            self.log_uniform,
            self.q_log_uniform,
            self.normal,
            self.q_normal,
            self.log_normal,
            self.q_log_normal,
        )
        return [expression for expression in given if expression is not None]
