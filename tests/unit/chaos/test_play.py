"""Rounds of the chaos suite that end otherwise than they should: the rounds after them are played."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.chaos import play as plays
from tests.chaos.faults import FAULTS
from tests.chaos.server import RefusedError
from tests.chaos.world import World


async def problems(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, within: Exception | None, teardown: Exception | None
) -> list[str]:
    """Play a round that fails so, on a stage that is taken down so."""

    @asynccontextmanager
    async def staged(*_: Any, **__: Any) -> AsyncIterator[None]:
        try:
            yield
        finally:
            if teardown is not None:
                raise teardown

    async def tell(*_: Any) -> None:
        if within is not None:
            raise within

    monkeypatch.setattr(plays, "staged", staged)
    monkeypatch.setattr(plays, "_tell", tell)
    nowhere: Any = None
    world = World(nowhere, nowhere, is_real=False)
    return (await plays.play(world, FAULTS[0], seed=1, folder=folder, is_brief=True)).problems


ERRORS = [aiohttp.ClientError("broken off"), TimeoutError("too late"), RefusedError(500, "no"), AssertionError("wrong")]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
async def test_a_round_that_ends_in_an_error_does_not_end_the_rounds_after_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    assert await problems(monkeypatch, tmp_path, within=error, teardown=None) == [str(error)]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
async def test_what_was_wrong_in_a_round_is_told_though_its_stage_can_not_be_taken_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    wrong = AssertionError("a trial ran twice")
    assert await problems(monkeypatch, tmp_path, within=wrong, teardown=error) == ["a trial ran twice", str(error)]


async def test_an_error_without_a_text_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert await problems(monkeypatch, tmp_path, within=None, teardown=TimeoutError()) == ["TimeoutError"]
