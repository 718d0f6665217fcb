"""All that a cluster needs to run the operator, as plain objects: what manifests/ and the chart are made from."""

from collections.abc import Sequence
from typing import Final

from hyperdrive_operator import __version__
from hyperdrive_operator.api.schema import custom_resource_definitions

from .permissions import OWN, USERS, WATCHED, Object, rules

NAMESPACE: Final = "hyperdrive-system"
NAME: Final = "hyperdrive-operator"
#: A name of its own: the operator may watch its own namespace too.
OWN_ROLE: Final = f"{NAME}-own"
IMAGE: Final = f"ghcr.io/hyperdrive-dev/hyperdrive-operator:{__version__}"
SELECTOR: Final = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME}
LABELS: Final = {**SELECTOR, "app.kubernetes.io/part-of": "hyperdrive"}


def installation() -> list[Object]:
    """Return the namespace, the CRDs, the permissions and the Deployment, in the order to apply them."""
    return [namespace(), *custom_resource_definitions(), *base(), *cluster_wide()]


def base() -> list[Object]:
    """Return what every installation has: the operator, and what it may do in its own namespace."""
    return [_service_account(), *permit("Role", OWN_ROLE, rules(OWN), NAMESPACE), _deployment()]


def cluster_wide() -> list[Object]:
    """Return the right to run sweeps in every namespace, and the roles of the people who write them."""
    return [*permit("ClusterRole", NAME, rules(WATCHED)), *(user_role(word) for word in USERS)]


def namespaced(watched: str) -> list[Object]:
    """Return the right to run sweeps in one namespace."""
    return permit("Role", NAME, rules(WATCHED), watched)


def permit(kind: str, name: str, allowed: Sequence[Object], in_namespace: str = "") -> list[Object]:
    """Return a role with these rules, and its binding to the operator."""
    group = "rbac.authorization.k8s.io"
    about = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata(name, in_namespace)}
    bound = {"apiVersion": f"{group}/v1", "kind": f"{kind}Binding", "metadata": metadata(name, in_namespace)}
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    reference = {"apiGroup": group, "kind": kind, "name": name}
    return [{**about, "rules": [*allowed]}, {**bound, "roleRef": reference, "subjects": [subject]}]


def user_role(word: str) -> Object:
    """Return the role of people who view, edit or administer sweeps; Kubernetes adds it to its own of that name."""
    about = metadata(f"{NAME}-{word}")
    about["labels"][f"rbac.authorization.k8s.io/aggregate-to-{word}"] = "true"
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": about,
        "rules": [*USERS[word]],
    }


def metadata(name: str, namespace: str = "") -> Object:
    """Return the metadata of an object of ours."""
    return {"name": name, **({"namespace": namespace} if namespace else {}), "labels": dict(LABELS)}


def namespace() -> Object:
    """Return the operator's namespace, where only pods without privileges may run."""
    about = metadata(NAMESPACE)
    about["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": about}


def _service_account() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(NAME, NAMESPACE),
        "automountServiceAccountToken": False,  # the operator's pod asks for the token itself
    }


def _deployment() -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(NAME, NAMESPACE),
        "spec": {
            "replicas": 1,
            # The new one stands by until the old one has given the Lease back: no moment without an operator.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": dict(SELECTOR)},
            "template": {
                "metadata": {"labels": dict(LABELS)},
                "spec": {
                    "serviceAccountName": NAME,
                    "automountServiceAccountToken": True,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container()],
                },
            },
        },
    }


def container() -> Object:
    """Return the operator's container."""
    return {
        "name": "operator",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "env": [
            # the kubelet must reach the probes, nobody else needs to: the pod's own address, not all of them
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "HYPERDRIVE_LISTEN", "value": "$(POD_IP):8080"},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        ],
        "ports": [{"name": "http", "containerPort": 8080}],
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": "http"},
            "initialDelaySeconds": 10,
            "periodSeconds": 10,
            "failureThreshold": 6,
        },
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
