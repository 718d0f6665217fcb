"""The operator's image by itself, and as the chart runs it."""

from .installation import Images, Installation
from .kubectl import Kubectl


def test_the_image_runs_without_root_and_writes_nothing(namespace: Kubectl, built: Images) -> None:
    """No user is given: the kubelet refuses the image if its own user is root or just a name."""
    container = {
        "name": "version",
        "image": built.operator,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--version"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "version"},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
        },
    }
    namespace.apply(pod)
    namespace.wait("pod/version", "jsonpath={.status.phase}=Succeeded")
    assert namespace("logs", "version").startswith("hyperdrive-operator ")


def test_the_operator_runs_under_the_restricted_pod_security_standard(installation: Installation) -> None:
    namespace = Kubectl().get("namespace", installation.kubectl.namespace)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = installation.ready_pod()
    assert pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
