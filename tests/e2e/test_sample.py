"""Three samples as they stand in manifests/samples, and what a person sees of them. test_samples.py runs them all."""

import itertools
import time
from collections.abc import Callable

import pytest

from .installation import SAMPLE_IMAGE, SAMPLES, Images, Installation
from .kubectl import Kubectl
from .sweeps import condition, events, of, trials

DIGITS, GRID, BAYESIAN = (f"hyperdrive/{name}" for name in ("digits", "grid", "bayesian"))


@pytest.mark.trains
def test_the_sample_sweeps_complete_and_show_their_best_trial_to_people(
    namespace: Kubectl, built: Images, installation: Installation, note: Callable[[str], None]
) -> None:
    for name in ("digits/sweep.yaml", "samplers/grid.yaml", "samplers/bayesian.yaml"):
        text = (SAMPLES / name).read_text().replace(SAMPLE_IMAGE, built.sample)
        namespace("apply", "--filename=-", stdin=text)
    namespace.wait(DIGITS, "condition=Complete", seconds=300)
    namespace.wait(GRID, "condition=Complete", seconds=300)
    namespace.wait(BAYESIAN, "condition=Complete", seconds=300)

    _assert_best_trial(namespace, "digits", max)
    _assert_best_trial(namespace, "grid", min)
    _assert_best_trial(namespace, "bayesian", max)
    _assert_every_combination_once(namespace, "grid")
    _assert_columns(namespace)
    _assert_events(namespace)
    _assert_labels(namespace)
    pods = namespace.list("pods", of("digits"))
    assert {pod["status"]["phase"] for pod in pods} == {"Succeeded"}
    _note_times(namespace, note)
    _assert_metrics(namespace, installation)


def _assert_best_trial(kubectl: Kubectl, name: str, of_values: Callable[[list[float]], float]) -> None:
    hyperdrive, records = kubectl.get("hyperdrive", name), trials(kubectl, name)
    total = hyperdrive["spec"]["limits"]["maxTotalTrials"]
    assert [record["spec"]["number"] for record in records] == list(range(1, total + 1))
    assert {record["status"]["state"] for record in records} == {"Succeeded"}
    values = [record["status"]["value"] for record in records]
    winner = records[values.index(of_values(values))]  # of equals the first
    assert hyperdrive["status"]["bestTrial"] == {
        "name": winner["metadata"]["name"],
        "number": winner["spec"]["number"],
        "value": winner["status"]["value"],
        "parameters": winner["spec"]["parameters"],
    }
    assert len(set(values)) > 3, "the result must depend on the parameters"


def _assert_every_combination_once(kubectl: Kubectl, name: str) -> None:
    combinations = itertools.product([0.001, 0.01, 0.1], [32, 128], [1, 2])  # the last varies fastest
    parameters = ("learning-rate", "batch-size", "hidden-layers")
    ran = [record["spec"]["parameters"] for record in trials(kubectl, name)]
    assert ran == [dict(zip(parameters, combination, strict=True)) for combination in combinations]


def _assert_columns(kubectl: Kubectl) -> None:
    header, *rows = kubectl("get", "hd").splitlines()
    assert header.split() == ["NAME", "STATE", "TRIALS", "RUNNING", "BEST", "BEST", "TRIAL", "AGE"]
    best = kubectl.get("hd", "digits")["status"]["bestTrial"]
    row = next(row.split() for row in rows if row.startswith("digits "))
    assert row[:4] == ["digits", "Complete", "15/15", "0"]
    assert (float(row[4]), row[5]) == (best["value"], best["name"])

    header, *rows = kubectl("get", "hdt", f"--selector={of('digits')}").splitlines()
    assert header.split() == ["NAME", "STATE", "VALUE", "REPORTS", "PARAMETERS", "AGE"]
    row = next(row.split() for row in rows if row.startswith(best["name"] + " "))
    assert row[1:4] == ["Succeeded", f"{best['value']:g}", "20"]
    assert "learning-rate=" in row[4]


def _assert_events(kubectl: Kubectl) -> None:
    told = events(kubectl, "digits")
    best = kubectl.get("hd", "digits")["status"]["bestTrial"]
    assert told["Started"] == "started the first of 15 trials"
    assert told["NewBestTrial"] == f"{best['name']}: accuracy={best['value']:g}"
    assert f"best is {best['name']}" in told["AllTrialsFinished"]
    assert "AllTrialsFinished" in kubectl("describe", "hyperdrive", "digits")


def _assert_labels(kubectl: Kubectl) -> None:
    jobs = {job["metadata"]["name"]: job for job in kubectl.list("jobs", of("digits"))}
    for record in trials(kubectl, "digits"):
        name = record["metadata"]["name"]
        job = jobs[name]
        labels = {"hyperdrive.dev/hyperdrive": "digits", "hyperdrive.dev/trial": name}
        labels["app.kubernetes.io/managed-by"] = "hyperdrive-operator"
        assert labels.items() <= job["metadata"]["labels"].items()
        assert labels.items() <= job["spec"]["template"]["metadata"]["labels"].items()
        assert job["metadata"]["ownerReferences"][0]["uid"] == record["metadata"]["uid"]


def _assert_metrics(kubectl: Kubectl, operator: Installation) -> None:
    """A sweep's best value is served as long as the sweep is there."""
    labels = f'goal="Maximize",metric="accuracy",namespace="{kubectl.namespace}",sweep="digits"'
    series = f"hyperdrive_sweep_best_value{{{labels}}} "

    def served() -> list[float]:
        return [float(line.removeprefix(series)) for line in operator.metrics() if line.startswith(series)]

    _until(lambda: served() == [kubectl.get("hd", "digits")["status"]["bestTrial"]["value"]])
    kubectl("delete", "hyperdrive", "digits")
    _until(lambda: served() == [])


def _until(holds: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < 30, "what is served is not what the sweep says"
        time.sleep(0.2)  # a scrape tells nobody when it would be another


def _note_times(kubectl: Kubectl, note: Callable[[str], None]) -> None:
    status = kubectl.get("hd", "digits")["status"]
    accepted = condition({"status": status}, "Complete")["lastTransitionTime"]
    note(f"sample sweep: {status['startTime']} to {accepted}, best {status['bestTrial']}")


@pytest.mark.parametrize(
    ("field", "words"),
    [
        pytest.param("hyperdrive", ["hyperparameter sweep", "spec", "status"], id="the kind"),
        pytest.param("hyperdrive.spec.searchSpace", ["hyperparameters", "choice", "logUniform"], id="search space"),
        pytest.param("hyperdrive.spec.searchSpace.logUniform", ["order of magnitude", "min", "max"], id="expression"),
        pytest.param("hyperdrive.spec.trialTemplate.spec", ["JobSpec", "$(params.NAME)"], id="template"),
        pytest.param("hyperdrivetrial.status", ["state", "value", "reports"], id="trial"),
    ],
)
def test_kubectl_explain_reads_like_documentation(field: str, words: list[str]) -> None:
    page = " ".join(Kubectl()("explain", field).split())  # lines break anywhere
    assert "DESCRIPTION" in page
    assert "<no description>" not in page
    assert [word for word in words if word not in page] == []
