"""Several objectives: a trial's values, how it ends without one of them, and what sweep and optimiser are told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import AIM, NOW, ended, facts, job_body, limits, sweep, sweep_manifest, trial

from hyperdrive_operator.api.v1alpha1 import AdditionalObjective, HyperDriveSpec, Objective
from hyperdrive_operator.core import outcome
from hyperdrive_operator.core.metrics import MAX_METRICS, Aim
from hyperdrive_operator.core.progress import Progress, read_annotation, read_lines
from hyperdrive_operator.core.proposing import MAX_HISTORY, build_request, foreseeable
from hyperdrive_operator.core.status import summarise
from hyperdrive_operator.core.trials import Log, Trial

SIZE = AdditionalObjective(metric="size", goal="Minimize")
TWO = Objective(primary_metric="accuracy", goal="Maximize", additional_objectives=[SIZE])
BOTH = Aim("accuracy", "Maximize", ("size",))
AS_JSON: dict[str, Any] = TWO.model_dump(by_alias=True)

SPEC = HyperDriveSpec.model_validate(sweep_manifest(objective=AS_JSON)["spec"])


def end(log: str | None = None, *, finished: str = "Complete", **job: Any) -> dict[str, Any]:
    """Return the status of a trial whose Job has finished so."""
    progress = read_lines(log, BOTH) if log is not None else Progress()
    of = trial(job=job_body(finished=finished, **job), log=Log(progress))
    assert of.job is not None
    return outcome.ended(of, of.job, SPEC, NOW)


# --- a trial's values -------------------------------------------------------------------------------------------------


def test_the_values_are_the_last_of_each_since_they_belong_to_one_model() -> None:
    status = end("accuracy=0.9 size=100\naccuracy=0.7 size=50\nloss=0.2\n")
    assert (status["state"], status["value"], status["reports"]) == ("Succeeded", 0.7, 2)
    assert status["metrics"] == {"accuracy": 0.7, "size": 50, "loss": 0.2}


def test_with_one_objective_the_value_stays_the_best() -> None:
    one = HyperDriveSpec.model_validate(sweep_manifest()["spec"])
    of = trial(
        job=job_body(finished="Complete", metrics='{"loss": 1}'),
        log=Log(read_lines("accuracy=0.9\naccuracy=0.7", AIM)),
    )
    assert of.job is not None
    status = outcome.ended(of, of.job, one, NOW)
    assert (status["value"], status["metrics"]) == (0.9, {"loss": 1, "accuracy": 0.7})


def test_a_value_that_is_no_number_does_not_take_the_place_of_one() -> None:
    status = end("accuracy=0.7 size=50\naccuracy=nan size=inf\n")
    assert status["metrics"] == {"accuracy": 0.7, "size": 50}


@pytest.mark.parametrize(
    ("log", "reason", "message"),
    [
        ("accuracy=0.9 loss=1", "MetricNotReported", "reported no 'size'; metrics seen: accuracy, loss"),
        ("size=9", "MetricNotReported", "reported no 'accuracy'; metrics seen: size"),
        ("loss=1", "MetricNotReported", "reported no 'accuracy' and no 'size'; metrics seen: loss"),
        (
            "accuracy=0.9 size=huge",
            "MetricNotANumber",
            "its values of 'size' are no finite numbers; the last is 'huge'",
        ),
        (
            "accuracy=nan size=1",
            "MetricNotANumber",
            "its values of 'accuracy' are no finite numbers; the last is 'nan'",
        ),
        ("accuracy=nan", "MetricNotANumber", "its values of 'accuracy' are no finite numbers; the last is 'nan'"),
    ],
)
def test_a_trial_without_one_of_its_values_fails_and_says_which(log: str, reason: str, message: str) -> None:
    status = end(log)
    assert (status["state"], status["reason"]) == ("Failed", reason)
    assert message in status["message"]


def test_a_trial_whose_job_failed_keeps_what_it_reported() -> None:
    status = end("accuracy=0.9 size=3", finished="Failed")
    assert (status["state"], status["reason"], status["value"]) == ("Failed", "JobFailed", 0.9)
    assert "value" not in end("size=3", finished="Failed")


def test_the_log_is_read_if_the_annotation_lacks_one_objective_and_only_that_one_counts() -> None:
    def of(annotation: str) -> Trial:
        return trial(job=job_body(finished="Complete", metrics=annotation))

    assert outcome.needs_log(of('{"accuracy": 0.5}'), SPEC)
    assert outcome.needs_log(of('{"size": 0.5}'), SPEC)
    assert not outcome.needs_log(of('{"size": 0.5, "accuracy": 0}'), SPEC)
    status = end("accuracy=0.9 size=7", metrics='{"accuracy": 0.5}')
    assert (status["value"], status["metrics"], status["reports"]) == (0.5, {"accuracy": 0.5, "size": 7}, 1)
    status = end("accuracy=0.9 size=7", metrics='{"size": 5}')
    assert (status["value"], status["metrics"], status["reports"]) == (0.9, {"accuracy": 0.9, "size": 5}, 1)


@given(st.permutations(["accuracy", "size", *(f"m{n}" for n in range(70))]))
def test_no_objective_gets_lost_among_many_metrics_in_whatever_order_they_come(order: list[str]) -> None:
    text = "".join(f'"{name}": 1, ' for name in order)
    for reading in (
        read_annotation(f"{{{text.rstrip(', ')}}}", BOTH),
        read_lines("\n".join(f"{name}=1" for name in order), BOTH),
    ):
        assert len(reading.last) == MAX_METRICS
        assert {"accuracy", "size"} <= reading.last.keys()


def test_annotation_and_log_together_are_no_more_metrics_than_a_record_takes() -> None:
    annotation = '{"size": 1, ' + ", ".join(f'"a{n}": 1' for n in range(63)) + "}"
    log = "\n".join([*(f"l{n}=1" for n in range(63)), "accuracy=1"])
    status = end(log, metrics=annotation)
    assert status["state"] == "Succeeded"
    assert len(status["metrics"]) == MAX_METRICS
    assert {"accuracy", "size"} <= status["metrics"].keys()


def test_an_objective_is_found_under_any_name_it_may_have() -> None:
    aim = Aim("accuracy", "Maximize", ("2nd(val)+loss", "2nd", "val/mAP50(B)@0.5"))
    reading = read_lines("2nd(val)+loss=1 2nd: 2 val/mAP50(B)@0.5=3 accuracy=4", aim)
    assert reading.last == {"2nd(val)+loss": 1, "2nd": 2, "val/mAP50(B)@0.5": 3, "accuracy": 4}


# --- the sweep --------------------------------------------------------------------------------------------------------


def result(number: int, accuracy: float, size: float, **status: Any) -> Trial:
    return ended(number, accuracy, metrics={"accuracy": accuracy, "size": size}, **status)


def status_of(*trials: Trial, objective: Any = AS_JSON) -> dict[str, Any]:
    return summarise(facts(sweep(objective=objective, limits=limits(len(trials), 2)), trials), NOW)


def test_the_status_shows_the_front_and_the_best_by_the_primary_metric() -> None:
    status = status_of(result(1, 0.8, 10), result(2, 0.9, 50), result(3, 0.7, 20), ended(4, None))
    assert status["bestTrial"]["number"] == 2
    assert [(one["number"], one["values"]) for one in status["paretoFront"]] == [
        (2, {"accuracy": 0.9, "size": 50}),
        (1, {"accuracy": 0.8, "size": 10}),
    ]
    assert status["paretoFrontSize"] == 2
    complete = next(one for one in status["conditions"] if one["type"] == "Complete")
    assert complete["message"].endswith("best is digits-2 with accuracy=0.9; 2 on the Pareto front")


def test_of_trials_with_the_same_primary_metric_the_best_is_one_that_no_other_dominates() -> None:
    status = status_of(result(1, 0.9, 50), result(2, 0.9, 40), result(3, 0.9, 40), result(4, 0.2, 1))
    assert status["bestTrial"]["number"] == status["paretoFront"][0]["number"] == 2


def test_with_one_objective_or_no_result_there_is_no_front() -> None:
    one = status_of(result(1, 0.8, 10), objective={"primaryMetric": "accuracy", "goal": "Maximize"})
    none = status_of(ended(1, None))
    for status in (one, none):
        assert not {"paretoFront", "paretoFrontSize"} & status.keys()
    assert "front" not in str(one)


# --- the optimiser ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["Bayesian", "NsgaII"])
def test_an_optimiser_is_told_every_value_or_that_there_is_none(algorithm: str) -> None:
    of = sweep(objective=AS_JSON, samplingAlgorithm={"type": algorithm}, limits=limits(9, 2)).spec
    assert of is not None
    partial = ended(3, 0.7, metrics={"accuracy": 0.7})
    request = build_request(of, [result(1, 0.8, 10), ended(2, None), partial], {}, [4])
    assert [(one.value, one.others) for one in request.finished] == [(0.8, (10,)), (None, ()), (None, ())]


@pytest.mark.parametrize("algorithm", ["Bayesian", "NsgaII"])
def test_with_several_objectives_the_optimiser_itself_bounds_the_history(algorithm: str) -> None:
    of = sweep(objective=AS_JSON, samplingAlgorithm={"type": algorithm}, limits=limits(9_999, 2)).spec
    assert of is not None
    trials = [result(n, n, n, completionTime="2026-03-01T12:00:00Z") for n in range(1, MAX_HISTORY + 3)]
    assert len(build_request(of, trials, {}, [5000]).finished) == MAX_HISTORY + 2


def test_the_first_generation_does_not_depend_on_results() -> None:
    for options, known in (({}, 50), ({"nsgaII": {"populationSize": 4}}, 4), ({"nsgaII": {"populationSize": 2}}, 3)):
        of = sweep(objective=AS_JSON, samplingAlgorithm={"type": "NsgaII", **options}, limits=limits(60, 3)).spec
        assert of is not None
        assert foreseeable(of) == known
