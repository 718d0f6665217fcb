"""charts/hyperdrive-operator: the installation as a Helm chart, made from the same objects as manifests/install.yaml.

Helm's `{{ }}` would be quoted by a YAML writer, so each value that a user may set is written as a mark first.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hyperdrive_operator import __version__
from hyperdrive_operator.api.schema import custom_resource_definitions

from .install import NAME, NAMESPACE, installation

Object = dict[str, Any]

CHART: Final = Path("charts") / NAME
#: Marks, as they stand in the YAML, and what Helm is to make of them.
_MARKS: Final = {
    "@namespace@": "{{ .Release.Namespace }}",
    "@image@": "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}",
    "@pullPolicy@": "{{ .Values.image.pullPolicy }}",
    "@resources@": "{{ toJson .Values.resources }}",
    "@imagePullSecrets@": "{{ toJson .Values.imagePullSecrets }}",
    "@nodeSelector@": "{{ toJson .Values.nodeSelector }}",
    "@tolerations@": "{{ toJson .Values.tolerations }}",
    "@affinity@": "{{ toJson .Values.affinity }}",
}
_TEMPLATES: Final = {
    "ServiceAccount": "serviceaccount",
    "ClusterRole": "clusterrole",
    "ClusterRoleBinding": "clusterrolebinding",
    "Deployment": "deployment",
}


def chart_files(text: Callable[[Object], str]) -> dict[Path, str]:
    """Return the generated files of the chart by path; `text` writes an object as YAML."""
    about = {
        "apiVersion": "v2",
        "name": NAME,
        "description": "Hyperparameter tuning on Kubernetes: one HyperDrive manifest, one Job per combination.",
        "type": "application",
        "version": __version__,
        "appVersion": __version__,
        "kubeVersion": ">=1.29.0-0",
    }
    files = {CHART / "Chart.yaml": text(about)}
    for crd in custom_resource_definitions():
        files[CHART / "crds" / f"{crd['spec']['names']['plural']}.yaml"] = text(crd)
    for one in installation():
        if one["kind"] in _TEMPLATES:
            files[CHART / "templates" / f"{_TEMPLATES[one['kind']]}.yaml"] = _template(one, text)
    return files


def _template(one: Object, text: Callable[[Object], str]) -> str:
    """Write an object with what Helm fills in: the namespace of the release, and the values."""
    marked: Object = json.loads(json.dumps(one).replace(f'"namespace": "{NAMESPACE}"', '"namespace": "@namespace@"'))
    if one["kind"] == "Deployment":
        pod = marked["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        container |= {"image": "@image@", "imagePullPolicy": "@pullPolicy@", "resources": "@resources@"}
        pod |= {field: f"@{field}@" for field in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity")}
    written = text(marked)
    for mark, replacement in _MARKS.items():
        written = written.replace(f"'{mark}'", replacement).replace(mark, replacement)
    return written
