"""Every sample: it is valid wherever it is judged, says what it is, and asks of its script what the script can do."""

import copy
import itertools
import random
import re
from typing import Any

import pytest
import yaml
from tests.support.samples import ANYWHERE, FILES, IMAGE, ROOT, SAMPLES, containers, fits, misfits, small, sweeps

from hyperdrive_local.registry import Registry
from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import EXPRESSIONS, HyperDriveSpec
from hyperdrive_operator.core import space
from hyperdrive_operator.core.sweep import read_sweep

README = (SAMPLES / "README.md").read_text()
OPTION = re.compile(r"--([a-z-]+)=")

every_sample = pytest.mark.parametrize("file", FILES)


@every_sample
def test_the_models_find_nothing_wrong(file: str) -> None:
    for sweep in sweeps(file):
        metadata = sweep["metadata"] | {"uid": "u", "namespace": "default"}
        assert read_sweep(sweep | {"metadata": metadata}).problems == ()


@pytest.fixture(scope="module")
def registry() -> Registry:
    """An embedded cluster's API, with our CRDs."""
    found = Registry()
    definitions = found.resource("apiextensions.k8s.io", "customresourcedefinitions")
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        found.create(definitions, "", yaml.safe_load(path.read_text()))
    return found


@every_sample
def test_the_schema_takes_it_and_knows_every_field(file: str, registry: Registry) -> None:
    for sweep in sweeps(file):  # a field that it does not know is refused: validation is strict
        registry.create(registry.resource(names.GROUP, "hyperdrives"), "default", sweep)


@every_sample
def test_its_first_lines_say_what_it_shows(file: str) -> None:
    first, *_ = (SAMPLES / file).read_text().split("\napiVersion:")
    comment = first.splitlines()
    assert all(line.startswith("# ") for line in comment)
    assert comment[-1].endswith(".")


@every_sample
def test_it_is_named_after_its_file_and_belongs_to_the_samples(file: str) -> None:
    folder, _, name = file.removesuffix(".yaml").rpartition("/")
    expected = folder if name == "sweep" else name
    metadata = sweeps(file)[-1]["metadata"]  # those before it are what it builds on
    assert metadata["name"] == expected
    assert metadata["labels"] == {"app.kubernetes.io/part-of": "hyperdrive-samples"}


def test_all_of_them_fit_in_one_namespace() -> None:
    found = [sweep["metadata"]["name"] for file in FILES for sweep in sweeps(file)]
    assert sorted(found) == sorted(set(found))


@every_sample
def test_it_runs_restricted_in_the_image_that_the_samples_share(file: str) -> None:
    for sweep in sweeps(file):
        pod = sweep["spec"]["trialTemplate"]["spec"]["template"]["spec"]
        (container,) = containers(sweep)
        assert container["image"] == IMAGE
        assert container["imagePullPolicy"] == "IfNotPresent"
        assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@every_sample
def test_its_script_has_the_options_and_gets_every_parameter(file: str) -> None:
    script = (SAMPLES / "digits" / "train.py").read_text()
    for sweep in sweeps(file):
        (container,) = containers(sweep)
        options = [match[1] for argument in container["args"] if (match := OPTION.match(argument))]
        assert [option for option in options if f'"--{option}"' not in script] == []
        parameters = [f"--{item['name']}=$(params.{item['name']})" for item in sweep["spec"]["searchSpace"]]
        assert set(parameters) <= set(container["args"])


@every_sample
def test_it_ends_within_a_minute_on_a_laptop(file: str) -> None:
    for sweep in sweeps(file):  # a trial takes a second or two there; measured, not promised by these numbers
        limits = sweep["spec"]["limits"]
        assert limits["maxTotalTrials"] <= 24
        assert limits["maxConcurrentTrials"] >= 2


@every_sample
def test_the_readme_says_how_to_run_it(file: str) -> None:
    rows = [line for line in README.splitlines() if f"]({file})" in line]
    assert len(rows) == 1, "manifests/samples/README.md needs a row for it"
    (row,) = rows
    runs_by_itself = file in ANYWHERE and len(sweeps(file)) == 1  # make demo runs one sweep
    command = "make demo SWEEP=" if runs_by_itself else "kubectl apply -f "
    assert f"{command}manifests/samples/{file}" in row or file == "digits/sweep.yaml"


def test_the_readme_lists_no_sample_that_is_gone() -> None:
    assert set(re.findall(r"\]\(([^)]+\.yaml)\)", README)) <= set(FILES)


def test_every_sampling_algorithm_and_expression_is_shown() -> None:
    specs = [sweep["spec"] for file in FILES for sweep in sweeps(file)]
    shown = {spec.get("samplingAlgorithm", {}).get("type", "Random") for spec in specs}
    crd = yaml.safe_load((ROOT / "crds" / "hyperdrives.yaml").read_text())
    schema: Any = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    algorithm = schema["properties"]["spec"]["properties"]["samplingAlgorithm"]["properties"]["type"]
    assert shown == set(algorithm["enum"])
    (all_ten,) = sweeps("search-space/expressions.yaml")
    keys = itertools.chain.from_iterable(all_ten["spec"]["searchSpace"])
    assert sorted(key for key in keys if key != "name") == sorted(EXPRESSIONS)


def test_conditions_and_constraints_of_the_samples_matter() -> None:
    """Else a sweep would satisfy them by chance, and the test that runs it could not fail."""
    (conditional,) = sweeps("search-space/conditional.yaml")
    drawn = draw(conditional, 50)
    assert {"power-t" in parameters for parameters in drawn} == {True, False}
    assert any("schedule" in parameters and "power-t" not in parameters for parameters in drawn)
    (constrained,) = sweeps("search-space/constraints.yaml")
    first = draw(constrained, 4 * len(constrained["spec"]["constraints"]))
    for constraint in constrained["spec"]["constraints"]:
        alone = copy.deepcopy(constrained)
        alone["spec"]["constraints"] = [constraint]
        assert {bool(misfits(alone, parameters)) for parameters in first} == {True, False}, constraint


def draw(sweep: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Return random combinations of a search space, constraints apart."""
    parameters = HyperDriveSpec.model_validate(sweep["spec"]).search_space
    return [space.draw(parameters, random.Random(seed)) for seed in range(count)]  # noqa: S311  no secret


@pytest.mark.parametrize(
    ("expression", "good", "bad"),
    [
        ({"choice": {"values": [1, "1", {"a": 1, "b": 2}]}}, [1, "1", {"b": 2, "a": 1}], [True, 2, {"a": 1}]),
        ({"randint": {"upper": 3}}, [0, 2], [3, -1, 1.0]),
        ({"uniform": {"min": 0, "max": 1}}, [0, 0.3, 1], [-0.1, 1.1, "0.5"]),
        ({"qUniform": {"min": 0.1, "max": 0.9, "q": 0.1}}, [0.1, 0.3], [0.25, 1.0]),
        ({"qLogUniform": {"min": 8, "max": 64, "q": 8}}, [8, 64], [12, 16.0, 72]),
        ({"logNormal": {"mu": 0, "sigma": 1}}, [0.001, 99], [-0.5, -1]),
        ({"qNormal": {"mu": 0, "sigma": 1, "q": 2}}, [-2, 0, 4], [1, 2.0]),
    ],
)
def test_what_these_tests_know_of_expressions(expression: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    parameter = {"name": "x", **expression}
    assert [value for value in good if not fits(parameter, value)] == []
    assert [value for value in bad if fits(parameter, value)] == []


def test_what_these_tests_know_of_conditions_constraints_and_grids() -> None:
    (sweep,) = sweeps("search-space/conditional.yaml")
    adam = {"learning-rate": 0.01, "solver": "adam"}
    assert misfits(sweep, adam) == []
    assert misfits(sweep, adam | {"power-t": 0.5}) == ["power-t is not active"]
    assert misfits(sweep, {"learning-rate": 0.01, "solver": "sgd", "momentum": 0.9, "nesterov": True}) == [
        "schedule is missing"
    ]
    (sweep,) = sweeps("search-space/constraints.yaml")
    wide = {"batch-size": 256, "hidden-units": 256, "hidden-layers": 1, "learning-rate": 0.1}
    assert misfits(sweep, wide) == ['params["batch-size"] * params["hidden-units"] <= 4096 is not so']
    (sweep,) = sweeps("search-space/grid-points.yaml")
    assert misfits(sweep, {"learning-rate": 0.01, "momentum": 0.7}) == []
    assert misfits(sweep, {"learning-rate": 0.02, "momentum": 0.7}) == ["learning-rate can't be 0.02"]


def test_a_small_sample_is_the_same_but_for_its_limits() -> None:
    (sweep,) = sweeps("samplers/bayesian.yaml")
    reduced = small(sweep)
    assert reduced["spec"].pop("limits") == {"maxTotalTrials": 5, "maxConcurrentTrials": 3}
    assert sweep["spec"].pop("limits") == {"maxTotalTrials": 16, "maxConcurrentTrials": 2}
    assert reduced == sweep
