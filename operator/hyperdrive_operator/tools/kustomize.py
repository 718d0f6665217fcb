"""manifests/: a kustomize base and its overlays, of the same objects as manifests/install.yaml."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hyperdrive_operator.api.schema import custom_resource_definitions

from .install import NAME, NAMESPACE, base, cluster_wide, namespace, namespaced

Object = dict[str, Any]

MANIFESTS: Final = Path("manifests")
#: What the namespaced overlay watches as it stands: the one namespace that every cluster has.
EXAMPLE: Final = "default"


def kustomize_files(text: Callable[..., str]) -> dict[Path, str]:
    """Return the files by path; `text` writes objects as YAML with its header."""
    crds = {f"crds/{crd['spec']['names']['plural']}.yaml": crd for crd in custom_resource_definitions()}
    below = MANIFESTS / "base"
    files = {below / name: text(crd) for name, crd in crds.items()}
    files[below / "namespace.yaml"] = text(namespace())
    files[below / "operator.yaml"] = text(*base())
    files[below / "kustomization.yaml"] = text(_kustomization("namespace.yaml", *crds, "operator.yaml"))

    wide = MANIFESTS / "overlays" / "cluster-wide"
    files[wide / "permissions.yaml"] = text(*cluster_wide())
    files[wide / "kustomization.yaml"] = text(_kustomization("../../base", "permissions.yaml"))

    narrow = MANIFESTS / "overlays" / "namespaced"
    files[narrow / f"{EXAMPLE}.yaml"] = text(*namespaced(EXAMPLE))
    files[narrow / "kustomization.yaml"] = text(
        _kustomization("../../base", f"{EXAMPLE}.yaml") | {"patches": [_watching(EXAMPLE)]}
    )
    return files


def _kustomization(*resources: str) -> Object:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": [*resources]}


def _watching(watched: str) -> Object:
    """Return the patch that tells the operator which namespaces it watches, beside the variables that it has."""
    return {
        "patch": f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {NAME}, namespace: {NAMESPACE}}}
spec:
  template:
    spec:
      containers:
        - name: operator
          env: [{{name: HYPERDRIVE_NAMESPACES, value: "{watched}"}}] # commas between names; a Role in each
"""
    }
