"""manifests/kube-state-metrics: the sweeps' own numbers as metrics, by kube-state-metrics from their statuses.

The operator's own metrics tell the best value of a limited number of sweeps, and nothing else of a single one. Whoever
wants all of them, and more of each, gets it from the resource, at the price of some series a sweep.
"""

from typing import Any, Final, get_args

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1.status import State

Object = dict[str, Any]

#: What all names of these metrics begin with.
PREFIX: Final = "hyperdrive_sweep"


def state_metrics_values() -> Object:
    """Return values for kube-state-metrics' chart."""
    resource = {
        "groupVersionKind": {"group": names.GROUP, "version": names.VERSION, "kind": "HyperDrive"},
        "metricNamePrefix": PREFIX,
        "labelsFromPath": {"namespace": ["metadata", "namespace"], "sweep": ["metadata", "name"]},
        "metrics": list(_metrics()),
    }
    return {
        "rbac": {
            "extraRules": [
                {"apiGroups": [names.GROUP], "resources": ["hyperdrives"], "verbs": ["list", "watch"]},
                {
                    "apiGroups": ["apiextensions.k8s.io"],
                    "resources": ["customresourcedefinitions"],
                    "verbs": ["list", "watch"],
                },
            ]
        },
        "customResourceState": {
            "enabled": True,
            "config": {"kind": "CustomResourceStateMetrics", "spec": {"resources": [resource]}},
        },
    }


def _metrics() -> tuple[Object, ...]:
    return (
        _info(
            "info",
            "Always 1; what is sought is in the labels.",
            ["spec", "objective"],
            metric=["primaryMetric"],
            goal=["goal"],
        ),
        _gauge("best_value", "Best value of the primary metric so far.", ["status", "bestTrial", "value"]),
        _gauge("planned_trials", "Trials to run in all.", ["status", "trials", "planned"]),
        _gauge("created_trials", "Trials that have a record.", ["status", "trials", "created"]),
        _gauge("running_trials", "Trials whose pod runs.", ["status", "trials", "running"]),
        _gauge("failed_trials", "Trials without a usable result.", ["status", "trials", "failed"]),
        _gauge("start_time_seconds", "When the first trial was created.", ["status", "startTime"]),
        _gauge("completion_time_seconds", "When the sweep ended.", ["status", "completionTime"]),
        {
            "name": "state",
            "help": "1 for the state in which the sweep is, 0 for the others.",
            "each": {
                "type": "StateSet",
                "stateSet": {"labelName": "state", "path": ["status", "state"], "list": list(get_args(State))},
            },
        },
        {
            "name": "condition",
            "help": "1 for a condition that is true, 0 for others.",
            "each": {
                "type": "Gauge",
                "gauge": {
                    "path": ["status", "conditions"],
                    "labelsFromPath": {"type": ["type"], "reason": ["reason"]},
                    "valueFrom": ["status"],
                },
            },
        },
    )


def _gauge(name: str, about: str, path: list[str]) -> Object:
    return {"name": name, "help": about, "each": {"type": "Gauge", "gauge": {"path": path}}}


def _info(name: str, about: str, path: list[str], **labels: list[str]) -> Object:
    return {"name": name, "help": about, "each": {"type": "Info", "info": {"path": path, "labelsFromPath": labels}}}
