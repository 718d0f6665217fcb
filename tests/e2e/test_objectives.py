"""Several objectives: the front, what people see of it, and trials that report only a part."""

import json
from collections.abc import Callable

import pytest
import yaml

from .installation import SAMPLE_IMAGE, SAMPLES, Images
from .kubectl import Kubectl, Object
from .sweeps import choice, condition, of, trials

OBJECTIVE = {
    "primaryMetric": "score",
    "goal": "Maximize",
    "additionalObjectives": [{"metric": "size", "goal": "Minimize"}],
}


def dominates(one: Object, other: Object) -> bool:
    """Tell whether a trial of OBJECTIVE is at least as good as another in both metrics, and better in one."""
    mine, its = one["status"]["metrics"], other["status"]["metrics"]
    gains = (mine["score"] - its["score"], its["size"] - mine["size"])
    return bool(min(gains) >= 0 < max(gains))


def test_the_front_is_that_of_the_last_reports_and_the_best_trial_that_of_the_primary_metric(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    """Odd values are worse in the score and as large as the next even one; every trial begins with a better report."""
    script = 'x=$(params.x); echo score=99 size=99; echo "score=$((x - x % 2 * 3)) size=$((x + 1))"'
    front = make_sweep("front", script, space=choice("x", *range(8)), total=8, objective=OBJECTIVE)
    namespace.apply(front)
    namespace.wait("hd/front", "condition=Complete")

    records = trials(namespace, "front")
    status = namespace.get("hd", "front")["status"]
    assert [one["parameters"]["x"] for one in status["paretoFront"]] == [6, 4, 2, 0]
    assert [one["values"] for one in status["paretoFront"]] == [{"score": x, "size": x + 1} for x in (6, 4, 2, 0)]
    best = [a for a in records if not any(dominates(b, a) for b in records)]
    assert sorted(one["name"] for one in status["paretoFront"]) == sorted(one["metadata"]["name"] for one in best)
    assert status["paretoFrontSize"] == 4
    assert (status["bestTrial"]["value"], status["bestTrial"]["name"]) == (6, "front-7")
    assert "4 on the Pareto front" in condition({"status": status}, "Complete")["message"]
    row = namespace("get", "hd", "front", "--no-headers").split()
    assert row[1:3] + row[4:6] == ["Complete", "8/8", "6", "front-7"]


def test_a_trial_without_the_second_metric_fails_and_says_which(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    script = 'echo score=$(params.x); [ $(params.x) = 2 ] || echo "size: $(params.x)"'
    namespace.apply(make_sweep("part", script, space=choice("x", 1, 2, 3), objective=OBJECTIVE))
    namespace.wait("hd/part", "condition=Complete")

    first, second, third = (record["status"] for record in trials(namespace, "part"))
    assert (first["state"], third["state"]) == ("Succeeded", "Succeeded")
    assert (second["state"], second["reason"]) == ("Failed", "MetricNotReported")
    assert "no 'size'; metrics seen: score" in second["message"]
    assert [one["parameters"]["x"] for one in namespace.get("hd", "part")["status"]["paretoFront"]] == [3, 1]


@pytest.mark.trains
def test_the_sample_finds_compromises_between_accuracy_and_training_time(
    namespace: Kubectl, built: Images, note: Callable[[str], None]
) -> None:
    text = (SAMPLES / "objectives" / "two-objectives.yaml").read_text().replace(SAMPLE_IMAGE, built.sample)
    total = yaml.safe_load(text)["spec"]["limits"]["maxTotalTrials"]
    namespace("apply", "--filename=-", stdin=text)
    namespace.wait("hd/two-objectives", "condition=Complete", seconds=400)

    status = namespace.get("hd", "two-objectives")["status"]
    front = status["paretoFront"]
    assert status["progress"] == f"{total}/{total}"
    assert len(front) == status["paretoFrontSize"] >= 2
    assert front[0]["name"] == status["bestTrial"]["name"]
    accuracies = [one["values"]["accuracy"] for one in front]
    epochs = [one["values"]["epoch"] for one in front]
    assert accuracies == sorted(set(accuracies), reverse=True)
    assert epochs == sorted(set(epochs), reverse=True)
    assert [one["parameters"]["epochs"] for one in front] == epochs
    assert {trial["status"]["metrics"]["epoch"] for trial in trials(namespace, "two-objectives")} > set(epochs)
    note(f"two objectives: {json.dumps([one['values'] for one in front])}")
    assert len(namespace.list("jobs", of("two-objectives"))) == total
