"""The command line: one call is one report, and the calls of a container are counted."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hyperdrive import command
from hyperdrive.journal import BURST, Journal
from hyperdrive.settings import Settings

from .api_server import ApiServer
from .scripts import environ_of

Call = Callable[..., int]


@pytest.fixture
def call(api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command line in this process, as the script of a trial's container does."""
    for name, value in api.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return lambda *arguments: command.main(["report", *arguments])


def intervals(api: ApiServer) -> list[int]:
    return [api.next().curve["interval"][-1] for _ in range(api.seen.qsize())]


def test_each_call_is_one_report_and_they_add_up(call: Call, api: ApiServer) -> None:
    for n in range(1, 4):
        assert call(f"accuracy=0.{n}", "loss=1", "--step", str(n)) == 0
    assert [api.next().curve["interval"] for _ in range(3)] == [[1], [1, 2], [1, 2, 3]]


def test_calls_at_the_same_time_lose_nothing_and_the_newest_state_is_written_last(
    api: ApiServer, tmp_path: Path
) -> None:
    environ = environ_of(api, TMPDIR=str(tmp_path))
    calls = [[sys.executable, "-m", "hyperdrive", "report", f"accuracy={n}"] for n in range(8)]
    with ThreadPoolExecutor(4) as together:
        for done in together.map(lambda one: subprocess.run(one, env=environ, capture_output=True, check=False), calls):
            assert (done.returncode, done.stderr) == (0, b"")
    assert intervals(api)[-1] == 8


def test_the_console_script_is_the_same_command(call: Call, api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["hyperdrive-report", "accuracy=0.5"])
    assert command.report_main() == 0
    assert api.next().metrics == {"accuracy": 0.5}


@pytest.mark.parametrize("arguments", [[], ["accuracy"], ["=1"], ["accuracy=1", "--step", "x"]])
def test_a_call_that_names_no_metric_is_refused_with_the_usage(
    call: Call, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        call(*arguments)
    assert exit_.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["nan", "inf", "high", "", "1e999"])
def test_a_value_that_is_no_finite_number_is_dropped_with_a_line(
    call: Call, api: ApiServer, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    assert call(f"accuracy={value}", "loss=1") == 0
    assert api.next().metrics == {"loss": 1.0}
    assert "no finite number" in capsys.readouterr().err


def test_a_refusal_ends_no_script_and_the_next_calls_wait_with_their_reports(
    call: Call, api: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    api.status = 403
    assert [call("accuracy=1"), call("accuracy=2")] == [0, 0]
    assert intervals(api) == [1]  # the second call does not ask again so soon
    assert len(capsys.readouterr().err.splitlines()) == 1
    api.status = 200
    assert call("accuracy=3", "--now") == 0
    assert intervals(api) == [3]


def test_many_calls_in_quick_succession_are_bounded_and_the_last_can_be_sent(call: Call, api: ApiServer) -> None:
    for _ in range(int(BURST) + 20):
        call("accuracy=1")
    assert BURST <= len(intervals(api)) < BURST + 10
    call("accuracy=1", "--now")
    assert intervals(api) == [int(BURST) + 21]


def test_outside_of_a_trial_nothing_happens(call: Call, api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYPERDRIVE_TRIAL")
    assert call("accuracy=1") == 0
    assert api.seen.empty()


def test_a_file_that_is_cut_off_is_begun_anew(call: Call, api: ApiServer, tmp_path: Path) -> None:
    call("accuracy=1")
    (file,) = tmp_path.glob("hyperdrive-*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(file.read_text()[:40])
    assert call("accuracy=2") == 0
    assert intervals(api) == [1, 1]


def test_a_link_in_place_of_the_file_is_not_followed(
    call: Call, api: ApiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "hyperdrive-digits-7.new").symlink_to(target)
    assert call("accuracy=1") == 0
    assert target.read_text() == "precious"
    assert "not counted" in capsys.readouterr().err
    assert api.next().metrics == {"accuracy": 1.0}


def test_where_there_is_no_place_for_the_count_the_last_values_are_written_all_the_same(
    call: Call, api: ApiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert call("accuracy=1") == 0
    assert list(api.next().body["metadata"]["annotations"]) == ["hyperdrive.dev/metrics"]
    assert "give the container a /tmp" in capsys.readouterr().err


def test_jobs_of_the_same_name_do_not_share_a_count(tmp_path: Path) -> None:
    for uid in ("a", "b"):
        Journal(Settings(trial="t", job_uid=uid, primary_metric="x"), tmp_path).add(({"x": 1.0}, None))
    kept = [json.loads(path.read_text())["summary"]["reports"] for path in tmp_path.glob("*.json")]
    assert kept == [1, 1]


def test_reports_are_printed_where_that_is_asked_for(
    call: Call, api: ApiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYPERDRIVE_PRINT", "1")
    call("accuracy=0.5", "--step", "2")
    assert capsys.readouterr().out == "step=2 accuracy=0.5\n"
    assert os.environ["HYPERDRIVE_TRIAL"] == "digits-7"
