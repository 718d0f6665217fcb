"""Where a value comes from, and which value is the best."""

import json
from collections.abc import Callable
from typing import Any

from .kubectl import Kubectl, Object
from .sweeps import choice, condition, of, trials


def test_a_metric_that_somebody_annotates_on_the_job_is_the_trials_value(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    """The script says nothing. The Jobs are created suspended, so that the annotation is there before their end."""
    quiet = make_sweep("quiet", "true", total=3, at_once=3, metrics={"source": "Annotation"})
    quiet["spec"]["trialTemplate"]["spec"]["suspend"] = True
    loud = make_sweep("loud", "echo score=1000", total=1)  # the annotation counts before the log
    loud["spec"]["trialTemplate"]["spec"]["suspend"] = True
    namespace.apply(quiet, loud)
    values = {"quiet-1": 0.5, "quiet-2": 0.93, "quiet-3": 0.7, "loud-1": 7}
    for job, value in values.items():
        namespace.wait(f"job/{job}", "create")
        metrics = json.dumps({"score": value, "loss": 2})
        namespace("annotate", "job", job, f"hyperdrive.dev/metrics={metrics}")
        namespace("patch", "job", job, "--type=merge", '--patch={"spec": {"suspend": false}}')
    namespace.wait("hd/quiet", "condition=Complete")
    namespace.wait("hd/loud", "condition=Complete")

    found = {trial["metadata"]["name"]: trial["status"]["value"] for trial in namespace.list("hdt")}
    assert found == values
    best = namespace.get("hd", "quiet")["status"]["bestTrial"]
    assert (best["name"], best["value"]) == ("quiet-2", 0.93)
    assert namespace.get("hdt", "quiet-2")["status"]["metrics"] == {"score": 0.93, "loss": 2}


def test_zero_and_negative_values_can_be_the_best(namespace: Kubectl, make_sweep: Callable[..., Object]) -> None:
    expected: dict[str, tuple[str, list[Any], float]] = {
        "lowest": ("Minimize", [0, -3.5, 2], -3.5),
        "zero-is-low": ("Minimize", [2, 0, 1e-3], 0),
        "zero-is-high": ("Maximize", [-1, 0, -2.5], 0),
        "all-negative": ("Maximize", [-7, -1.25, -2], -1.25),
        "first-of-equals": ("Minimize", ["5", "4", "4.0"], 4),
    }
    for name, (goal, values, _) in expected.items():
        objective = {"primaryMetric": "score", "goal": goal}
        space = choice("x", *values)
        namespace.apply(make_sweep(name, "echo score=$(params.x)", space=space, objective=objective))
    for name, (_, values, best) in expected.items():
        namespace.wait(f"hd/{name}", "condition=Complete")
        found = namespace.get("hd", name)["status"]["bestTrial"]
        assert (found["value"], found["number"]) == (best, [float(value) for value in values].index(best) + 1), name


def test_a_grid_runs_every_combination_once_and_says_that_the_space_is_exhausted(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    grid = make_sweep("grid", "echo score=$(params.x)$(params.y)", total=50, at_once=4)
    grid["spec"]["searchSpace"] = [choice("x", 1, 2, 3), choice("y", 0, 5), choice("word", "a b", "c")]
    namespace.apply(grid)
    namespace.wait("hd/grid", "condition=Complete")

    ran = [trial["spec"]["parameters"] for trial in trials(namespace, "grid")]
    assert ran == [{"x": x, "y": y, "word": word} for x in (1, 2, 3) for y in (0, 5) for word in ("a b", "c")]
    assert len(namespace.list("jobs", of("grid"))) == 12
    hyperdrive = namespace.get("hd", "grid")
    assert condition(hyperdrive, "Complete")["reason"] == "SearchSpaceExhausted"
    assert hyperdrive["status"]["bestTrial"]["value"] == 35


def test_limits_raised_after_the_end_let_the_sweep_go_on_and_complete_again(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    namespace.apply(make_sweep("more", "echo score=$(params.x)", total=2))
    namespace.wait("hd/more", "condition=Complete")
    first = {trial["metadata"]["uid"] for trial in trials(namespace, "more")}
    namespace("patch", "hd", "more", "--type=merge", '--patch={"spec": {"limits": {"maxTotalTrials": 6}}}')
    namespace.wait("hd/more", "condition=Complete")

    records = trials(namespace, "more")
    assert [record["spec"]["parameters"]["x"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert first <= {record["metadata"]["uid"] for record in records}, "what has run is kept"
    status = namespace.get("hd", "more")["status"]
    assert (status["progress"], status["bestTrial"]["value"]) == ("6/6", 6)
