"""manifests/: what kustomize makes of them, and what their roles and pods may do."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.helm import HELM, only, render

from hyperdrive_operator.tools.install import cluster_wide, installation, namespaced
from hyperdrive_operator.tools.permissions import OWN, REPORTER, USERS, WATCHED, rules

Object = dict[str, Any]

ROOT = Path(__file__).parents[3]
MANIFESTS = ROOT / "manifests"
KUBECTL = shutil.which("kubectl")
ROLES = {"Role", "ClusterRole"}


def read(text: str) -> list[Object]:
    """Return the objects of a YAML text."""
    return [one for one in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if one]


def built(overlay: str) -> list[Object]:
    """Return what `kubectl kustomize` makes of an overlay."""
    assert KUBECTL
    folder = MANIFESTS / "overlays" / overlay
    done = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return read(done.stdout)


def by_name(objects: list[Object]) -> dict[tuple[str, str], Object]:
    """Return objects by kind and name."""
    found = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    assert len(found) == len(objects)
    return found


needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="NOT CHECKED: kustomize, since there is no kubectl on PATH")


@needs_kubectl
def test_the_cluster_wide_overlay_is_install_yaml() -> None:
    assert by_name(built("cluster-wide")) == by_name(read((MANIFESTS / "install.yaml").read_text(encoding="utf-8")))


@needs_kubectl
def test_the_namespaced_overlay_has_roles_alone() -> None:
    wide, narrow = by_name(built("cluster-wide")), by_name(built("namespaced"))
    assert not [kind for kind, _ in narrow if kind.startswith("ClusterRole")]
    role = narrow["Role", "hyperdrive-operator"]
    assert role["rules"] == wide["ClusterRole", "hyperdrive-operator"]["rules"]
    container = narrow["Deployment", "hyperdrive-operator"]["spec"]["template"]["spec"]["containers"][0]
    watched = {"name": "HYPERDRIVE_NAMESPACES", "value": role["metadata"]["namespace"]}
    assert watched in container["env"]
    # and else it is the same pod
    container["env"].remove(watched)
    assert narrow["Deployment", "hyperdrive-operator"] == wide["Deployment", "hyperdrive-operator"]


# --- what may be done ------------------------------------------------------------------------------------------------


def every_role() -> list[Object]:
    """Return all roles that any way to install makes."""
    objects = [*installation(), *namespaced("team-a")]
    if HELM:
        objects += render() + render({"watchNamespaces": ["team-a"], "reporter": {"namespaces": ["team-a"]}})
    objects += read((MANIFESTS / "reporter-role.yaml").read_text(encoding="utf-8"))
    return [one for one in objects if one["kind"] in ROLES]


def test_no_role_has_a_wildcard_a_secret_or_a_way_up() -> None:
    seen = 0
    for role in every_role():
        for rule in role["rules"]:
            words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert not any("*" in word for word in words), role
            assert not {"secrets", "configmaps", "serviceaccounts", "serviceaccounts/token"} & set(rule["resources"])
            assert not {"pods/exec", "pods/attach", "pods/portforward", "nodes", "namespaces"} & set(rule["resources"])
            assert not {"bind", "escalate", "impersonate", "approve", "sign"} & set(rule["verbs"])
            assert not {group for group in rule["apiGroups"] if group.endswith("authorization.k8s.io")}
            assert "nonResourceURLs" not in rule
            seen += 1
    assert seen > 20


def test_the_operator_deletes_nothing_but_jobs_and_writes_no_spec_of_its_own_kinds() -> None:
    for rule in [*rules(WATCHED), *rules(OWN)]:
        assert "deletecollection" not in rule["verbs"]
        assert ("delete" in rule["verbs"]) == (rule["resources"] == ["jobs"])
        if rule["resources"] == ["hyperdrives"]:
            assert rule["verbs"] == ["list", "watch"]
        if rule["resources"] == ["hyperdrivetrials"]:
            assert not {"update", "patch"} & set(rule["verbs"])


def test_every_verb_has_a_reason_and_stands_once() -> None:
    for permissions in (WATCHED, OWN):
        keys = [(one.group, one.resource, one.verb) for one in permissions]
        assert len(keys) == len(set(keys))
        assert all(one.reason for one in permissions)
        # one rule a resource: neighbours in the list
        assert sum(len(rule["verbs"]) for rule in rules(permissions)) == len(keys)
        resources = [(rule["apiGroups"][0], rule["resources"][0]) for rule in rules(permissions)]
        assert len(resources) == len(set(resources))


def test_the_page_tells_every_verb() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    for one in (*WATCHED, *OWN):
        assert f"| {one.group or 'core'} | {one.resource} | {one.verb} | {one.reason} |" in page


@pytest.mark.parametrize("word", ["view", "edit", "admin"])
def test_users_get_their_roles_from_the_clusters_own(word: str) -> None:
    role = by_name(cluster_wide())["ClusterRole", f"hyperdrive-operator-{word}"]
    aggregated = {
        key for key in role["metadata"]["labels"] if key.startswith("rbac.authorization.k8s.io/aggregate-to-")
    }
    assert aggregated == {f"rbac.authorization.k8s.io/aggregate-to-{word}"}
    assert role["rules"] == [*USERS[word]]


def test_who_views_writes_nothing_and_who_edits_forges_no_result() -> None:
    def verbs(word: str, resource: str) -> set[str]:
        return {verb for rule in USERS[word] if resource in rule["resources"] for verb in rule["verbs"]}

    reading = {"get", "list", "watch"}
    for resource in ("hyperdrives", "hyperdrivetrials"):
        assert verbs("view", resource) == reading
        assert verbs("view", f"{resource}/status") == verbs("edit", f"{resource}/status") == {"get"}
        assert verbs("view", resource) < verbs("edit", resource) <= verbs("admin", resource)
    assert verbs("edit", "hyperdrivetrials") == reading | {"update", "patch", "delete", "deletecollection"}


def test_the_reporters_manifest_is_what_the_chart_makes() -> None:
    assert only(read((MANIFESTS / "reporter-role.yaml").read_text(encoding="utf-8")), "Role")["rules"] == [*REPORTER]


# --- the pod ---------------------------------------------------------------------------------------------------------


def every_pod() -> list[Any]:
    """Return the operator's pod as each way to install has it."""
    objects = installation() + (render() if HELM else [])
    return [one["spec"]["template"]["spec"] for one in objects if one["kind"] == "Deployment"]


def test_the_pod_is_what_the_restricted_pod_security_standard_asks_for_and_more() -> None:
    for pod in every_pod():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert not [volume for volume in pod.get("volumes", ()) if "hostPath" in volume]
        assert {"requests", "limits"} <= container["resources"].keys()


def test_the_token_is_mounted_in_the_operators_pod_alone() -> None:
    for objects in (installation(), render() if HELM else []):
        for one in objects:
            if one["kind"] == "ServiceAccount":
                assert one["automountServiceAccountToken"] is False
            if one["kind"] == "Deployment":
                assert one["spec"]["template"]["spec"]["automountServiceAccountToken"] is True
