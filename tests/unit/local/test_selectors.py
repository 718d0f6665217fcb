"""Selectors: what the contract tests' rows do not reach."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperdrive_local.errors import ApiError
from hyperdrive_local.resources import EVENTS, JOBS, NEW_EVENTS, PODS, Resource
from hyperdrive_local.selectors import everything, parse, parse_fields, parse_labels


@pytest.mark.parametrize(
    ("selector", "labels", "matches"),
    [
        pytest.param("a in ()", {"a": ""}, True, id="an empty set is the empty value"),
        pytest.param("a in ()", {}, False, id="and not what is not there"),
        pytest.param("a notin (x)", {}, True, id="what is not there is not in the set"),
        pytest.param("a!=x", {}, True, id="nor is it equal"),
        pytest.param("a>5", {"a": "six"}, False, id="a word is no number"),
        pytest.param("a>-5", {"a": "-4"}, True, id="negative numbers"),
        pytest.param(" a = b , c ", {"a": "b", "c": ""}, True, id="blanks do not count"),
        pytest.param("example.com/a-b_c=d.e", {"example.com/a-b_c": "d.e"}, True, id="every character of a key"),
        pytest.param("in in (in)", {"in": "in"}, True, id="a key named like an operator"),
    ],
)
def test_a_label_selector_matches(selector: str, labels: dict[str, str], *, matches: bool) -> None:
    assert parse_labels(selector)({"metadata": {"labels": labels}}) is matches


def test_an_object_without_labels_has_none() -> None:
    assert parse_labels("!a")({"metadata": {}})
    assert not parse_labels("a")({"metadata": {"labels": None}})


@given(st.text(alphabet="ab=!<>,() in", max_size=12))
def test_any_text_is_a_selector_or_a_bad_request(text: str) -> None:
    with contextlib.suppress(ApiError):
        parse_labels(text)({"metadata": {"labels": {"a": "b"}}})


@pytest.mark.parametrize(
    ("resource", "selector", "obj", "matches"),
    [
        (
            PODS,
            "status.phase=Running,spec.nodeName=n",
            {"status": {"phase": "Running"}, "spec": {"nodeName": "n"}},
            True,
        ),
        (PODS, "spec.nodeName=", {"spec": {}}, True),
        (PODS, "spec.nodeName!=", {"spec": {}}, False),
        (JOBS, "status.successful=2", {"status": {"succeeded": 2}}, True),
        (JOBS, "status.successful=0", {}, True),
        (EVENTS, "involvedObject.name=x,reason!=R", {"involvedObject": {"name": "x"}, "reason": "S"}, True),
        (EVENTS, "source=me", {"source": {"component": "me"}}, True),
        (NEW_EVENTS, "regarding.name=x", {"involvedObject": {"name": "x"}}, True),
        (NEW_EVENTS, "reportingController=me", {"reportingComponent": "me"}, True),
    ],
)
def test_a_field_selector_matches(resource: Resource, selector: str, obj: dict[str, object], *, matches: bool) -> None:
    assert parse_fields(selector, resource)(obj) is matches


def test_a_field_selector_without_an_operator_is_none() -> None:
    with pytest.raises(ApiError, match="can't understand 'nothing'"):
        parse_fields("nothing", PODS)


def test_no_selector_costs_nothing() -> None:
    assert parse(PODS, "", " ") is everything
