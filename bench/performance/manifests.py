"""Sweeps whose trials cost nothing: each Job comes with its metric in the annotation, and its pod only passes time."""

from typing import Any

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import HYPERDRIVES, Kind

NAMESPACES = Kind("", "v1", "namespaces", "Namespace", namespaced=False)


def job_spec(run_for: str) -> dict[str, Any]:
    """Return a Job whose simulated pod runs for so long."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "train", "image": "none", "command": ["none"]}]}
    return {"backoffLimit": 0, "template": {"metadata": {"annotations": {"simulated/run-for": run_for}}, "spec": pod}}


def sweep(name: str, run_for: str, trials: int, parallel: int) -> dict[str, Any]:
    """Return a HyperDrive of so many such trials, so many at once."""
    return {
        "apiVersion": HYPERDRIVES.api_version,
        "kind": HYPERDRIVES.kind,
        "metadata": {"name": name},
        "spec": {
            "objective": {"primaryMetric": "score", "goal": "Maximize"},
            "searchSpace": [{"name": "x", "uniform": {"min": 0, "max": 1}}],
            "samplingAlgorithm": {"type": "Random", "seed": 1},
            "limits": {"maxTotalTrials": trials, "maxConcurrentTrials": parallel},
            "metrics": {"source": "Annotation"},
            "trialTemplate": {
                "metadata": {"annotations": {"hyperdrive.dev/metrics": '{"score": $(params.x)}'}},
                "spec": job_spec(run_for),
            },
        },
    }


async def fresh_namespace(client: KubeClient, prefix: str) -> str:
    """Create a namespace of its own, with its service account, and return its name."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": f"{prefix}-"}}
    return str((await client.create(NAMESPACES, "", body))["metadata"]["name"])
