"""manifests/install.yaml: all that a cluster needs to run the operator, as plain objects."""

from typing import Any, Final

from hyperdrive_operator import __version__
from hyperdrive_operator.api import names
from hyperdrive_operator.api.schema import custom_resource_definitions

Object = dict[str, Any]

NAMESPACE: Final = "hyperdrive-system"
NAME: Final = "hyperdrive-operator"
IMAGE: Final = f"ghcr.io/hyperdrive-dev/hyperdrive-operator:{__version__}"
LABELS: Final = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "hyperdrive"}

#: Exactly the verbs that the operator uses; the end-to-end tests compare this with the API server's audit log.
RULES: Final = (
    {"apiGroups": [names.GROUP], "resources": ["hyperdrives"], "verbs": ["list", "watch"]},
    {"apiGroups": [names.GROUP], "resources": ["hyperdrives/status"], "verbs": ["patch"]},
    {"apiGroups": [names.GROUP], "resources": ["hyperdrivetrials"], "verbs": ["get", "list", "watch", "create"]},
    {"apiGroups": [names.GROUP], "resources": ["hyperdrivetrials/status"], "verbs": ["patch"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch", "create", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
)


def installation() -> list[Object]:
    """Return the namespace, the CRDs, the permissions and the Deployment, in the order to apply them."""
    return [_namespace(), *custom_resource_definitions(), _service_account(), _role(), _role_binding(), _deployment()]


def _metadata(name: str, *, namespaced: bool = True) -> Object:
    return {"name": name, **({"namespace": NAMESPACE} if namespaced else {}), "labels": dict(LABELS)}


def _namespace() -> Object:
    metadata = _metadata(NAMESPACE, namespaced=False)
    metadata["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _service_account() -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(NAME)}


def _role() -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": _metadata(NAME, namespaced=False),
        "rules": [dict(rule) for rule in RULES],
    }


def _role_binding() -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(NAME, namespaced=False),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    }


def _deployment() -> Object:
    selector = {"app.kubernetes.io/name": NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(NAME),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},  # one at a time: two would be safe, but would do the work twice
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": dict(LABELS)},
                "spec": {
                    "serviceAccountName": NAME,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [_container()],
                },
            },
        },
    }


def _container() -> Object:
    return {
        "name": "operator",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "env": [
            # the kubelet must reach the probes, nobody else needs to: the pod's own address, not all of them
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "HYPERDRIVE_LISTEN", "value": "$(POD_IP):8080"},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "ports": [{"name": "http", "containerPort": 8080}],
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": "http"},
            "initialDelaySeconds": 10,
            "periodSeconds": 10,
            "failureThreshold": 6,
        },
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 2},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
