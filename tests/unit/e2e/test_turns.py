"""How the processes of an end-to-end run share one cluster."""

import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.e2e.shared import Shared

PROCESSES = 4


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    return Shared(tmp_path)


def _is_free(shared: Shared, how: int) -> bool:
    with (shared.folder / "turn.lock").open("w") as file:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_turns_go_side_by_side_and_one_that_is_alone_waits_for_them(shared: Shared) -> None:
    with ExitStack() as turns:
        turns.enter_context(shared.turn(alone=False))
        turns.enter_context(shared.turn(alone=False))
        assert _is_free(shared, fcntl.LOCK_SH)
        assert not _is_free(shared, fcntl.LOCK_EX)
    with shared.turn(alone=True):
        assert not _is_free(shared, fcntl.LOCK_SH)
    assert _is_free(shared, fcntl.LOCK_EX)


def test_what_all_need_is_made_once_and_read_by_the_others(shared: Shared) -> None:
    values: Iterator[int] = iter(range(PROCESSES))
    with ThreadPoolExecutor(PROCESSES) as processes:
        got = list(processes.map(lambda _: shared.once("operator", lambda: {"number": next(values)}), range(PROCESSES)))
    assert got == [{"number": 0}] * PROCESSES


def test_what_failed_is_tried_again_by_the_next(shared: Shared) -> None:
    with pytest.raises(ZeroDivisionError):
        shared.once("images", lambda: 1 // 0)
    assert not shared.has("images")
    assert shared.once("images", lambda: "built") == "built"


def test_a_note_that_all_processes_take_is_shown_once(shared: Shared) -> None:
    assert shared.notes() == []
    for line in ("SKIPPED", "measured", "SKIPPED"):
        shared.note(line)
    assert shared.notes() == ["SKIPPED", "measured"]
