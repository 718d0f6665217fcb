"""Whether a value is one of a parameter's, and what is said when it is not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import choice, expression

from hyperdrive_operator.api.v1alpha1 import Parameter
from hyperdrive_operator.core.distributions import value_at_share
from hyperdrive_operator.core.fitting import MisfitError, fit, fitted

from .spaces import parameter, spec


def bounded(kind: str, low: float, high: float, **given: Any) -> Parameter:
    return parameter(**{kind: {"min": low, "max": high, **given}})


NORMAL = {"mu": 0, "sigma": 1}


@pytest.mark.parametrize(
    ("of", "value", "expected"),
    [
        (parameter(randint={"upper": 10}), 9, 9),
        (parameter(randint={"upper": 10}), 3.0, 3),
        (bounded("uniform", 0, 1), 1, 1.0),
        (bounded("logUniform", 0.1, 1), 0.1, 0.1),
        (bounded("qUniform", 16, 64, q=16), 48.0, 48),
        (bounded("qUniform", 0, 1, q=0.1), 0.3, 0.3),
        (bounded("qLogUniform", 1, 1000, q=5), 1000, 1000),
        (parameter(normal=NORMAL), -1e300, -1e300),
        (parameter(qNormal={**NORMAL, "q": 0.5}), -12345.5, -12345.5),
        (parameter(logNormal=NORMAL), 1e-9, 1e-9),
        (parameter(qLogNormal={**NORMAL, "q": 2}), 0, 0),
        (parameter(choice={"values": [[1, 2], {"a": 1}, True, None]}), {"a": 1.0}, {"a": 1}),
        (parameter(choice={"values": [1, True, "1"]}), True, True),
    ],
)
def test_a_value_is_kept_as_the_parameter_has_it(of: Parameter, value: Any, expected: Any) -> None:
    found = fitted(of, value, on_grid=False)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("of", "value", "message"),
    [
        (parameter(randint={"lower": 2, "upper": 10}), 10, "10 is no whole number from 2 to 9: use one"),
        (parameter(randint={"upper": 10}), 2.5, "2.5 is no whole number from 0 to 9: use one"),
        (parameter(randint={"upper": 10}), True, "true is no number: use a finite one"),
        (bounded("uniform", 0, 1), -0.001, "-0.001 is not from 0 to 1: use a value between them"),
        (bounded("uniform", 0, 1), "0.5", '"0.5" is no number: use a finite one'),
        (bounded("uniform", 0, 1), None, "null is no number: use a finite one"),
        (bounded("uniform", 0, 1), float("inf"), "Infinity is no number: use a finite one"),
        (bounded("uniform", 0, 1), 10**400, "is beyond what a double holds: use a smaller number"),
        (bounded("logUniform", 0.1, 1), 0, "0 is not from 0.1 to 1: use a value between them"),
        (
            bounded("qUniform", 16, 64, q=16),
            40,
            "40 is none of its values, which go in steps of 16: use 32 or 48",
        ),
        (
            bounded("qUniform", 0, 1, q=0.1),
            0.25,
            "0.25 is none of its values, which go in steps of 0.1: use 0.2 or 0.3",
        ),
        (bounded("qUniform", 16, 64, q=16), 80, "80 is none of its values, which go in steps of 16: use 64"),
        (bounded("qUniform", 16, 64, q=16), 0, "0 is none of its values, which go in steps of 16: use 16"),
        (bounded("qUniform", 16, 70, q=16), 68, "68 is none of its values, which go in steps of 16: use 64"),
        (parameter(qNormal={**NORMAL, "q": 2}), -3, "-3 is none of its values, which go in steps of 2: use -4 or -2"),
        (parameter(logNormal=NORMAL), 0, "0 is not above 0, as all values of logNormal are: use one that is"),
        (parameter(qLogNormal={**NORMAL, "q": 2}), -4, "-4 is none of its values, which go in steps of 2: use 0"),
        (parameter(choice={"values": ["a", "b"]}), "c", '"c" is none of its values: use "a" or "b"'),
        (parameter(choice={"values": [1]}), True, "true is none of its values: use 1"),
        (
            parameter(choice={"values": list(range(12))}),
            12,
            "12 is none of its values: use 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 (or another of its 12)",
        ),
        (
            parameter(choice={"values": ["a", "b"], "probabilities": [1, 0]}),
            "b",
            "\"b\" has the probability 0: use another value of 'x'",
        ),
    ],
)
def test_a_value_that_is_none_is_told_with_the_fix(of: Parameter, value: Any, message: str) -> None:
    with pytest.raises(MisfitError) as caught:
        fitted(of, value, on_grid=False)
    assert str(caught.value) == message


def test_a_grid_takes_its_points_alone_and_forgives_a_rounding() -> None:
    grid = parameter(logUniform={"min": 0.001, "max": 1}, gridPoints=4)
    tenth = fitted(grid, 0.1, on_grid=True)
    assert tenth == pytest.approx(0.1)
    assert tenth == fitted(grid, tenth, on_grid=True)
    with pytest.raises(MisfitError, match=r"0\.05 is none of the 4 gridPoints: use 0\.01 or 0\.1$"):
        fitted(grid, 0.05, on_grid=True)
    assert fitted(grid, 0.05, on_grid=False) == 0.05


def test_a_grid_has_no_use_for_probabilities() -> None:
    weighted = parameter(choice={"values": ["a", "b"], "probabilities": [1, 0]})
    assert fitted(weighted, "b", on_grid=True) == "b"


ALL = (
    {"randint": {"lower": -5, "upper": 10}},
    {"uniform": {"min": -3, "max": 0.5}},
    {"qUniform": {"min": 0.3, "max": 9, "q": 0.1}},
    {"logUniform": {"min": 1e-6, "max": 10}},
    {"qLogUniform": {"min": 1, "max": 1e5, "q": 7}},
    {"normal": {"mu": 3, "sigma": 100}},
    {"qNormal": {"mu": 3, "sigma": 100, "q": 0.3}},
    {"logNormal": {"mu": 0, "sigma": 3}},
    {"qLogNormal": {"mu": 0, "sigma": 3, "q": 0.7}},
    {"choice": {"values": ["a", [1], {"b": None}]}},
)


@given(st.sampled_from(ALL), st.floats(0, 1))
def test_whatever_is_drawn_fits_as_it_is(given: dict[str, Any], share: float) -> None:
    of = parameter(**given)
    value = value_at_share(of, share)
    assert fitted(of, value, on_grid=False) == value


SPACE = (
    choice("solver", "sgd", "adam"),
    {**choice("schedule", "flat", "cosine"), "when": {"parameter": "solver", "values": ["sgd"]}},
    {**expression("warmup", "randint", upper=9), "when": {"parameter": "schedule", "values": ["cosine"]}},
)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        pytest.param({"solver": "sgd", "schedule": "cosine", "warmup": 1}, {}, id="all that is active"),
        pytest.param({"solver": "adam"}, {}, id="nothing else is active"),
        pytest.param({}, {"solver": "has no value: give it one"}, id="nothing"),
        pytest.param(
            {"solver": "sgd"},
            {"schedule": "has no value: give it one"},
            id="what hangs on a missing one is not asked for",
        ),
        pytest.param(
            {"solver": "adam", "schedule": "flat"},
            {"schedule": 'is active only when solver is "sgd": leave it out, or change solver'},
            id="a condition that is not met",
        ),
    ],
)
def test_a_whole_combination_has_just_what_is_active(values: dict[str, Any], wrong: dict[str, str]) -> None:
    fitting, found = fit(spec(*SPACE).search_space, values, on_grid=False, is_whole=True)
    assert {one.name: one.message for one in found} == wrong
    if not wrong:
        assert fitting == values


def test_a_part_of_a_combination_names_what_its_conditions_need() -> None:
    _, found = fit(spec(*SPACE).search_space, {"warmup": 3, "other": 1}, on_grid=False, is_whole=False)
    assert {one.name: one.message for one in found} == {
        "other": "is no parameter of searchSpace: use solver, schedule or warmup",
        "warmup": 'is active only when schedule is "cosine": give schedule such a value too, or leave this one out',
    }
