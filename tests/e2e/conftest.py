"""The end-to-end tests' cluster: images and operator once for all processes of a run, a namespace for each test."""

import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from .installation import Before, Images, Installation, before, images, install, missing, restore, seconds_to_ready
from .kubectl import Kubectl, KubectlError, Object
from .scheduling import GROUPS, ByGroup
from .shared import Shared
from .sweeps import sweep

SHARED = pytest.StashKey[Shared]()
#: What pytest-xdist hands from the process that began the run to those that test.
FOLDER = "e2e_folder"
#: Groups of tests, and those of none, as they begin.
ORDER = ("trains", "", "alone")
#: Building images, waiting for pods and for one's turn takes longer than the other tests may.
TEST_SECONDS = 600


def pytest_configure(config: pytest.Config) -> None:
    """Give all processes of a run one folder."""
    begun_elsewhere = getattr(config, "workerinput", None)
    if begun_elsewhere is None:
        config.stash[SHARED] = Shared(Path(tempfile.mkdtemp(prefix="hyperdrive-e2e-")))
    elif FOLDER in begun_elsewhere:  # not so where these tests are some of many, and are not chosen
        config.stash[SHARED] = Shared(Path(begun_elsewhere[FOLDER]))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a process that pytest-xdist starts where the folder is."""
    node.workerinput[FOLDER] = str(node.config.stash[SHARED].folder)  # type: ignore[attr-defined] # xdist has no types


def pytest_unconfigure(config: pytest.Config) -> None:
    """When all processes have ended, leave the cluster as it was found."""
    if hasattr(config, "workerinput"):
        return
    shared = config.stash[SHARED]
    try:
        if shared.has("before"):
            restore(Before(**shared.get("before")))
    finally:
        shutil.rmtree(shared.folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByGroup:
    """Keep together what must not run side by side."""
    return ByGroup(config, log, config.stash[SHARED])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test of this folder: it needs a cluster, and time. What trains begins; what is alone comes last.

    Each of the two goes to one process: one training at a time leaves the waiting tests a processor, and the last test
    looks at what all that had the operator alone kept in the Installation.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))
    items.sort(key=lambda item: ORDER.index(_group(item)))
    if SHARED in config.stash:
        config.stash[SHARED].once(GROUPS, lambda: {item.nodeid: group for item in items if (group := _group(item))})


def _group(item: pytest.Item) -> str:
    if _is_alone(item):
        return "alone"
    return "trains" if item.get_closest_marker("trains") else ""


def _is_alone(item: pytest.Item) -> bool:
    return "operator" in getattr(item, "fixturenames", ()) and item.get_closest_marker("cluster") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the state of the namespace and the operator's log beside a failure."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for kubectl in {value for value in item.funcargs.values() if isinstance(value, Kubectl)}:
            report.sections.append((f"namespace {kubectl.namespace}", _picture(kubectl)))
        installation = item.funcargs.get("installation")
        if isinstance(installation, Installation):
            report.sections.append(("operator", installation.describe()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly what was not tested, and show what was measured."""
    for note in config.stash[SHARED].notes():
        terminalreporter.write_line(note, bold=True)


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config) -> Shared:
    """What this process has in common with the others of the run."""
    assert SHARED in pytestconfig.stash, "several processes share a cluster only if pytest begins with tests/e2e"
    return pytestconfig.stash[SHARED]


@pytest.fixture(scope="session")
def note(shared: Shared) -> Callable[[str], None]:
    """Keep a line for the end of the run."""
    return shared.note


@pytest.fixture(scope="session")
def built(shared: Shared, note: Callable[[str], None]) -> Images:
    """Make sure of a cluster and of both images."""
    if problem := missing(os.environ):
        note(f"SKIPPED all end-to-end tests: {problem}")
        pytest.skip(problem)

    def build() -> Object:
        began = time.monotonic()
        found = images(os.environ)
        note(f"images: {found.operator}, {found.sample} in {time.monotonic() - began:.0f} s")
        return asdict(found)

    return Images(**shared.once("images", build))


@pytest.fixture(scope="session")
def began(shared: Shared) -> datetime:
    """The time before the operator of this run made its first request."""
    return datetime.fromisoformat(shared.once("began", lambda: datetime.now(UTC).isoformat()))


@pytest.fixture(scope="session", autouse=True)
def installation(shared: Shared, built: Images, began: datetime, note: Callable[[str], None]) -> Installation:
    """The operator, installed by the chart with its default values: there, for a test to use as anybody does."""
    installation = Installation(built.operator)

    def make() -> bool:
        install(installation, Before(**shared.once("before", lambda: asdict(before()))))
        note(f"operator: ready {seconds_to_ready(installation.ready_pod()):.0f} s after its container started")
        return True

    shared.once("installed", make)
    return installation


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest, shared: Shared, installation: Installation) -> Iterator[None]:
    """A turn at the cluster, beside other tests; alone for a test that takes the operator."""
    with shared.turn(alone=_is_alone(request.node)):
        yield


@pytest.fixture
def operator(turn: None, installation: Installation) -> Installation:
    """The operator for a test of its own: whoever takes this may kill, stop or change it, or look at it undisturbed."""
    return installation


@pytest.fixture
def make_sweep(built: Images) -> Callable[..., Object]:
    """Build sweeps that run in the sample's image: the one that every cluster of these tests has."""
    return partial(sweep, image=built.sample)


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """A namespace of the test's own, under the restricted pod security standard."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    name = f"e2e-{words[:40].strip('-')}-{secrets.token_hex(3)}"
    Kubectl()("create", "namespace", name)
    try:
        Kubectl()("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        yield Kubectl(name)
    finally:
        Kubectl()("delete", "namespace", name, "--wait=false", "--ignore-not-found")


def _picture(kubectl: Kubectl) -> str:
    commands = ("get hyperdrives,hyperdrivetrials,jobs,pods --output=wide", "get hyperdrives --output=yaml", "events")
    pictures = []
    for command in commands:
        try:
            pictures.append(f"$ kubectl {command}\n{kubectl(*command.split())}")
        except KubectlError as error:
            pictures.append(str(error))
    return "\n".join(pictures)
