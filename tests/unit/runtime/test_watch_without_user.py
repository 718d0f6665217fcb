import getpass
import os
from pathlib import Path

import pytest
from tests.unit.runtime.cluster import Cluster
from tests.unit.runtime.conftest import until
from tests.unit.runtime.test_watch import watching


async def test_the_operator_starts_as_a_user_that_has_no_name(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container the user often is a mere number; kopf asked for its name and ended."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    with pytest.raises((KeyError, OSError)):
        getpass.getuser()
    cluster.serve()
    async with watching(cluster, tmp_path, []) as watcher:
        await until(lambda: watcher.finished.done() or bool(cluster.watched()))
        assert not watcher.finished.done()
