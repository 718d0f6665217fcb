"""What kube-state-metrics makes of sweeps: each path leads to a field of the CRD."""

from collections.abc import Sequence
from typing import Any

import pytest

from hyperdrive_operator.api.schema import custom_resource_definitions
from hyperdrive_operator.tools.state_metrics import state_metrics_values

(RESOURCE,) = state_metrics_values()["customResourceState"]["config"]["spec"]["resources"]
METRICS = RESOURCE["metrics"]


def field(path: Sequence[str], schema: Any = None) -> Any:
    """Return the schema of a field of a HyperDrive. Raises KeyError where there is none."""
    schema = schema or custom_resource_definitions()[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in path:
        schema = (schema.get("items") or schema)["properties"][part]
    return schema


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric["name"])
def test_each_metric_is_of_fields_that_there_are(metric: Any) -> None:
    kind = metric["each"]["type"]
    (each,) = [value for key, value in metric["each"].items() if key != "type"]
    at = field(each["path"])
    for path in each.get("labelsFromPath", {}).values():
        assert field(path, at)["type"] == "string"
    if kind == "StateSet":
        assert each["list"] == at["enum"]
    if kind == "Gauge":  # a number, a date, or the status of a condition
        value = field(each.get("valueFrom", []), at)
        is_readable = value["type"] in {"number", "integer"} or value.get("format") == "date-time"
        assert is_readable or set(value["enum"]) <= {"True", "False", "Unknown"}
