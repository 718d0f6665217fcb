"""A sweep that is applied paused shows what would run; set to Running, that is what runs."""

from collections.abc import Callable
from typing import Any

import pytest

from .kubectl import Kubectl, Object
from .sweeps import choice, condition, of, reason_is, trials

SPACE: list[Any] = [
    {"name": "x", "randint": {"lower": 1, "upper": 1000}},
    {"name": "rate", "qUniform": {"min": 0.5, "max": 4, "q": 0.5}},
    choice("shape", {"layers": 2, "act": "relu"}, "plain"),
]
AT_ONCE = 3
SHOWN = 10


@pytest.mark.parametrize("algorithm", ["Grid", "Random", "Sobol", "Bayesian"])
def test_what_a_paused_sweep_shows_is_what_runs(
    namespace: Kubectl, make_sweep: Callable[..., Object], algorithm: str
) -> None:
    seed = {} if algorithm == "Grid" else {"seed": 7}
    sweep = make_sweep("later", "echo score=$(params.x) $(params.rate)", total=12, at_once=AT_ONCE, state="Paused")
    sweep["spec"] |= {"searchSpace": SPACE, "samplingAlgorithm": {"type": algorithm, **seed}}
    namespace.apply(sweep)
    namespace.wait("hd/later", "jsonpath={.status.preview.first}")
    namespace.wait("hd/later", "condition=Accepted")
    status = namespace.get("hd", "later")["status"]
    preview = status["preview"]
    assert (status["state"], status["progress"]) == ("Paused", "0/12")
    assert (preview["combinations"], preview["planned"], len(preview["first"])) == (999 * 8 * 2, 12, SHOWN)
    assert not namespace.list("jobs", of("later"))
    assert not trials(namespace, "later")
    columns = namespace("get", "hd", "later").splitlines()[1].split()
    assert columns[:4] == ["later", "Paused", "0/12", "0"]

    namespace("patch", "hd", "later", "--type=merge", '--patch={"spec": {"state": "Running"}}')
    namespace.wait("hd/later", "condition=Complete")
    records = trials(namespace, "later")
    assert [record["spec"]["parameters"] for record in records[:SHOWN]] == preview["first"]
    container, shown = (
        job["spec"]["template"]["spec"]["containers"][0] for job in (namespace.get("job", "later-1"), preview["job"])
    )
    assert {key: container[key] for key in shown} == shown
    assert "preview" not in namespace.get("hd", "later")["status"]


def test_a_paused_sweep_is_judged_and_a_pause_in_the_middle_starts_no_more(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    refused = make_sweep("refused", "true", state="Paused")
    refused["spec"]["trialTemplate"]["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    namespace.apply(refused, make_sweep("broken-off", "sleep 3; echo score=1", total=20, at_once=2))
    namespace.wait("hd/refused", reason_is("Accepted", "InvalidTrialTemplate"))
    assert "spec.template.spec.restartPolicy" in condition(namespace.get("hd", "refused"), "Accepted")["message"]

    namespace.wait("hd/broken-off", "jsonpath={.status.bestTrial.name}")
    namespace("patch", "hd", "broken-off", "--type=merge", '--patch={"spec": {"state": "Paused"}}')
    namespace.wait("hd/broken-off", reason_is("Progressing", "Paused"))
    namespace.wait("jobs", "condition=Complete", selector=of("broken-off"))
    namespace.wait("hdt", "jsonpath={.status.state}=Succeeded", selector=of("broken-off"))
    before = {trial["metadata"]["name"] for trial in trials(namespace, "broken-off")}
    assert 2 <= len(before) < 20
    hyperdrive = namespace.get("hd", "broken-off")
    assert (hyperdrive["status"]["state"], condition(hyperdrive, "Stalled")["status"]) == ("Paused", "False")

    limits = {"maxTotalTrials": len(before) + 2}
    patch = f'{{"spec": {{"state": "Running", "limits": {{"maxTotalTrials": {limits["maxTotalTrials"]}}}}}}}'
    namespace("patch", "hd", "broken-off", "--type=merge", f"--patch={patch}")
    namespace.wait("hd/broken-off", "condition=Complete")
    assert len(trials(namespace, "broken-off")) == limits["maxTotalTrials"]
