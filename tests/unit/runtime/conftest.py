"""A cluster for the operator to run on, and logs as it was."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from tests.unit.kube.scripted_api import scripted_api
from tests.unit.runtime.cluster import Cluster


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with scripted_api() as api:
        yield Cluster(api)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    names = ("kopf", "kopf.objects", "aiohttp.access")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers[:], root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(capture=False)


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for a condition that another thread or process brings about."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for knows nothing of this loop
            await asyncio.sleep(0.01)
