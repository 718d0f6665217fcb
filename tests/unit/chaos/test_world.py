"""The chaos suite's namespaces: one run after the other on the same cluster."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.chaos import world as worlds
from tests.chaos.faults import FAULTS
from tests.chaos.play import play
from tests.chaos.server import Object, Server
from tests.chaos.world import NAMESPACES, World, embedded_world

NAME = "chaos-down-1"
PATH = f"{NAMESPACES}/{NAME}"
HELD = f"{PATH}/configmaps"


class Onlooker(Server):
    """Whoever looks at the namespace sees it going, and only then what holds it is gone."""

    async def get(self, path: str) -> Object:
        seen = await super().get(path)
        if path == PATH and seen["metadata"].get("deletionTimestamp"):
            await self.patch(f"{HELD}/held", {"metadata": {"finalizers": None}})
        return seen


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with embedded_world(tmp_path) as world:
        yield world


async def leave_going(world: World) -> str:
    """Leave a namespace as a run before does: it is being deleted, and not empty yet. Returns its uid."""
    await world.make_namespace(NAME)
    await world.server.create(HELD, {"metadata": {"name": "held", "finalizers": ["tests.hyperdrive.dev/held"]}})
    await world.remove_namespace(NAME)
    namespace = await world.server.get(PATH)
    assert namespace["metadata"]["deletionTimestamp"]
    return str(namespace["metadata"]["uid"])


async def test_a_run_begins_while_the_namespace_of_the_one_before_is_still_going(world: World) -> None:
    before = await leave_going(world)
    assert world.embedded is not None
    onlooker = Onlooker(world.embedded.kubeconfig)
    try:
        await World(onlooker, onlooker, is_real=False).make_namespace(NAME)
    finally:
        await onlooker.close()
    now = await world.server.get(PATH)
    assert now["metadata"]["uid"] != before
    assert "deletionTimestamp" not in now["metadata"]


async def test_a_namespace_that_never_goes_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await leave_going(world)
    monkeypatch.setattr(worlds, "NAMESPACE_GONE_SECONDS", 0.2)
    with pytest.raises(AssertionError, match=f"still not so: the namespace {NAME} of before is gone"):
        await world.make_namespace(NAME)


async def test_a_namespace_that_nobody_deletes_is_not_waited_for(world: World) -> None:
    await world.make_namespace(NAME)
    with pytest.raises(AssertionError, match="delete it first"):
        await world.make_namespace(NAME)


async def test_a_stage_that_cannot_be_set_does_not_end_the_rounds_after_it(world: World, tmp_path: Path) -> None:
    await world.make_namespace(NAME)
    [down] = [fault for fault in FAULTS if fault.name == "down"]
    result = await play(world, down, seed=1, folder=tmp_path / "logs", is_brief=True)
    assert "delete it first" in result.problems[0]
