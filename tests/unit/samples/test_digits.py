"""The digits sample: it trains, its parameters matter, and its manifests and image say what they should."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

SAMPLE = Path(__file__).parents[3] / "manifests" / "samples" / "digits"
REPORT = re.compile(r"epoch=(\d+) loss=(\S+) accuracy=(\S+)")


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SAMPLE / "train.py", *arguments],
        env={"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def accuracies(result: subprocess.CompletedProcess[str]) -> list[float]:
    assert result.returncode == 0, result.stderr
    reports = [REPORT.fullmatch(line) for line in result.stdout.splitlines()]
    assert all(reports), result.stdout
    return [float(report[3]) for report in reports if report]


def test_accuracy_depends_on_the_parameters_and_is_the_same_again() -> None:
    good = train("--learning-rate=0.05", "--batch-size=32", "--hidden-units=32", "--epochs=5")
    slow = train("--learning-rate=0.0001", "--batch-size=128", "--hidden-units=8", "--epochs=5")
    assert len(accuracies(good)) == 5
    assert accuracies(good)[-1] > 0.9
    assert accuracies(slow)[-1] < 0.3
    assert train("--learning-rate=0.05", "--batch-size=32", "--hidden-units=32", "--epochs=5").stdout == good.stdout


def test_a_learning_rate_that_diverges_ends_with_the_cause() -> None:
    result = train("--learning-rate=10", "--batch-size=16")
    assert result.returncode == 1
    assert "a smaller --learning-rate may help" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("argument", "fix"),
    [
        ("--learning-rate=0", "--learning-rate: 0 is not above 0 and at most 10"),
        ("--learning-rate=nan", "--learning-rate: nan is not above 0 and at most 10"),
        ("--batch-size=0", "--batch-size: 0 is not at least 1"),
        ("--hidden-units=many", "--hidden-units: invalid count value: 'many'"),
    ],
)
def test_a_value_that_cannot_train_is_refused_with_its_option(argument: str, fix: str) -> None:
    result = train(argument)
    assert result.returncode == 2
    assert fix in result.stderr


def manifest(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((SAMPLE / name).read_text())
    return document


@pytest.mark.parametrize("name", ["sweep.yaml", "digits-grid.yaml", "digits-bayesian.yaml"])
def test_each_manifest_names_options_that_the_script_has_and_runs_restricted(name: str) -> None:
    spec = manifest(name)["spec"]
    pod = spec["trialTemplate"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    parameters = [item["name"] for item in spec["searchSpace"]]
    assert container["args"] == [f"--{parameter}=$(params.{parameter})" for parameter in parameters]
    options = (SAMPLE / "train.py").read_text()
    assert all(f'"--{parameter}"' in options for parameter in parameters)
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_the_sweep_is_of_the_size_that_the_demo_promises() -> None:
    limits = manifest("sweep.yaml")["spec"]["limits"]
    assert limits["maxTotalTrials"] >= 12
    assert limits["maxConcurrentTrials"] >= 3


def test_the_image_runs_as_a_user_whose_number_shows_that_it_is_not_root() -> None:
    instructions = (SAMPLE / "Dockerfile").read_text().splitlines()
    (user,) = [line.split()[1] for line in instructions if line.startswith("USER")]
    assert int(user) > 0
