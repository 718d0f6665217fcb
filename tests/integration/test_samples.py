"""Every sample runs to its end: the operator as a process of its own, the samples' own script, the embedded cluster.

Each worker of the tests has one cluster and one operator for all samples that it is given. A sample has fewer trials
than in its file, and nothing else is changed.
"""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.typedefs import Handler
from tests.support.samples import ANYWHERE, FILES, IMAGE, ROOT, SAMPLES, misfits, small, sweeps

from hyperdrive_local.embedded import EmbeddedCluster
from hyperdrive_local.registry import Registry
from hyperdrive_operator.api import names
from hyperdrive_operator.core.jobs import variable_name
from hyperdrive_operator.kube.kinds import Object

pytestmark = pytest.mark.samples

WITNESS = Path(__file__).with_name("witness") / "witness.py"
NAMESPACE = "default"
SECONDS = 90
FILE_OF = {name: file for file in FILES for name in (sweep["metadata"]["name"] for sweep in sweeps(file))}


class Bench:
    """A cluster with an operator, and the sweeps that have ended on it."""

    def __init__(self, folder: Path) -> None:
        self.witnessed = folder / "witnessed"
        self.log = folder / "operator.log"
        self.cluster = EmbeddedCluster(
            folder / "cluster", images={IMAGE: self._image(folder)}, middlewares=[self._look_for_ends]
        )
        self._news = threading.Condition()
        self._ended: set[str] = set()
        self._created: set[str] = set()

    def _image(self, folder: Path) -> Path:
        """Make the samples' image with the witness before its script."""
        self.witnessed.mkdir()
        image = folder / "image"
        shutil.copytree(SAMPLES / "digits", image)
        shutil.copy(WITNESS, image)
        with (image / "Dockerfile").open("a") as dockerfile:
            dockerfile.write(f'ENV WITNESSED={self.witnessed}\nENTRYPOINT ["python", "witness.py"]\n')
        return image

    @web.middleware
    async def _look_for_ends(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if request.method == "PATCH" and "/hyperdrives/" in request.path:
            conditions = (await request.json()).get("status", {}).get("conditions", ())
            if any(one["type"] in {"Complete", "Failed"} and one["status"] == "True" for one in conditions):
                with self._news:
                    self._ended.add(request.path.partition("/hyperdrives/")[2].removesuffix("/status"))
                    self._news.notify_all()
        return response

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run cluster and operator."""
        with self.cluster, self.log.open("wb") as log:
            self.cluster.call(_install)
            command = [sys.executable, "-m", "hyperdrive_operator", "--kubeconfig", str(self.cluster.kubeconfig)]
            operator = subprocess.Popen([*command, "--listen", "off"], stderr=log)
            try:
                yield
            finally:
                operator.terminate()
                assert operator.wait() == 0

    def run(self, file: str) -> list[Object]:
        """Run the sweeps of a sample to their end, after those that they build on; return them as they are then."""
        found = sweeps(file)
        for sweep in found:
            for source in sweep["spec"].get("warmStart", {}).get("from", ()):
                if source not in self._created:
                    self.run(FILE_OF[source])
            self._create(sweep)
            self._wait(sweep["metadata"]["name"])
        return [self._get(sweep["metadata"]["name"]) for sweep in found]

    def _create(self, sweep: Object) -> None:
        name = sweep["metadata"]["name"]
        if name not in self._created:
            self._created.add(name)
            self.cluster.call(lambda api: api.create(api.resource(names.GROUP, "hyperdrives"), NAMESPACE, small(sweep)))

    def _wait(self, name: str) -> None:
        with self._news:
            assert self._news.wait_for(lambda: name in self._ended, SECONDS), self._picture(name)

    def trials(self, sweep: str) -> list[Object]:
        """Return the records of a sweep's trials."""
        label = (names.LABEL_HYPERDRIVE, sweep)
        records = self.cluster.call(_records)
        return [record for record in records if label in record["metadata"]["labels"].items()]

    def testimony(self, trial: str) -> dict[str, Any]:
        """Return what a trial's container was given, and how its script read that."""
        found: dict[str, Any] = json.loads((self.witnessed / f"{trial}.json").read_text())
        return found

    def _get(self, name: str) -> Object:
        return self.cluster.call(lambda api: api.get(api.resource(names.GROUP, "hyperdrives"), NAMESPACE, name))

    def _picture(self, name: str) -> str:
        status = json.dumps(self._get(name).get("status"), indent=1)
        return f"{name} has not ended in {SECONDS} s: {status}\n{self.log.read_text()[-3000:]}"


def _install(registry: Registry) -> None:
    definitions = registry.resource("apiextensions.k8s.io", "customresourcedefinitions")
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        registry.create(definitions, "", yaml.safe_load(path.read_text()))


def _records(registry: Registry) -> list[Object]:
    records, _ = registry.list(registry.resource(names.GROUP, "hyperdrivetrials"), NAMESPACE)
    return records


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One cluster and operator for all samples."""
    bench = Bench(tmp_path_factory.mktemp("samples"))
    with bench.running():
        yield bench


@pytest.mark.parametrize("file", ANYWHERE)
def test_a_sample_runs_to_its_best_trial(file: str, bench: Bench) -> None:
    for sweep in bench.run(file):
        trials = bench.trials(sweep["metadata"]["name"])
        assert_complete(sweep, trials)
        for trial in trials:
            assert misfits(sweep, trial["spec"]["parameters"]) == [], trial["spec"]["parameters"]
            assert_script_got(sweep, trial["spec"]["parameters"], bench.testimony(trial["metadata"]["name"]))
        if any("when" in parameter for parameter in sweep["spec"]["searchSpace"]):
            kinds = {frozenset(trial["spec"]["parameters"]) for trial in trials}
            assert len(kinds) > 1, "all trials have the same active parameters: nothing was seen of its conditions"


def assert_complete(sweep: Object, trials: list[Object]) -> None:
    conditions = {one["type"]: one["status"] for one in sweep["status"]["conditions"]}
    assert conditions["Complete"] == "True", sweep["status"]
    assert conditions.get("Failed", "False") == "False"
    assert [trial["status"] for trial in trials if trial["status"]["state"] in {"Queued", "Running", "Failed"}] == []
    assert len(trials) == sweep["spec"]["limits"]["maxTotalTrials"]
    values = {trial["metadata"]["name"]: trial["status"].get("value") for trial in trials}
    assert None not in values.values()
    goal = max if sweep["spec"]["objective"]["goal"] == "Maximize" else min
    best = sweep["status"]["bestTrial"]
    assert best["value"] == values[best["name"]] == goal(value for value in values.values() if value is not None)


def assert_script_got(sweep: Object, parameters: Object, testimony: dict[str, Any]) -> None:
    """The script read just the active parameters from its command line, and would have found the same beside it."""
    space = {parameter["name"] for parameter in sweep["spec"]["searchSpace"]}
    arguments = {argument.partition("=")[0].removeprefix("--") for argument in testimony["arguments"]}
    assert arguments & space == parameters.keys()
    assert {name: testimony["options"][name.replace("-", "_")] for name in parameters} == parameters
    assert testimony["parameters"] == parameters
    assert testimony["variables"] == sorted(variable_name(name) for name in parameters)
