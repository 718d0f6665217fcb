"""The digits sample: it trains, its parameters matter, and its image says what it should."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

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


def test_a_value_that_cannot_train_ends_the_script() -> None:
    result = train("--learning-rate=0")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script, in this process: a process of its own takes a second to import what it needs."""
    spec = importlib.util.spec_from_file_location("train", SAMPLE / "train.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("argument", "fix"),
    [
        ("--learning-rate=0", "--learning-rate: 0 is not above 0 and at most 10"),
        ("--learning-rate=nan", "--learning-rate: nan is not above 0 and at most 10"),
        ("--batch-size=0", "--batch-size: 0 is not at least 1"),
        ("--hidden-units=many", "--hidden-units: invalid count value: 'many'"),
        ("--layers=[64,0]", "--layers: [64,0] is no list of numbers of neurons"),
        ("--layers=[]", "--layers: [] is no list of numbers of neurons"),
        ("--momentum=1.5", "--momentum: 1.5 is not from 0 to 1"),
        ("--noise=nan", "--noise: nan is not from 0 to 10"),
        ("--nesterov=1", "--nesterov: 1 is neither true nor false"),
        ("--optimizer=adam", "--optimizer: invalid mapping value: 'adam'"),
        ("--optimizer=[1]", "--optimizer: [1] is no JSON object"),
        ('--optimizer={"solver":"newton"}', "--solver: invalid choice: 'newton'"),
        ('--optimizer={"beta":1}', "unrecognized arguments: --beta=1"),
    ],
)
def test_a_value_that_cannot_train_is_refused_with_its_option(
    argument: str, fix: str, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        script.parse([argument])
    assert fix in capsys.readouterr().err


def two_epochs(script: ModuleType, *arguments: str) -> list[tuple[float, float]]:
    return list(script.train(script.parse(["--epochs=2", *arguments])))


@pytest.mark.parametrize(
    "option",
    [
        "--learning-rate=0.1",
        "--batch-size=64",
        "--hidden-units=16",
        "--hidden-layers=2",
        "--layers=[64,16]",
        "--activation=tanh",
        "--solver=adam",
        "--momentum=0.5",
        "--nesterov=false",
        "--schedule=invscaling",
        '--optimizer={"momentum":0.5,"nesterov":false}',
        "--alpha=1",
        "--noise=0.3",
        "--seed=1",
    ],
)
def test_every_option_makes_a_difference(option: str, script: ModuleType) -> None:
    assert two_epochs(script, option) != two_epochs(script)


def test_what_belongs_together_can_be_given_as_one_object(script: ModuleType) -> None:
    apart = two_epochs(script, "--schedule=invscaling", "--power-t=0.2", "--momentum=0.5")
    together = two_epochs(script, '--optimizer={"schedule":"invscaling","power-t":0.2,"momentum":0.5}')
    assert apart == together != two_epochs(script, "--schedule=invscaling", "--momentum=0.5")


def test_the_sweep_is_of_the_size_that_the_demo_promises() -> None:
    limits = yaml.safe_load((SAMPLE / "sweep.yaml").read_text())["spec"]["limits"]
    assert limits["maxTotalTrials"] >= 12
    assert limits["maxConcurrentTrials"] >= 3


def test_the_image_runs_as_a_user_whose_number_shows_that_it_is_not_root() -> None:
    instructions = (SAMPLE / "Dockerfile").read_text().splitlines()
    (user,) = [line.split()[1] for line in instructions if line.startswith("USER")]
    assert int(user) > 0
