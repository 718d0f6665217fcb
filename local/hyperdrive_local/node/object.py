"""The Node object."""

import platform
from collections.abc import Mapping

from hyperdrive_local.objects import Object
from hyperdrive_local.times import now, to_text

NODE_NAME = "local"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Kubernetes names them
KUBERNETES = "v1.36.0"  # the version whose behaviour is followed


def node_object(allocatable: Mapping[str, str]) -> Object:
    """The node as it is registered: ready, and as large as the machine."""
    system, machine = platform.system().lower(), platform.machine().lower()
    architecture = ARCHITECTURES.get(machine, machine)
    labels = {
        "kubernetes.io/hostname": NODE_NAME,
        "kubernetes.io/os": system,
        "kubernetes.io/arch": architecture,
    }
    moment = to_text(now())
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "this process runs pods",
        "lastHeartbeatTime": moment,
        "lastTransitionTime": moment,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE_NAME, "labels": labels},
        "spec": {},
        "status": {
            "capacity": dict(allocatable),
            "allocatable": dict(allocatable),
            "conditions": [ready],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": NODE_NAME}],
            "nodeInfo": {
                "architecture": architecture,
                "operatingSystem": system,
                "osImage": f"{platform.system()} {platform.release()}",
                "kernelVersion": platform.release(),
                "containerRuntimeVersion": f"processes://{platform.python_version()}",
                "kubeletVersion": KUBERNETES,
                "kubeProxyVersion": "",
                "bootID": "",
                "machineID": "",
                "systemUUID": "",
            },
        },
    }
