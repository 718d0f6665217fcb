"""An API server for the reporter."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .api_server import ApiServer, api_server


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    with api_server(folder) as served:
        yield served
