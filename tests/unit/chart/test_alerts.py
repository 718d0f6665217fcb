"""Each alert as Prometheus itself evaluates it, over minutes that promtool plays: when it fires, and when not."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).parents[3] / "charts" / "hyperdrive-operator" / "files" / "rules.yaml"
PROMTOOL = shutil.which("promtool")
Series = Mapping[str, str]

#: Two replicas at work, in promtool's notation: a value a minute, for an hour. Some requests end in conflicts, some are
#: not answered, a pass has failed, and many sweeps have waited for a minute.
HEALTHY: Series = {
    'hyperdrive_leader{pod="a"}': "1x60",
    'hyperdrive_leader{pod="b"}': "0x60",
    'hyperdrive_sweeps_stalled{pod="a"}': "0x60",
    'hyperdrive_queue_depth{pod="a"}': "3 40 0 0 12 0x55",
    'hyperdrive_reconciles_total{pod="a",result="ok"}': "0+90x60",
    'hyperdrive_reconciles_total{pod="a",result="error"}': "0x20 1x39",
    'hyperdrive_reconciles_total{pod="a",result="bug"}': "0x60",
    'hyperdrive_api_requests_total{pod="a",verb="create",resource="jobs",code="201"}': "0+60x60",
    'hyperdrive_api_requests_total{pod="a",verb="patch",resource="hyperdrives",code="409"}': "0+2x60",
    'hyperdrive_api_requests_total{pod="a",verb="create",resource="jobs",code="503"}': "0x10 4x49",
    'hyperdrive_next_trial_seconds_sum{pod="a"}': "0+20x60",
    'hyperdrive_next_trial_seconds_count{pod="a"}': "0+10x60",
}


@dataclass(frozen=True)
class Case:
    """What happens in place of the healthy series, when it has not fired yet, and when it has."""

    alert: str
    happens: Series
    not_yet: str
    by_then: str
    labels: str = ""
    severity: str = "warning"


#: Each begins at the 10th minute.
CASES = [
    Case(
        "HyperDriveNoLeader",
        {'hyperdrive_leader{pod="a"}': "1x10 0x50"},
        not_yet="12m",
        by_then="14m",
        severity="critical",
    ),
    Case(
        "HyperDriveNoLeader",
        {'hyperdrive_leader{pod="a"}': "1x10 stale", 'hyperdrive_leader{pod="b"}': "0x10 stale"},
        not_yet="12m",
        by_then="14m",
        severity="critical",
    ),
    Case("HyperDriveSweepStalled", {'hyperdrive_sweeps_stalled{pod="a"}': "0x10 2x50"}, not_yet="25m", by_then="27m"),
    Case(
        "HyperDriveBug",
        {'hyperdrive_reconciles_total{pod="a",result="bug"}': "0x10 1x50"},
        not_yet="10m",
        by_then="12m",
    ),
    Case(
        "HyperDriveApiRequestsRefused",
        {'hyperdrive_api_requests_total{pod="a",verb="create",resource="jobs",code="403"}': "_x10 1+1x50"},
        not_yet="15m",
        by_then="19m",
        labels=',resource="jobs",verb="create"',
    ),
    Case(
        "HyperDriveApiServerUnwell",
        {'hyperdrive_api_requests_total{pod="a",verb="list",resource="pods",code="0"}': "0x10 0+30x50"},
        not_yet="20m",
        by_then="25m",
    ),
    Case("HyperDriveQueueGrows", {'hyperdrive_queue_depth{pod="a"}': "0x10 70x50"}, not_yet="20m", by_then="22m"),
    Case(
        "HyperDriveTrialsStartLate",
        {'hyperdrive_next_trial_seconds_sum{pod="a"}': "0+20x10 200+900x50"},
        not_yet="20m",
        by_then="40m",
    ),
]

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="NOT CHECKED: the alerts, since there is no promtool on PATH"
)


def played(folder: Path, series: Series, **expected: list[str]) -> subprocess.CompletedProcess[str]:
    """Let promtool play series; `expected` are the alerts that fire, by the time as in `at_14m`."""
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": at.removeprefix("at_"),
                "exp_samples": [{"labels": labels, "value": 1} for labels in firing],
            }
            for at, firing in expected.items()
        ],
    }
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    command = [str(PROMTOOL), "test", "rules", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@needs_promtool
def test_nothing_fires_while_all_is_well(tmp_path: Path) -> None:
    done = played(tmp_path, HEALTHY, at_1m=[], at_15m=[], at_30m=[], at_60m=[])
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("case", CASES, ids=[f"{case.alert}-{number}" for number, case in enumerate(CASES)])
def test_an_alert_fires_for_its_cause_and_alone(case: Case, tmp_path: Path) -> None:
    labels = f'ALERTS{{alertname="{case.alert}",alertstate="firing",severity="{case.severity}"{case.labels}}}'
    expected = {f"at_{case.not_yet}": [], f"at_{case.by_then}": [labels]}
    done = played(tmp_path, {**HEALTHY, **case.happens}, **expected)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_its_case() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    assert {rule["alert"] for group in groups for rule in group["rules"]} == {case.alert for case in CASES}
