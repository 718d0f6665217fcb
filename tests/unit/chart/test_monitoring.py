"""Alerts and dashboard speak of metrics that the operator has, with labels that they have."""

import json
import re
from pathlib import Path

import pytest
import yaml
from tests.support.builders import sweep

from hyperdrive_operator.runtime.telemetry import Telemetry
from hyperdrive_operator.tools.state_metrics import PREFIX, state_metrics_values

ROOT = Path(__file__).parents[3]
FILES = ROOT / "charts" / "hyperdrive-operator" / "files"
SERIES = re.compile(r"\b((?:hyperdrive|process)_\w+)(?:\{([^}]*)\})?")


def served() -> dict[str, set[str]]:
    """Return the names of all series that /metrics shows, with the labels of each."""
    telemetry = Telemetry()
    telemetry.request("create", "jobs", 201, 0.1)
    telemetry.reconciled("ok", 0.1)
    telemetry.sweeps({"Running": 1})
    telemetry.trials({"running": 1})
    telemetry.trial_ended("Succeeded")
    telemetry.proposed("Bayesian", "ok", 0.1)
    telemetry.reported("Log", 1)
    telemetry.best_values([sweep(status={"bestTrial": {"value": 0.5}})])
    found: dict[str, set[str]] = {}
    for line in telemetry.render().decode().splitlines():
        if not line.startswith("#") and (match := SERIES.match(line)):
            found.setdefault(match[1], set()).update(_labels(match[2]))
    return found


def state_metrics() -> dict[str, set[str]]:
    """Return the metrics that kube-state-metrics makes of sweeps, with the labels of each."""
    (resource,) = state_metrics_values()["customResourceState"]["config"]["spec"]["resources"]
    found = {}
    for metric in resource["metrics"]:
        (each,) = [value for key, value in metric["each"].items() if key != "type"]
        labels = {*resource["labelsFromPath"], *each.get("labelsFromPath", {}), *filter(None, [each.get("labelName")])}
        found[f"{PREFIX}_{metric['name']}"] = labels
    return found


def expressions() -> list[str]:
    """Return every query of the alerts and the dashboard."""
    groups = yaml.safe_load((FILES / "rules.yaml").read_text(encoding="utf-8"))["groups"]
    panels = json.loads((FILES / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    alerts = [rule["expr"] for group in groups for rule in group["rules"]]
    return alerts + [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.parametrize("expression", expressions())
def test_a_query_asks_for_what_is_served(expression: str) -> None:
    ours, others = served(), state_metrics()
    known = {name: ours.get(name, set()) | others.get(name, set()) for name in ours.keys() | others.keys()}
    asked = SERIES.findall(expression)
    assert asked
    for name, selector in asked:
        assert name in known, f"there is no metric {name}"
        assert _labels(selector) - {"job"} <= known[name]  # `job` is the scraper's
    for names in re.findall(r"by \(([^)]*)\)", expression):
        labels = {label.strip() for label in names.split(",")}
        assert any(labels <= known[name] for name, _ in asked), f"no metric of it has the labels {labels}"


def test_the_page_names_every_metric_with_its_labels() -> None:
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    ours, others = page.split("\n### From kube-state-metrics")
    names = {re.sub(r"_(bucket|count|sum)$", "", name): labels - {"le"} for name, labels in served().items()}
    expected = {name: labels for name, labels in names.items() if name.startswith("hyperdrive_")}
    assert _documented(ours) == {name: labels for name, labels in expected.items() if not name.endswith("_created")}
    said_of_all = {"namespace", "sweep"}
    assert _documented(others) == {name: labels - said_of_all for name, labels in state_metrics().items()}


def test_a_variable_of_the_dashboard_is_there_and_asks_for_what_is_served() -> None:
    dashboard = json.loads((FILES / "dashboard.json").read_text(encoding="utf-8"))
    variables = {one["name"]: one["query"] for one in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard["panels"])))
    assert used == variables.keys()
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variables["namespace"]).groups()  # type: ignore[union-attr]
    assert label in served()[metric]


def _documented(page: str) -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(hyperdrive_\w+)` \| ([^|]*)\|", page, re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def _labels(selector: str | None) -> set[str]:
    return set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", selector or ""))
