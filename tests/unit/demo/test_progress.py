"""What a person sees while a sweep runs."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hyperdrive_demo.board import Board
from hyperdrive_demo.output import Output, OutputGoneError
from hyperdrive_demo.picture import save_picture
from hyperdrive_demo.progress import Moment, changes, screen

from .boards import best, board, hyperdrive, trial

STALLED = {"type": "Stalled", "status": "True", "reason": "PodWaiting", "message": "digits-1 can't pull its image"}


def seen(shown: Board, *, rows: int = 20, seconds: float = 3) -> str:
    console = Console(file=StringIO(), width=100, color_system=None)
    with console.capture() as captured:
        console.print(screen(shown, seconds, rows=rows))
    return captured.get()


def test_the_screen_shows_trials_their_parameters_and_the_best_so_far() -> None:
    shown = board(
        hyperdrive(state="Running", bestTrial=best(1, 0.96938), trials={"planned": 3, "running": 1}),
        trial(1, "Succeeded", 0.96938),
        trial(2, "Failed"),
        trial(3, "Running"),
    )
    lines = [line.split() for line in seen(shown).splitlines()]
    assert lines[0] == ["TRIAL", "STATE", "ACCURACY", "LEARNING-RATE", "BATCH-SIZE"]
    assert lines[1] == ["digits-1", "Succeeded", "0.9694", "0.03123", "32"]
    assert lines[3] == ["digits-3", "Running", "0.03123", "32"]
    for words in ("2/3 finished", "1 running", "1 failed", "best 0.9694 (digits-1)", "3 s"):
        assert words in seen(shown)


def test_a_screen_too_small_for_all_trials_keeps_the_latest_and_says_so() -> None:
    shown = board(hyperdrive(state="Running"), *(trial(number, "Succeeded", 0.5) for number in range(1, 8)))
    text = seen(shown, rows=3)
    assert "digits-7" in text
    assert "digits-4 " not in text
    assert "4 earlier trials are not shown" in text


def test_while_nothing_moves_it_says_why() -> None:
    assert "can't pull its image" in seen(board(hyperdrive(state="Running", conditions=[STALLED])))
    assert "has not picked up the sweep" in seen(board(hyperdrive()), seconds=11)
    assert "has not picked up the sweep" not in seen(board(hyperdrive()), seconds=9)


def test_markup_in_a_name_or_message_is_shown_as_it_is() -> None:
    message = "field [bold]spec[/bold] is wrong"
    assert message in seen(board(hyperdrive(state="Running", conditions=[{**STALLED, "message": message}])))


def test_trials_that_were_stopped_count_as_finished() -> None:
    text = seen(board(hyperdrive(state="Running"), trial(1, "EarlyStopped", 0.5), trial(2, "Succeeded", 0.9)))
    assert "2/3 finished" in text
    assert "1 stopped early" in text


def lines(before: Board | None, after: Board) -> list[str]:
    return changes(Moment(before, 1) if before else None, Moment(after, 2))


def test_each_change_is_one_line() -> None:
    empty, running = board(hyperdrive()), board(hyperdrive(), trial(1, "Running"))
    assert lines(None, empty) == []
    assert lines(empty, running) == ["digits-1 runs: learning-rate=0.03123 batch-size=32"]
    assert lines(running, running) == []
    done = board(hyperdrive(), trial(1, "Succeeded", 0.5))
    assert lines(running, done) == ["digits-1 succeeded: accuracy=0.5 (1/3)"]
    failed = board(hyperdrive(), trial(1, "Failed", message="exit code 2"))
    assert lines(running, failed) == ["digits-1 failed: exit code 2 (1/3)"]
    stopped = board(hyperdrive(), trial(1, "EarlyStopped", 0.5, message="too low"))
    assert lines(running, stopped) == ["digits-1 stopped early: accuracy=0.5; too low (1/3)"]


def test_a_reason_to_wait_is_one_line_for_as_long_as_it_holds() -> None:
    fine, stalled = board(hyperdrive(state="Running")), board(hyperdrive(state="Running", conditions=[STALLED]))
    assert lines(fine, stalled) == ["stalled: digits-1 can't pull its image"]
    assert lines(stalled, stalled) == []


def test_an_operator_that_does_nothing_is_named_once_as_time_alone_passes() -> None:
    stream, now = StringIO(), 100.0
    output = Output(stream, clock=lambda: now)
    output.begin()
    output.show(board(hyperdrive()))
    assert stream.getvalue() == ""
    for now in (111, 112, 113):  # noqa: B007 - the clock reads it
        output.redraw()
    assert stream.getvalue().count("has not picked up the sweep") == 1


def test_reasons_to_wait_that_alternate_are_each_said_once() -> None:
    stream = StringIO()
    output = Output(stream)
    output.begin()
    for message in ["ErrImagePull", "ImagePullBackOff"] * 3:
        output.show(board(hyperdrive(state="Running", conditions=[{**STALLED, "message": message}])))
    assert stream.getvalue().count("stalled:") == 2


def test_without_a_terminal_there_is_no_escape_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = StringIO()
    output = Output(stream)
    output.begin()
    output.show(board(hyperdrive(), trial(1, "Running")))
    output.redraw()
    output.end()
    assert "digits-1 runs" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_reader_that_has_gone_is_told_apart_from_other_failures() -> None:
    class Gone(StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    with pytest.raises(OutputGoneError):
        Output(Gone()).say("anybody?")


def test_the_picture_holds_what_was_shown_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    save_picture(
        tmp_path / "images" / "demo.svg", "make demo", ["CRDs installed", screen(board(hyperdrive()), 1, rows=9)]
    )
    svg = (tmp_path / "images" / "demo.svg").read_text()
    assert "make&#160;demo" in svg
    assert "CRDs&#160;installed" in svg
    assert "0/3&#160;finished" in svg
    assert "url(http" not in svg
