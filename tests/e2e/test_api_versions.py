"""The way to the next API version, as docs/upgrade.md describes it, with a copy of the CRD in a group of its own."""

import copy
import json
import secrets
from collections.abc import Iterator

import pytest
import yaml

from .installation import ROOT, SAMPLES
from .kubectl import Kubectl, Object

OLD, NEW = "v1alpha1", "v1beta1"


@pytest.fixture
def copied() -> Iterator[Object]:
    """The HyperDrives' CRD, of another group: the operator and its sweeps don't notice."""
    crd: Object = yaml.safe_load((ROOT / "crds" / "hyperdrives.yaml").read_text())
    crd["spec"]["group"] = group = f"copy-{secrets.token_hex(3)}.hyperdrive.dev"
    crd["spec"]["names"] |= {"shortNames": []}
    crd["metadata"]["name"] = f"hyperdrives.{group}"
    Kubectl().apply(crd)
    name = f"crd/{crd['metadata']['name']}"
    Kubectl().wait(
        name, "jsonpath={.status.acceptedNames.plural}"
    )  # its conditions, null before, are there from then on
    Kubectl().wait(name, "condition=Established")
    yield crd
    Kubectl()("delete", "crd", crd["metadata"]["name"], "--wait=false")


def test_a_sweep_survives_the_move_to_the_next_api_version(copied: Object, namespace: Kubectl) -> None:
    crd, resource = copied, copied["metadata"]["name"]
    sweep: Object = yaml.safe_load((SAMPLES / "digits" / "sweep.yaml").read_text())
    sweep["apiVersion"] = f"{crd['spec']['group']}/{OLD}"
    namespace.apply(sweep)
    before = namespace.get(resource, "digits")

    _serve(crd, stored=OLD)
    assert _in_version(namespace, crd, NEW)["spec"] == before["spec"]
    namespace.apply(sweep | {"apiVersion": f"{crd['spec']['group']}/{NEW}"})
    assert _in_version(namespace, crd, OLD)["spec"] == before["spec"]

    _serve(crd, stored=NEW)
    every = Kubectl()("get", resource, "--all-namespaces", "--output=json")
    Kubectl()("replace", "--filename=-", stdin=every)
    moved = json.dumps({"status": {"storedVersions": [NEW]}})
    Kubectl()("patch", "crd", resource, "--subresource=status", "--type=merge", f"--patch={moved}")
    crd["spec"]["versions"] = [version for version in crd["spec"]["versions"] if version["name"] == NEW]
    Kubectl().apply(crd)
    after = namespace.get(resource, "digits")
    assert (after["spec"], after["metadata"]["uid"]) == (before["spec"], before["metadata"]["uid"])


def _serve(crd: Object, *, stored: str) -> None:
    """Serve both versions, of the same schema."""
    (old, *_) = crd["spec"]["versions"]
    crd["spec"]["versions"] = [copy.deepcopy(old) | {"name": name, "storage": name == stored} for name in (OLD, NEW)]
    Kubectl().apply(crd)
    version = f"/apis/{crd['spec']['group']}/{NEW}"
    Kubectl().wait(f"crd/{crd['metadata']['name']}", "condition=Established")
    Kubectl()("get", f"--raw={version}")


def _in_version(kubectl: Kubectl, crd: Object, version: str) -> Object:
    path = f"/apis/{crd['spec']['group']}/{version}/namespaces/{kubectl.namespace}/hyperdrives/digits"
    found: Object = json.loads(kubectl("get", f"--raw={path}"))
    return found
