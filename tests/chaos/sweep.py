"""The sweep that goes through all this. Its metric is computed from the parameters, so that the truth is known."""

from dataclasses import dataclass
from typing import Any

from hyperdrive_operator.api import names

from .server import Object

NAME = "survivor"
#: Both clusters have it.
IMAGE = "python:3.12-slim"
#: Where the metric has its top.
TOP = 5


@dataclass(frozen=True)
class Plan:
    """How large the sweep is."""

    total: int = 20
    at_once: int = 3
    #: How long a trial's script runs.
    seconds: float = 1.0

    @property
    def expected(self) -> dict[str, Any]:
        """The parameter of each trial: in a grid the n-th has the n-th value."""
        return {f"{NAME}-{number}": number - 1 for number in range(1, self.total + 1)}


def score(x: int) -> int:
    """Return what the script prints."""
    return 100 - (x - TOP) ** 2


def manifest(plan: Plan, namespace: str, **limits: Any) -> Object:
    """Build the HyperDrive."""
    script = f"import time; time.sleep({plan.seconds}); x = $(params.x); print(f'score={{100 - (x - {TOP}) ** 2}}')"
    container = {
        "name": "train",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-S", "-c", script],
    }
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    return {
        "apiVersion": names.API_VERSION,
        "kind": "HyperDrive",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {
            "objective": {"primaryMetric": "score", "goal": "Maximize"},
            "searchSpace": [{"name": "x", "randint": {"lower": 0, "upper": plan.total}}],
            "samplingAlgorithm": {"type": "Grid"},
            "limits": {"maxTotalTrials": plan.total, "maxConcurrentTrials": plan.at_once, **limits},
            "trialTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": pod}}},
        },
    }
