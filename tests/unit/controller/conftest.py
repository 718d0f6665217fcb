"""The laboratory: a sweep of six combinations, two at once, and an operator."""

from collections.abc import AsyncIterator

import pytest
from tests.support.builders import limits, sweep_manifest
from tests.support.laboratory import Laboratory

from hyperdrive_operator.kube.kinds import HYPERDRIVES


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory = Laboratory()
    laboratory.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(6, 2)))
    yield laboratory
    await laboratory.logs.close()
