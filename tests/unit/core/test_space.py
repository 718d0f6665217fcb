"""Values of a search space: their bounds, their types, and that a seed always gives the same."""

import json
import math
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.support.builders import choice, expression

from hyperdrive_operator.api.v1alpha1 import Parameter
from hyperdrive_operator.core.space import combination_at, draw, size

from .spaces import FRACTION, POSITIVE, WHOLE, WILD, parameter, spec

SEEDS = st.integers(0, 2**32)
TENTHS = expression("x", "qUniform", min=0.1, max=0.9, q=0.1)


def drawn(one: Parameter, seed: int) -> Any:
    return draw([one], Random(seed))["x"]  # noqa: S311  not for secrets


def valid(**given_expression: Any) -> Parameter:
    """Parse a parameter, or give up this example: its bounds are in the wrong order, say."""
    try:
        return parameter(**given_expression)
    except ValidationError:
        assume(False)
        raise


def test_a_seed_gives_these_trials_for_ever() -> None:
    """Pinned: changing them would change the trials of every sweep that is under way."""
    space = [
        choice("choice", "a", "b", "c"),
        expression("randint", "randint", lower=5, upper=50),
        expression("uniform", "uniform", min=-1, max=1),
        expression("qUniform", "qUniform", min=16, max=256, q=16),
        expression("logUniform", "logUniform", min=0.0001, max=100),
        expression("qLogUniform", "qLogUniform", min=0.5, max=100, q=0.5),
        expression("normal", "normal", mu=10, sigma=2),
        expression("qNormal", "qNormal", mu=10, sigma=2, q=0.1),
        expression("logNormal", "logNormal", mu=0, sigma=1),
        expression("qLogNormal", "qLogNormal", mu=3, sigma=1, q=2),
    ]
    values = draw(spec(*space).search_space, Random("42/1/0"))  # noqa: S311  not for secrets
    assert values == pytest.approx(  # the last bit of exp() and log() is the platform's
        {
            "choice": "a",
            "randint": 34,
            "uniform": 0.5554746776694286,
            "qUniform": 96,
            "logUniform": 1.933376216462268,
            "qLogUniform": 16.0,
            "normal": 7.8632646991630235,
            "qNormal": 9.3,
            "logNormal": 0.9365003694062775,
            "qLogNormal": 26,
        }
    )


@given(low=WHOLE, span=st.integers(1, 10**6), seed=SEEDS)
def test_randint_is_a_whole_number_below_upper(low: int, span: int, seed: int) -> None:
    value = drawn(parameter(randint={"lower": low, "upper": low + span}), seed)
    assert type(value) is int
    assert low <= value < low + span


@given(low=WILD, high=WILD, seed=SEEDS)
def test_uniform_stays_within_its_bounds(low: float, high: float, seed: int) -> None:
    value = drawn(valid(uniform={"min": low, "max": high}), seed)
    assert type(value) is float
    assert low <= value <= high


@given(low=st.floats(0.5, 1), seed=SEEDS)
def test_uniform_stays_within_bounds_that_are_neighbours(low: float, seed: int) -> None:
    high = math.nextafter(low, 2)
    assert drawn(parameter(uniform={"min": low, "max": high}), seed) in {low, high}


@given(low=POSITIVE, high=POSITIVE, seed=SEEDS)
def test_log_uniform_stays_within_its_bounds(low: float, high: float, seed: int) -> None:
    value = drawn(valid(logUniform={"min": low, "max": high}), seed)
    assert type(value) is float
    assert low <= value <= high


@given(low=FRACTION, high=FRACTION, q=st.sampled_from([1, 7, 0.1, 0.25, 1e-3, 3.5]), seed=SEEDS)
def test_q_uniform_is_a_multiple_within_its_bounds(low: float, high: float, q: float, seed: int) -> None:
    value = drawn(valid(qUniform={"min": low, "max": high, "q": q}), seed)
    assert low <= value <= high
    assert type(value) is type(q)
    assert value == pytest.approx(round(value / q) * q)


@given(low=st.floats(1e-300, 1e300), steps=st.integers(1, 2**40), seed=SEEDS)
def test_q_log_uniform_stays_within_its_bounds(low: float, steps: int, seed: int) -> None:
    high = low * 1000
    assert low <= drawn(valid(qLogUniform={"min": low, "max": high, "q": high / steps}), seed) <= high


@given(mu=WILD, sigma=POSITIVE, q=POSITIVE, seed=SEEDS)
def test_normal_forms_are_finite_however_wild_their_numbers(mu: float, sigma: float, q: float, seed: int) -> None:
    for kind, fields in (
        ("normal", {"mu": mu, "sigma": sigma}),
        ("qNormal", {"mu": mu, "sigma": sigma, "q": q}),
        ("logNormal", {"mu": mu, "sigma": sigma}),
        ("qLogNormal", {"mu": mu, "sigma": sigma, "q": q}),
    ):
        json.dumps(value := drawn(parameter(**{kind: fields}), seed), allow_nan=False)
        assert kind != "logNormal" or value >= 0


@given(mu=FRACTION, sigma=st.floats(0.1, 1e3), seed=SEEDS)
def test_a_whole_step_gives_whole_numbers(mu: float, sigma: float, seed: int) -> None:
    assert type(drawn(parameter(qNormal={"mu": mu, "sigma": sigma, "q": 5}), seed)) is int
    assert drawn(parameter(qNormal={"mu": mu, "sigma": sigma, "q": 5}), seed) % 5 == 0


def test_three_tenths_are_written_so() -> None:
    space = spec(TENTHS).search_space
    assert [combination_at(space, n)["x"] for n in range(9)] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def test_both_ends_of_a_stepped_range_are_reached_and_none_beyond() -> None:
    space = spec(expression("x", "qUniform", min=20, max=60, q=16)).search_space
    assert [combination_at(space, n)["x"] for n in range(size(space) or 0)] == [32, 48]
    assert {drawn(space[0], seed) for seed in range(50)} == {32, 48}


def test_choices_keep_their_type() -> None:
    values = [1, 1.5, True, "1", None, [64, 32], {"a": 1}]
    space = spec(choice("x", *values)).search_space
    assert [combination_at(space, n)["x"] for n in range(len(values))] == values
    assert type(combination_at(space, 2)["x"]) is bool


def test_every_choice_is_drawn() -> None:
    one = parameter(choice={"values": ["a", "b", "c"]})
    assert {drawn(one, seed) for seed in range(100)} == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("expressions", "combinations"),
    [
        pytest.param([choice("a", 1, 2), expression("b", "randint", lower=-1, upper=2)], 6, id="a product"),
        pytest.param([TENTHS], 9, id="steps"),
        pytest.param([expression("a", "qLogUniform", min=1, max=10, q=3)], 3, id="logarithmic steps"),
        pytest.param([choice("a", 1), expression("b", "uniform", min=0, max=1)], None, id="continuous"),
        pytest.param([expression("a", "qNormal", mu=0, sigma=1, q=1)], None, id="without bounds"),
        pytest.param([expression(f"p{n}", "randint", upper=2**53) for n in range(100)], 2**5300, id="astronomical"),
    ],
)
def test_size(expressions: list[Any], combinations: int | None) -> None:
    assert size(spec(*expressions).search_space) == combinations


def test_the_last_parameter_varies_fastest() -> None:
    space = spec(choice("a", 1, 2), choice("b", "x", "y")).search_space
    assert [tuple(combination_at(space, n).values()) for n in range(4)] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


def test_what_has_no_index_says_so() -> None:
    with pytest.raises(ValueError, match="x has no countable values"):
        combination_at([parameter(uniform={"min": 0, "max": 1})], 0)
