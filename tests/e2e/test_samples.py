"""The samples of manifests/samples, all at once in one namespace, with fewer trials than in their files."""

import itertools
import json
import time
from collections.abc import Callable

import pytest
from tests.support.samples import FILES, IMAGE, NEEDY, misfits, small, sweeps

from .installation import Images
from .kubectl import Kubectl, Object
from .sweeps import condition, of, trials

SECONDS = 300
#: Other tests run these whole.
ELSEWHERE = {
    "digits/sweep.yaml",
    "samplers/grid.yaml",
    "samplers/bayesian.yaml",
    "objectives/two-objectives.yaml",
    "early-termination/median.yaml",
}


@pytest.mark.trains
def test_every_sample_completes_with_trials_that_fit_its_space(
    namespace: Kubectl, built: Images, note: Callable[[str], None]
) -> None:
    began = time.monotonic()
    assert set(FILES) >= ELSEWHERE
    manifests = list(itertools.chain.from_iterable(map(sweeps, sorted(set(FILES) - ELSEWHERE - set(NEEDY)))))
    everything = {"apiVersion": "v1", "kind": "List", "items": [_one_at_once(manifest) for manifest in manifests]}
    namespace("apply", "--filename=-", stdin=json.dumps(everything).replace(IMAGE, built.sample))
    for manifest in manifests:
        namespace.wait(f"hyperdrive/{manifest['metadata']['name']}", "condition=Complete", seconds=SECONDS)
    note(f"samples: {len(manifests)} sweeps complete after {time.monotonic() - began:.0f} s")

    for manifest in manifests:
        _assert_complete(namespace, manifest)


def _one_at_once(manifest: Object) -> Object:
    """Shorten a sweep. All sweeps together still keep the node busy, and leave some of it to other tests."""
    sweep = small(manifest)
    sweep["spec"]["limits"]["maxConcurrentTrials"] = 1
    return sweep


def test_every_sample_that_needs_more_of_a_cluster_is_taken_by_it(namespace: Kubectl) -> None:
    manifests = list(itertools.chain.from_iterable(map(sweeps, NEEDY)))
    for manifest in manifests:
        manifest["spec"]["state"] = "Paused"  # then its first Job is sent as a dry run, and nothing is run
        namespace("apply", "--filename=-", stdin=json.dumps(manifest))
    for manifest in manifests:
        namespace.wait(f"hyperdrive/{manifest['metadata']['name']}", "condition=Accepted")


def _assert_complete(kubectl: Kubectl, manifest: Object) -> None:
    name = manifest["metadata"]["name"]
    hyperdrive, records = kubectl.get("hyperdrive", name), trials(kubectl, name)
    assert condition(hyperdrive, "Complete")["status"] == "True"
    assert len(records) == small(manifest)["spec"]["limits"]["maxTotalTrials"], name
    values = {record["metadata"]["name"]: record["status"].get("value") for record in records}
    best = hyperdrive["status"]["bestTrial"]
    goal = max if manifest["spec"]["objective"]["goal"] == "Maximize" else min
    assert best["value"] == values[best["name"]] == goal(value for value in values.values() if value is not None), name
    given = {job["metadata"]["name"]: _arguments(job) for job in kubectl.list("jobs", of(name))}
    for record in records:
        parameters = record["spec"]["parameters"]
        assert record["status"]["state"] != "Failed", record
        assert misfits(manifest, parameters) == [], (name, parameters)
        space = {parameter["name"] for parameter in manifest["spec"]["searchSpace"]}
        assert given[record["metadata"]["name"]] & space == parameters.keys()


def _arguments(job: Object) -> set[str]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return {argument.partition("=")[0].removeprefix("--") for argument in container["args"]}
