"""The clusters of this folder's tests move: Jobs, pods and garbage."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract.client import Api
from tests.contract.conftest import REAL
from tests.contract.moving.bench import Bench

from hyperdrive_local.cluster import Cluster


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.cluster)])
async def api(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Api]:
    """A client of each cluster; the plain API server of the other contract tests moves nothing."""
    if request.param == "real":
        if not REAL:
            pytest.skip("HYPERDRIVE_TEST_KUBECONFIG names no real cluster to compare with")
        client = Api(Path(REAL))
        yield client
        await client.close()
        return
    async with Cluster(tmp_path / "cluster") as cluster:
        client = Api(cluster.kubeconfig)
        yield client
        await client.close()


@pytest.fixture
def bench(api: Api, namespace: str) -> Bench:
    """A namespace to work in."""
    return Bench(api, namespace)
