"""What the models accept and refuse. The same table is given to the API servers, embedded and real."""

import pytest
from tests.support.builders import NAMESPACE, sweep_body
from tests.support.manifests import BAD, GOOD, Row

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.problems import Problem, sentence
from hyperdrive_operator.core.sweep import read_sweep


def problems(row: Row) -> tuple[Problem, ...]:
    metadata = row.manifest["metadata"] | {"uid": "u", "namespace": NAMESPACE}
    return read_sweep(row.manifest | {"metadata": metadata}).problems


@pytest.mark.parametrize("row", GOOD, ids=[row.id for row in GOOD])
def test_good(row: Row) -> None:
    assert problems(row) == ()


@pytest.mark.parametrize("row", BAD, ids=[row.id for row in BAD])
def test_bad(row: Row) -> None:
    found = problems(row)
    assert row.error is not None
    assert row.error in sentence(found)
    assert len({problem.field for problem in found}) == len(found), "one field is told about once"


def test_rows_have_different_names() -> None:
    rows = [row.id for row in GOOD + BAD]
    assert len(set(rows)) == len(rows) >= 60


def test_the_same_is_named_the_same_way_as_by_the_api_server() -> None:
    row = next(row for row in BAD if row.id == "uniform with a text")
    assert str(problems(row)[0]) == "spec.searchSpace[0].uniform.min: must be a finite number"


def test_a_spec_that_is_no_object_is_a_problem_of_the_spec() -> None:
    body = sweep_body()
    body["spec"] = None
    assert [problem.field for problem in read_sweep(body).problems] == ["spec"]


def test_numbers_keep_their_type() -> None:
    space = [{"name": "x", "qUniform": {"min": 0, "max": 1.5, "q": 1}}]
    spec = HyperDriveSpec.model_validate(sweep_body(searchSpace=space)["spec"])
    steps = spec.search_space[0].q_uniform
    assert steps is not None
    assert [type(value) for value in (steps.min, steps.max, steps.q)] == [int, float, int]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400], ids=["nan", "infinity", "too large"])
def test_what_no_double_can_hold_is_no_number(value: float) -> None:
    space = [{"name": "x", "uniform": {"min": 0, "max": value}}]
    (problem,) = read_sweep(sweep_body(searchSpace=space)).problems
    assert problem.field == "spec.searchSpace[0].uniform.max"


def test_values_nested_without_end_are_a_problem_and_no_crash() -> None:
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    (problem,) = read_sweep(sweep_body(searchSpace=[{"name": "x", "choice": {"values": [deep]}}])).problems
    assert problem.field == "spec.searchSpace[0].choice.values"


def test_models_do_not_change() -> None:
    spec = HyperDriveSpec.model_validate(sweep_body()["spec"])
    with pytest.raises(ValueError, match="frozen"):
        setattr(spec.limits, "max_total_trials", 5)  # noqa: B010  mypy would see the plain form
