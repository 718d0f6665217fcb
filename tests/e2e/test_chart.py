"""The Helm chart installs what manifests/install.yaml installs."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .kubectl import Kubectl

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "hyperdrive-operator"
HELM = shutil.which("helm")


def helm(*arguments: str) -> str:
    """Run helm; return what it prints."""
    assert HELM
    return subprocess.run([HELM, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(HELM is None, reason="there is no helm on PATH: the chart is NOT checked")
def test_the_chart_installs_what_install_yaml_does(namespace: Kubectl) -> None:
    helm("lint", "--strict", str(CHART))
    rendered = helm("template", "hyperdrive-operator", str(CHART), "-n", "hyperdrive-system", "--include-crds")
    expected = (ROOT / "manifests" / "install.yaml").read_text()
    ours = _by_name(expected)
    del ours["Namespace", "hyperdrive-system"]  # helm's --create-namespace makes it
    assert _by_name(rendered) == ours
    namespace("apply", "--dry-run=server", "-f", "-", stdin=rendered.replace("hyperdrive-system", namespace.namespace))


def _by_name(manifests: str) -> dict[tuple[str, str], Any]:
    objects = [one for one in yaml.safe_load_all(manifests) if one]
    for one in objects:
        if one["kind"] == "Deployment":
            pod = one["spec"]["template"]["spec"]
            for optional in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity"):
                if not pod.get(optional):
                    pod.pop(optional, None)
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}
