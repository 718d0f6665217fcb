"""What the trials of earlier sweeps are worth: which count, which are left out and why."""

from typing import Any

import pytest
from tests.support.builders import choice, expression, limits, record_body, sweep

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.prior import Prior, Source, join, judge, obstacle, planned
from hyperdrive_operator.core.records import read_record
from hyperdrive_operator.core.roster import Roster
from hyperdrive_operator.core.sampling import combination_key
from hyperdrive_operator.core.sweep import Sweep

SPACE = (
    expression("x", "uniform", min=0, max=10),
    choice("solver", "sgd", "adam"),
    {**expression("momentum", "uniform", min=0, max=1), "when": {"parameter": "solver", "values": ["sgd"]}},
)
GOOD = {"x": 1, "solver": "adam"}


def new(algorithm: str = "Bayesian", *, skip: bool = False, space: tuple[Any, ...] = SPACE, **given: Any) -> Sweep:
    warm = {"from": ["old", "older"], "skipKnown": skip}
    sampling = {"type": algorithm}
    return sweep("new", warmStart=warm, searchSpace=list(space), samplingAlgorithm=sampling, **given)


def spec_of(of: Sweep) -> HyperDriveSpec:
    assert of.spec is not None
    return of.spec


def source(of: Sweep, name: str, *trials: tuple[dict[str, Any], float | None, str], **given: Any) -> Source:
    """Build an earlier sweep whose trials ended: parameters, value, and the minute of their end."""
    records = [
        read_record(
            record_body(
                number,
                parameters=parameters,
                state="Failed" if value is None else "Succeeded",
                value=value,
                completionTime=f"2026-03-01T12:{minute}:00Z",
            )
        )
        for number, (parameters, value, minute) in enumerate(trials, 1)
    ]
    fits = [judge(spec_of(of), record) for record in records]
    return Source(name, sweep(name, uid=name, **given), fits)


def message(prior: Prior) -> str:
    assert prior.status is not None
    return prior.status.message


def counts(prior: Prior) -> tuple[int, int]:
    assert prior.status is not None
    return prior.status.taken, prior.status.left_out


def test_results_of_all_sources_come_in_the_order_in_which_they_were_found() -> None:
    of = new()
    old = source(of, "old", (GOOD, 0.5, "10"), ({**GOOD, "x": 2}, 0.6, "30"))
    older = source(of, "older", ({**GOOD, "x": 3}, 0.7, "20"))
    found = join(spec_of(of), [old, older])
    assert [(one.parameters["x"], one.value) for one in found.history] == [(1, 0.5), (3, 0.7), (2, 0.6)]
    assert counts(found) == (3, 0)
    assert message(found) == "old: 2 taken; older: 1 taken"
    assert found.known == frozenset(), "nothing is skipped unless it is asked for"


@pytest.mark.parametrize(
    ("parameters", "value", "cause"),
    [
        pytest.param(GOOD, None, "no value", id="it failed"),
        pytest.param({"x": 1}, 0.5, "'solver' has no value", id="a parameter is missing"),
        pytest.param({**GOOD, "layers": 2}, 0.5, "'layers' is no parameter here", id="an unknown parameter"),
        pytest.param({**GOOD, "x": 11}, 0.5, "'x' is not among its values", id="a value outside"),
        pytest.param({**GOOD, "momentum": 0.5}, 0.5, "'momentum' is not active", id="a condition that is not met"),
        pytest.param({**GOOD, "solver": "sgd"}, 0.5, "'momentum' has no value", id="an active one without a value"),
    ],
)
def test_a_trial_that_does_not_fit_is_left_out_and_counted(
    parameters: dict[str, Any], value: float | None, cause: str
) -> None:
    of = new(skip=True)
    found = join(spec_of(of), [source(of, "old", (GOOD, 0, "10"), (parameters, value, "20"))])
    assert [one.value for one in found.history] == [0], "and 0 is a value"
    assert found.known == {combination_key(GOOD)}
    assert counts(found) == (1, 1)
    assert message(found) == f"old: 1 taken, 1 left out: {cause} (1)"


@pytest.mark.parametrize(
    ("objective", "why"),
    [
        ({"primaryMetric": "loss", "goal": "Maximize"}, "its primary metric is 'loss'"),
        ({"primaryMetric": "accuracy", "goal": "Minimize"}, "its goal for 'accuracy' is Minimize"),
    ],
)
def test_a_sweep_for_something_else_is_left_out_whole(objective: dict[str, str], why: str) -> None:
    of = new(skip=True)
    found = join(spec_of(of), [source(of, "old", (GOOD, 0.5, "10"), (GOOD, None, "20"), objective=objective)])
    assert (found.history, found.known, counts(found)) == ((), frozenset(), (0, 2))
    assert message(found) == f"old: all 2 ended trials left out: {why}"


def test_a_trial_that_was_stopped_early_counts_with_its_value() -> None:
    of = new(skip=True)
    record = read_record(record_body(1, parameters=GOOD, state="EarlyStopped", value=0.3))
    found = join(spec_of(of), [Source("old", sweep("old"), [judge(spec_of(of), record)])])
    assert [one.value for one in found.history] == [0.3]
    assert found.known == {combination_key(GOOD)}


def test_with_several_objectives_a_trial_needs_a_value_of_each() -> None:
    both = {"additionalObjectives": [{"metric": "latency", "goal": "Minimize"}]}
    of = new(objective={"primaryMetric": "accuracy", "goal": "Maximize", **both})
    metrics: list[dict[str, float]] = [{"accuracy": 0.5, "latency": 3}, {"accuracy": 0.6}]
    records = [
        read_record(record_body(number, parameters=GOOD, state="Succeeded", value=0.5, metrics=one))
        for number, one in enumerate(metrics, 1)
    ]
    old = Source("old", sweep("old"), [judge(spec_of(of), record) for record in records])
    found = join(spec_of(of), [old])
    assert [(one.value, one.others) for one in found.history] == [(0.5, (3,))]
    assert message(found) == "old: 1 taken, 1 left out: no value (1)"


def test_another_goal_for_a_further_objective_leaves_a_sweep_out() -> None:
    both = {"additionalObjectives": [{"metric": "latency", "goal": "Minimize"}]}
    of = new(objective={"primaryMetric": "accuracy", "goal": "Maximize", **both})
    both["additionalObjectives"][0]["goal"] = "Maximize"
    other = sweep("old", objective={"primaryMetric": "accuracy", "goal": "Maximize", **both})
    assert message(join(spec_of(of), [Source("old", other)])) == (
        "old: all 0 ended trials left out: its goal for 'latency' is Maximize"
    )


def test_the_commonest_causes_are_told_first_and_the_message_is_bounded() -> None:
    of = new()
    trials = [({**GOOD, f"p{n % 7}{'x' * 50}": 1}, 0.5, "10") for n in range(20)] + [({**GOOD, "x": -1}, 0.5, "10")] * 9
    found = join(spec_of(of), [source(of, f"old{n}", *trials) for n in range(16)])
    text = message(found)
    assert text.startswith("old0: 0 taken, 29 left out: 'x' is not among its values (9), 'p0")
    assert ", 5 causes more; old1: " in text
    assert len(text) <= 4096


def test_a_sweep_that_is_not_there_is_named() -> None:
    of = new()
    found = join(spec_of(of), [Source("old", None), source(of, "older", (GOOD, 0.5, "10"))])
    assert found.missing == ("old",)
    assert message(found) == "old: not found: what it had found is not known; older: 1 taken"


@pytest.mark.parametrize(
    ("algorithm", "skip", "note"),
    [
        ("Random", True, "; Random does not learn from results"),
        ("Grid", False, "; Grid does not learn from results: set skipKnown, or remove"),
        ("CmaEs", False, ""),
    ],
)
def test_samplers_that_do_not_learn_say_so(algorithm: str, skip: bool, note: str) -> None:
    space = (expression("x", "randint", upper=9), expression("y", "randint", upper=9))
    of = new(algorithm, skip=skip, space=space)
    found = join(spec_of(of), [source(of, "old", ({"x": 1, "y": 1}, 0.5, "10"))])
    assert message(found) == "old: 1 taken" + note


def test_what_is_known_is_known_by_the_values_of_this_space() -> None:
    grid = {**expression("x", "logUniform", min=0.001, max=1), "gridPoints": 4}
    of = new("Grid", skip=True, space=(grid,))
    found = join(spec_of(of), [source(of, "old", ({"x": 0.1}, 0.5, "10"), ({"x": 0.2}, 0.5, "10"))])
    assert counts(found) == (1, 1)
    (key,) = found.known
    assert key == combination_key(dict(found.history[0].parameters))


def test_known_combinations_are_not_planned_again_unless_they_are_our_own() -> None:
    of = new("Grid", skip=True, space=(choice("x", 1, 2, 3, 4),), limits=limits(10, 1))
    prior = Prior(known=frozenset(combination_key({"x": x}) for x in (1, 2)))
    assert planned(of, spec_of(of), Roster.of(()), prior) == 2
    few = new("Grid", skip=True, space=(choice("x", 1, 2, 3, 4),), limits=limits(1, 1))
    assert planned(few, spec_of(few), Roster.of(()), prior) == 1
    without = new("Grid", space=(choice("x", 1, 2, 3, 4),), limits=limits(10, 1))
    assert planned(without, spec_of(without), Roster.of(()), Prior()) == 4


def test_a_sweep_that_has_not_begun_waits_for_what_is_missing_and_one_that_has_does_not() -> None:
    of = new()
    prior = Prior(missing=("old", "older"))
    assert obstacle(of, Roster.of(()), prior).startswith(
        "spec.warmStart.from: no HyperDrive 'old', 'older' in namespace 'lab': create it"
    )
    assert obstacle(of, Roster.of(()), Prior()) == ""
    ended = new(status={"completionTime": "2026-03-01T12:00:00Z"})
    assert obstacle(ended, Roster.of(()), prior) == ""
