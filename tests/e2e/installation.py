"""The images and the chart on a cluster: made, waited for, and taken away again."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.helm import CHART, HELM, HelmError, helm

from .kubectl import Kubectl, KubectlError, Object

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "manifests" / "samples"
SYSTEM = "hyperdrive-system"
NAME = "hyperdrive-operator"
CRDS = ("hyperdrives.hyperdrive.dev", "hyperdrivetrials.hyperdrive.dev")
PODS = f"app.kubernetes.io/name={NAME}"
#: The image that the sample's manifests name.
SAMPLE_IMAGE = "localhost/hyperdrive-digits:1"
#: A first build installs packages.
BUILD_SECONDS = 480


@dataclass(frozen=True, slots=True)
class Images:
    """Names by which the nodes know the two images."""

    operator: str
    sample: str


def missing(environ: Mapping[str, str]) -> str:
    """Say what the environment lacks for these tests; empty if nothing."""
    if not environ.get("KUBECONFIG"):
        return "KUBECONFIG names no cluster: make e2e KUBECONFIG=FILE"
    if HELM is None:
        return "there is no helm on the PATH, which installs the operator"
    given = environ.get("E2E_OPERATOR_IMAGE") and environ.get("E2E_SAMPLE_IMAGE")
    if not environ.get("E2E_BUILD_IMAGE") and not given:
        return (
            "no images: set E2E_BUILD_IMAGE to a command that is called with FOLDER and TAG, builds FOLDER/Dockerfile "
            "for the cluster's nodes and prints the image's name; or set E2E_OPERATOR_IMAGE and E2E_SAMPLE_IMAGE"
        )
    return ""


def images(environ: Mapping[str, str]) -> Images:
    """Take the images that are there, or build them."""
    operator, sample = environ.get("E2E_OPERATOR_IMAGE"), environ.get("E2E_SAMPLE_IMAGE")
    return Images(
        operator=operator or _build(environ["E2E_BUILD_IMAGE"], ROOT, "localhost/hyperdrive-operator:e2e"),
        sample=sample or _build(environ["E2E_BUILD_IMAGE"], SAMPLES / "digits", SAMPLE_IMAGE),
    )


def _build(command: str, folder: Path, tag: str) -> str:
    done = subprocess.run(
        [*shlex.split(command), str(folder), tag],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    lines = done.stdout.split()
    assert done.returncode == 0, f"{command} {folder} {tag} failed:\n{done.stdout}{done.stderr}"
    assert lines, f"{command} {folder} {tag} printed no image name"
    return lines[-1]


class Installation:
    """The operator in its cluster, as a release of the chart."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.kubectl = Kubectl(SYSTEM)
        #: What the operator logged as its own fault, those of killed pods included.
        self.errors: list[str] = []
        #: When it was uninstalled: its roles go before its pod has stopped.
        self.absences: list[tuple[datetime, datetime]] = []

    def install(self, **values: Any) -> None:
        """Install the chart, or upgrade it to these values beside the image, and wait until the operator is ready."""
        repository, _, tag = self.image.rpartition(":")
        values["image"] = {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}
        place = ("--install", f"--namespace={SYSTEM}", "--create-namespace")
        helm("upgrade", NAME, str(CHART), *place, "--values=-", stdin=json.dumps(values))
        self.wait_ready()

    def uninstall(self) -> None:
        """Uninstall the chart as a person does, and return when its pods have gone."""
        began = datetime.now(UTC)
        helm("uninstall", NAME, f"--namespace={SYSTEM}", "--wait", "--timeout=60s")
        self.kubectl.wait("pods", "delete", selector=PODS)
        self.absences.append((began, datetime.now(UTC)))

    def wait_ready(self) -> None:
        """Wait until the wanted pods are ready and others gone. What hinders them is in the error."""
        try:
            self.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s", seconds=130)
        except KubectlError as error:
            raise AssertionError(f"{error}\n{self.describe()}") from error
        for pod in self.kubectl.list("pods", PODS):
            if "deletionTimestamp" in pod["metadata"]:
                self.kubectl.wait(f"pod/{pod['metadata']['name']}", "delete")

    def describe(self) -> str:
        """Return what a person would look at when the operator does not work."""
        try:
            logs = self.kubectl("logs", f"deployment/{NAME}", "--tail=100")
        except KubectlError as error:
            logs = str(error)
        return f"{self.kubectl('describe', 'pods')}\n--- log of the operator\n{logs}"

    def ready_pod(self) -> Object:
        """Wait for the operator's pod and return it."""
        self.kubectl.wait("pods", "create", selector=PODS)
        self.kubectl.wait("pods", "condition=Ready", selector=PODS)
        (pod,) = self.kubectl.list("pods", PODS)
        return pod

    def metrics(self) -> list[str]:
        """Return the lines of /metrics, by way of the API server."""
        name = self.ready_pod()["metadata"]["name"]
        return self.kubectl("get", "--raw", f"/api/v1/namespaces/{SYSTEM}/pods/{name}:8080/proxy/metrics").splitlines()

    def note_errors(self) -> None:
        """Keep the errors that stand in the log of the operator's pod."""
        log = self.kubectl("logs", self.ready_pod()["metadata"]["name"]).splitlines()
        self.errors += [line for line in log if json.loads(line)["level"] in {"error", "critical"}]

    def kill(self) -> None:
        """End the operator's pod without a warning, and return when its successor is ready."""
        self.note_errors()
        self.kubectl("delete", "pods", f"--selector={PODS}", "--force", "--grace-period=0")
        self.ready_pod()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Run without any operator for a while."""
        self.note_errors()
        self.kubectl("scale", f"deployment/{NAME}", "--replicas=0")
        self.kubectl.wait("pods", "delete", selector=PODS)
        try:
            yield
        finally:
            self.kubectl("scale", f"deployment/{NAME}", "--replicas=1")
            self.ready_pod()


def seconds_to_ready(pod: Object) -> float:
    """Return how long a pod took from the start of its container to ready, in the kubelet's whole seconds."""
    started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    ready = next(c["lastTransitionTime"] for c in pod["status"]["conditions"] if c["type"] == "Ready")
    return (datetime.fromisoformat(ready) - datetime.fromisoformat(started)).total_seconds()


@dataclass(frozen=True, slots=True)
class Before:
    """What a cluster had of the operator before these tests."""

    #: Of the release; empty if there was none.
    revision: str
    crds: list[str]


def before() -> Before:
    """Look what is there."""
    return Before(revision=_revision(), crds=[crd for crd in CRDS if Kubectl().exists("crd", crd)])


def install(installation: Installation, found: Before) -> None:
    """Install the operator by the chart with its default values, into a namespace under the restricted standard."""
    kubectl = Kubectl()
    if not kubectl.exists("namespace", SYSTEM):
        kubectl("create", "namespace", SYSTEM)
    kubectl("label", "namespace", SYSTEM, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")
    installation.install()
    if found.revision:  # an image of the same name may be another one
        installation.kubectl("rollout", "restart", f"deployment/{NAME}")
        installation.wait_ready()


def restore(found: Before) -> None:
    """Take away what was not there before, and give a release its own values back."""
    if found.revision:
        helm("rollback", NAME, found.revision, f"--namespace={SYSTEM}")
    else:
        _remove_all([crd for crd in CRDS if crd not in found.crds])


def _revision() -> str:
    """Return the number of the release that is there; empty if there is none."""
    try:
        found = json.loads(helm("history", NAME, f"--namespace={SYSTEM}", "--max=1", "--output=json"))
    except HelmError:
        return ""
    return str(found[-1]["revision"])


def _remove_all(crds: list[str]) -> None:
    with suppress(HelmError):  # a test may have left it uninstalled
        helm("uninstall", NAME, f"--namespace={SYSTEM}")
    for kind, name in [*(("crd", crd) for crd in crds), ("namespace", SYSTEM)]:
        try:
            Kubectl()("delete", kind, name, "--ignore-not-found", seconds=90)
        except (KubectlError, subprocess.TimeoutExpired) as error:
            sys.stderr.write(f"left behind: {kind} {name}: {error}\n")
