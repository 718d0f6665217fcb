"""The end-to-end tests' cluster: images and operator once for all tests, a namespace for each."""

import os
import re
import secrets
import time
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from .installation import Images, Installation, images, installed, missing, seconds_to_ready
from .kubectl import Kubectl, KubectlError, Object
from .sweeps import sweep

NOTES = pytest.StashKey[list[str]]()
#: Building images and waiting for pods takes longer than the other tests may.
TEST_SECONDS = 600


def pytest_configure(config: pytest.Config) -> None:
    """Begin the list of what the terminal shows at the end."""
    config.stash[NOTES] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder: it needs a cluster, and time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the state of the namespace and the operator's log beside a failure."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for kubectl in {value for value in item.funcargs.values() if isinstance(value, Kubectl)}:
            report.sections.append((f"namespace {kubectl.namespace}", _picture(kubectl)))
        installation = item.funcargs.get("operator")
        if isinstance(installation, Installation):
            report.sections.append(("operator", installation.describe()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly what was not tested, and show what was measured."""
    for note in config.stash[NOTES]:
        terminalreporter.write_line(note, bold=True)


@pytest.fixture(scope="session")
def note(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Keep a line for the end of the run."""
    return pytestconfig.stash[NOTES].append


@pytest.fixture(scope="session")
def built(note: Callable[[str], None]) -> Images:
    """Make sure of a cluster and of both images."""
    if problem := missing(os.environ):
        note(f"SKIPPED all end-to-end tests: {problem}")
        pytest.skip(problem)
    began = time.monotonic()
    found = images(os.environ)
    note(f"images: {found.operator}, {found.sample} in {time.monotonic() - began:.0f} s")
    return found


@pytest.fixture(scope="session")
def began() -> datetime:
    """The time before the operator of this session made its first request."""
    return datetime.now(UTC)


@pytest.fixture(scope="session", autouse=True)
def operator(built: Images, began: datetime, note: Callable[[str], None]) -> Iterator[Installation]:
    """The operator, installed by the chart with its default values."""
    with installed(built.operator) as installation:
        note(f"operator: ready {seconds_to_ready(installation.ready_pod()):.0f} s after its container started")
        yield installation


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
