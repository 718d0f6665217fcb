"""The demo as a person runs it, on the embedded cluster: to its end, interrupted anywhere, and with things failing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hyperdrive_demo.api import HYPERDRIVES, Api

SWEEP = """
apiVersion: hyperdrive.dev/v1alpha1
kind: HyperDrive
metadata: {name: tiny}
spec:
  objective: {primaryMetric: score, goal: Minimize}
  searchSpace: [{name: x, choice: {values: [3, 1, 2]}}]
  samplingAlgorithm: {type: Grid}
  limits: {maxTotalTrials: 3, maxConcurrentTrials: 3}
  trialTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: train
              image: localhost/hyperdrive-digits:1
              command: [python, -c, "COMMAND"]
"""
QUICK = "print('score=$(params.x)')"
ENDLESS = "import time; print('score=$(params.x)', flush=True); time.sleep(600)"


@contextmanager
def demo(folder: Path, command: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the demo in a session of its own, as a terminal would."""
    sweep = folder / "sweep.yaml"
    sweep.write_text(SWEEP.replace("COMMAND", command))
    arguments = ["--data-dir", str(folder / "data"), "--sweep", str(sweep), *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "hyperdrive_demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "KUBECONFIG": "/nowhere"},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if words in line:
            return lines
    raise AssertionError(f"no line with {words!r}:\n" + "\n".join(lines))


def family(pid: int) -> set[tuple[int, str]]:
    """Every process under one, with the moment of its start (numbers are used again)."""
    rows = [line.split(maxsplit=2) for line in ps().splitlines()]
    known, size = {pid}, 0
    while len(known) > size:
        size = len(known)
        known |= {int(row[0]) for row in rows if int(row[1]) in known}
    return {(int(row[0]), row[2]) for row in rows if int(row[0]) in known}


def ps() -> str:
    return subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,lstart="], capture_output=True, text=True, check=True
    ).stdout


def left_of(processes: set[tuple[int, str]], folder: Path) -> list[str]:
    """What is still there of these processes, or runs with this folder in its command line."""
    alive = {(int(row[0]), row[2]) for row in (line.split(maxsplit=2) for line in ps().splitlines())}
    commands = subprocess.run(
        ["ps", "-A", "-ww", "-o", "stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    named = [line for line in commands.splitlines() if str(folder) in line and not line.startswith("Z")]
    return [str(pid) for pid, _ in processes & alive] + named


def test_a_sweep_runs_to_its_best_trial(tmp_path: Path) -> None:
    with demo(tmp_path, QUICK) as process:
        lines = read_until(process, "best trial:")
        assert process.wait() == 0
        assert process.stdout
        assert process.stdout.read() == ""
    assert lines[-1] == "best trial: tiny-2 score=1 x=1"
    assert lines[0].startswith("embedded cluster started: ")
    for number in (1, 2, 3):
        assert sum(f"tiny-{number} succeeded: score=" in line for line in lines) == 1
    assert not any("\x1b" in line for line in lines)


STAGES = ["embedded cluster started", "CRDs installed", "operator started", "sweep tiny created", "tiny-1 runs"]


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_leaves_no_process_behind(stage: str, tmp_path: Path) -> None:
    with demo(tmp_path, ENDLESS) as process:
        read_until(process, stage)
        children = family(process.pid)
        assert len(left_of(children, tmp_path)) > 2
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout
        rest = process.stdout.read().splitlines()
        assert process.wait() == 130
    assert left_of(children, tmp_path) == []
    assert rest[-1] == "stopped; nothing is left running"
    assert sum("stopped" in line for line in rest) == 1
    assert not any("Traceback" in line for line in rest)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_other_end_leaves_a_process_behind(number: int, tmp_path: Path) -> None:
    with demo(tmp_path, ENDLESS) as process:
        read_until(process, "tiny-1 runs")
        children = family(process.pid)
        process.send_signal(number)
        assert process.wait() == (-number if number == signal.SIGKILL else 128 + number)
    while left_of(children, tmp_path):  # after SIGKILL nobody waits for them; the test's time limit does
        pass


def test_an_operator_that_dies_is_named_at_once_with_its_last_words(tmp_path: Path) -> None:
    with demo(tmp_path, ENDLESS) as process:
        read_until(process, "tiny-1 runs")
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True
        ).stdout
        (operator,) = [
            int(line.split()[0])
            for line in listed.splitlines()
            if "-m hyperdrive_operator" in line and str(tmp_path) in line and "tether" not in line
        ]
        os.kill(operator, signal.SIGKILL)
        lines = read_until(process, "last lines of")
        assert process.wait() == 1
    text = "\n".join(lines)
    assert "the demo failed while following the sweep tiny: the operator ended by itself with exit code 137" in text
    assert "Accepted=True" in text


def test_a_sweep_whose_trials_all_fail_is_a_failure_with_its_conditions(tmp_path: Path) -> None:
    with demo(tmp_path, "raise SystemExit(3)") as process:
        lines = read_until(process, "last lines of")
        assert process.wait() == 1
    assert any("tiny-1 failed:" in line for line in lines)
    assert any(line.startswith("  Failed=True") for line in lines)


def test_a_reader_that_goes_away_ends_the_demo_without_a_traceback(tmp_path: Path) -> None:
    with demo(tmp_path, QUICK) as process:
        read_until(process, "CRDs installed")
        children = family(process.pid)
        assert process.stdout
        process.stdout.close()
        assert process.wait() == 1
    assert left_of(children, tmp_path) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("kind: Job", "must hold a HyperDrive, not Job", id="another kind"),
        pytest.param("", "is empty: it must hold a HyperDrive", id="nothing"),
        pytest.param("kind: HyperDrive", "metadata.name is missing", id="no name"),
        pytest.param("{", "can't be read", id="no YAML"),
    ],
)
def test_a_file_that_is_no_sweep_is_refused_before_anything_starts(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with demo(tmp_path, QUICK, "--sweep", str(tmp_path / "bad.yaml")) as process:
        lines = read_until(process, "the demo failed while")
        assert process.wait() == 1
    assert problem in lines[-1]
    assert not (tmp_path / "data").exists()


def test_a_cluster_that_does_not_answer_is_refused_clearly(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: {}}],"
        " clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]}"
    )
    with demo(tmp_path, QUICK, "--kubeconfig", str(kubeconfig)) as process:
        lines = read_until(process, "the demo failed while")
        assert process.wait() == 1
    assert "reaching http://127.0.0.1:1: http://127.0.0.1:1 does not answer" in lines[-1]


def test_a_kubeconfig_that_is_none_is_refused_clearly(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("just text")
    with demo(tmp_path, QUICK, "--kubeconfig", str(tmp_path / "kubeconfig")) as process:
        lines = read_until(process, "the demo failed while")
        assert process.wait() == 1
    assert "is no usable kubeconfig" in lines[-1]


async def test_what_a_demo_left_is_served_again_until_ctrl_c(tmp_path: Path) -> None:
    with demo(tmp_path, QUICK) as process:
        read_until(process, "best trial:")
        assert process.wait() == 0
    with demo(tmp_path, QUICK, "--serve") as process:
        read_until(process, "kubectl get hd")
        api = await Api.connect(tmp_path / "data" / "kubeconfig", local=True)
        sweep = await api.get(HYPERDRIVES.format(namespace="default") + "/tiny")
        await api.close()
        assert sweep["status"]["bestTrial"]["name"] == "tiny-2"
        children = family(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    assert left_of(children, tmp_path) == []


async def test_on_a_given_cluster_an_earlier_sample_is_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "data" / "kubeconfig"
    path = HYPERDRIVES.format(namespace="default") + "/tiny"
    with demo(tmp_path, QUICK, "--keep") as cluster:
        read_until(cluster, "best trial:")
        api = await Api.connect(kubeconfig, local=True)
        first = await api.get(path)
        given = ("--kubeconfig", str(kubeconfig), "--data-dir", str(tmp_path / "other"))
        with demo(tmp_path, QUICK, *given) as process:
            assert read_until(process, "best trial:")[-1] == "best trial: tiny-2 score=1 x=1"
            assert process.wait() == 0
        second = await api.get(path)
        assert second["metadata"]["uid"] != first["metadata"]["uid"]
        await api.merge_patch(path, {"metadata": {"labels": None}})
        with demo(tmp_path, QUICK, *given) as process:
            lines = read_until(process, "the demo failed while creating the sweep tiny")
            assert process.wait() == 1
        assert "has a HyperDrive tiny that is not of the samples" in lines[-1]
        assert (await api.get(path))["metadata"]["uid"] == second["metadata"]["uid"]
        await api.close()
        cluster.send_signal(signal.SIGINT)
        assert cluster.wait() == 0


def test_a_second_demo_beside_one_that_runs_is_refused_and_does_it_no_harm(tmp_path: Path) -> None:
    with demo(tmp_path, QUICK, "--keep") as first:
        read_until(first, "best trial:")
        with demo(tmp_path, QUICK) as second:
            lines = read_until(second, "last lines of")
            assert second.stdout
            lines += second.stdout.read().splitlines()
            assert second.wait() == 1
        assert any("starting the embedded cluster" in line for line in lines)
        assert any("is used by another cluster" in line for line in lines), lines
        assert first.poll() is None
        first.send_signal(signal.SIGINT)
        assert first.wait() == 0
