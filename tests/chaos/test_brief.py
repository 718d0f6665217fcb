"""The chaos suite's short form: some faults, briefly, each on an embedded cluster of its own."""

from pathlib import Path

import pytest

from .faults import FAULTS
from .play import play
from .world import embedded_world

SEED = 1
BRIEF = ("killed", "down", "errors", "compacted", "permissions")


@pytest.mark.parametrize("name", BRIEF)
async def test_a_sweep_ends_well_whatever_happens(name: str, tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.name == name)
    async with embedded_world(tmp_path) as world:
        result = await play(world, fault, seed=SEED, folder=tmp_path / name, is_brief=True)
    assert result.problems == [], f"seed {SEED}: {result}"
