"""The chart's life: upgraded, uninstalled and installed again while sweeps run; in namespaced mode; and kustomize."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.helm import CHART, ROOT, helm

from .installation import CRDS, NAME, Installation
from .kubectl import Kubectl, Object
from .sweeps import of, trials

SLOW = "sleep 8; echo score=$(params.x)"


def test_a_sweep_outlives_upgrade_uninstall_and_another_installation(
    namespace: Kubectl, operator: Installation, make_sweep: Callable[..., Object]
) -> None:
    namespace.apply(make_sweep("steady", SLOW, total=6, at_once=2))
    namespace.wait("hd/steady", "jsonpath={.status.trials.running}=2")
    before = operator.ready_pod()["metadata"]["uid"]
    operator.note_errors()
    operator.install(podAnnotations={"upgraded": "yes"})
    assert operator.ready_pod()["metadata"]["uid"] != before, "an upgrade that starts no new pod shows nothing"
    namespace.wait("hd/steady", "jsonpath={.status.trials.succeeded}=2")
    namespace.wait("hd/steady", "jsonpath={.status.trials.running}=2")

    operator.note_errors()
    operator.uninstall()
    assert all(Kubectl().exists("crd", crd) for crd in CRDS)
    records, jobs = trials(namespace, "steady"), namespace.list("jobs", of("steady"))
    assert len(records) == len(jobs) == 4
    assert sum(job["status"].get("active", 0) for job in jobs) == 2, "what runs goes on"
    with _operator_of_one_namespace(namespace, operator):
        namespace.wait("hd/steady", "jsonpath={.status.trials.succeeded}=4")
        namespace.wait("hd/steady", "jsonpath={.status.trials.running}=2")
        assert not _cluster_roles(), "namespaced mode has Roles alone"

    operator.install()
    namespace.wait("hd/steady", "condition=Complete")
    assert [record["status"]["state"] for record in trials(namespace, "steady")] == ["Succeeded"] * 6
    pods = [pod["metadata"]["labels"]["hyperdrive.dev/trial"] for pod in namespace.list("pods", of("steady"))]
    assert sorted(pods) == [f"steady-{number}" for number in range(1, 7)], "one pod for each trial"


@contextmanager
def _operator_of_one_namespace(namespace: Kubectl, operator: Installation) -> Iterator[None]:
    """An operator that runs in the sweeps' namespace and sees no other."""
    repository, _, tag = operator.image.rpartition(":")
    values = {
        "watchNamespaces": [namespace.namespace],
        "crds": {"install": False},
        "image": {"repository": repository, "tag": tag},
        "fullnameOverride": "team-operator",
    }
    there = f"--namespace={namespace.namespace}"
    helm("install", "team", str(CHART), there, "--values=-", stdin=json.dumps(values))
    try:
        namespace("rollout", "status", "deployment/team-operator", "--timeout=60s", seconds=70)
        yield
    finally:
        helm("uninstall", "team", there, "--wait", "--timeout=60s")


def _cluster_roles() -> list[str]:
    roles = Kubectl().json("get", "clusterroles,clusterrolebindings")["items"]
    return [role["metadata"]["name"] for role in roles if NAME in role["metadata"]["name"]]


def test_kustomize_overlays_are_taken_by_the_api_server() -> None:
    """As a dry run: the operator of these tests is the chart's."""
    for overlay in ("cluster-wide", "namespaced"):
        built = Kubectl()("kustomize", str(ROOT / "manifests" / "overlays" / overlay))
        Kubectl()("apply", "--server-side", "--dry-run=server", "--force-conflicts", "--filename=-", stdin=built)


def test_applying_a_sweep_twice_has_no_conflict_and_the_operator_owns_nothing_of_its_spec(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    """What GitOps needs: nothing drifts, and a finished sweep that is applied again does nothing."""
    sweep = make_sweep("declared", "echo score=$(params.x)", total=2)
    namespace.apply(sweep)
    namespace.wait("hd/declared", "condition=Complete")
    before = namespace.json("get", "hd", "declared", "--show-managed-fields")
    namespace.apply(sweep)
    after = namespace.json("get", "hd", "declared", "--show-managed-fields")
    assert after["metadata"]["generation"] == before["metadata"]["generation"] == 1
    assert after["status"] == before["status"]
    owned = {entry["manager"]: entry["fieldsV1"] for entry in after["metadata"]["managedFields"]}
    assert [manager for manager, fields in owned.items() if "f:spec" in fields] == ["kubectl"]
    assert len(trials(namespace, "declared")) == 2
