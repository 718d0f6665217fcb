"""A client and the scripted API server that it talks to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.kube.scripted_api import ScriptedApi, scripted_api

from hyperdrive_operator.kube.client import KubeClient


@pytest.fixture
async def api() -> AsyncIterator[ScriptedApi]:
    async with scripted_api() as served:
        yield served


@pytest.fixture
async def client(api: ScriptedApi, tmp_path: Path) -> AsyncIterator[KubeClient]:
    connected = await KubeClient.connect(kubeconfig=api.kubeconfig(tmp_path), user_agent="hyperdrive-test/1")
    yield connected
    await connected.close()
