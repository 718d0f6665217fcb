"""Placeholders in a template."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperdrive_operator.core.template import placeholder_problems, render, text_of

PARAMETERS = {"lr": 0.001, "batch-size": 32, "solver": "adam", "nesterov": True, "layers": [64, 32], "none": None}


@pytest.mark.parametrize(
    ("given_template", "rendered"),
    [
        pytest.param("$(params.batch-size)", 32, id="a placeholder alone takes the value's type"),
        pytest.param("$(params.nesterov)", True, id="a boolean"),
        pytest.param("$(params.layers)", [64, 32], id="a list"),
        pytest.param("--lr=$(params.lr)", "--lr=0.001", id="text around it makes it text"),
        pytest.param("$(params.nesterov) ", "true ", id="a boolean as text is JSON's"),
        pytest.param("x $(params.layers)", "x [64,32]", id="a list as text is JSON"),
        pytest.param("x $(params.none)", "x null", id="null as text"),
        pytest.param("$(params.solver)/$(params.batch-size)", "adam/32", id="several"),
        pytest.param("$(HOME) $(params_file) ${lr} {{ lr }}", "$(HOME) $(params_file) ${lr} {{ lr }}", id="others"),
        pytest.param({"args": ["$(params.batch-size)"]}, {"args": ["32"]}, id="arguments are strings"),
        pytest.param({"command": ["$(params.lr)"]}, {"command": ["0.001"]}, id="a command is of strings"),
        pytest.param(
            {"env": [{"name": "A", "value": "$(params.nesterov)"}]},
            {"env": [{"name": "A", "value": "true"}]},
            id="the environment is of strings",
        ),
        pytest.param({"labels": {"a": "$(params.lr)"}}, {"labels": {"a": "0.001"}}, id="labels are strings"),
        pytest.param(
            {"nodeSelector": {"gpus": "$(params.batch-size)"}}, {"nodeSelector": {"gpus": "32"}}, id="node selector"
        ),
        pytest.param(
            {"resources": {"limits": {"cpu": "$(params.batch-size)"}}},
            {"resources": {"limits": {"cpu": 32}}},
            id="a quantity may be a number",
        ),
        pytest.param({"backoffLimit": 3, "a": None, "b": 0.5}, {"backoffLimit": 3, "a": None, "b": 0.5}, id="no text"),
        pytest.param({"$(params.lr)": 1}, {"$(params.lr)": 1}, id="a field's name stays"),
    ],
)
def test_render(given_template: Any, rendered: Any) -> None:
    result = render(given_template, PARAMETERS)
    assert result == rendered
    assert type(result) is type(rendered)


def test_rendering_leaves_the_template_as_it_was() -> None:
    template = {"a": ["$(params.lr)", {"b": "$(params.solver)"}]}
    render(template, PARAMETERS)
    assert template == {"a": ["$(params.lr)", {"b": "$(params.solver)"}]}


def test_a_value_with_a_placeholder_in_it_is_not_replaced_again() -> None:
    assert render("$(params.a) $(params.b)", {"a": "$(params.b)", "b": 1}) == "$(params.b) 1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("$(params.learning-rate)", "names no parameter of searchSpace: use one of lr, x", id="unknown"),
        pytest.param("--a=$(params.x) --b=$(params.y)", "'$(params.y)' names no parameter", id="one of two"),
        pytest.param("$(params.x", "is no placeholder: write $(params.NAME)", id="without its end"),
        pytest.param("$(params.)", "is no placeholder", id="without a name"),
        pytest.param("$(params)", "is no placeholder", id="without a dot"),
        pytest.param("$( params.x)", "is no placeholder", id="with a blank before"),
        pytest.param("$(params.x )", "is no placeholder", id="with a blank after"),
        pytest.param("$(params[x])", "is no placeholder", id="with brackets"),
        pytest.param("$(params.X)", "names no parameter", id="in capitals"),
    ],
)
def test_what_is_meant_as_a_placeholder_and_is_none(text: str, problem: str) -> None:
    (found,) = placeholder_problems({"a": [{"b": text}]}, ["x", "lr"], "spec")
    assert found.field == "spec.a[0].b"
    assert problem in found.message


@pytest.mark.parametrize("text", ["$(params.x)", "$(PARAMS)", "$(paramsx)", "${params.x}", "$params.x", "(params.x)"])
def test_what_is_a_placeholder_or_none_at_all(text: str) -> None:
    assert placeholder_problems([text], ["x"], "spec") == []


def test_a_placeholder_in_a_fields_name_is_told() -> None:
    (found,) = placeholder_problems({"labels": {"$(params.x)": "a"}}, ["x"], "spec")
    assert (found.field, "move it into a value" in found.message) == ("spec.labels", True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["$(params.x)", "$(params.y)", "$(params"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_has_no_problem_renders_without_a_placeholder_left(template: Any) -> None:
    if not placeholder_problems(template, ["x"], "spec"):
        assert "$(params." not in str(render(template, {"x": 1}))


@pytest.mark.parametrize(
    ("value", "text"),
    [(32, "32"), (0.1, "0.1"), (1e-05, "1e-05"), (True, "true"), ("a b", "a b"), ({"a": [1]}, '{"a":[1]}')],
)
def test_a_value_as_a_script_reads_it(value: Any, text: str) -> None:
    assert text_of(value) == text
