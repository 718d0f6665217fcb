import asyncio
import getpass
import os
from pathlib import Path

import pytest
from tests.unit.runtime.cluster import KINDS, Cluster
from tests.unit.runtime.conftest import until

from hyperdrive_operator.kube.kinds import JOBS
from hyperdrive_operator.runtime.watch import KopfWatcher


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
    for kind in KINDS:
        cluster.objects[kind] = []
    kubeconfig = cluster.kubeconfig(tmp_path)
    watcher = KopfWatcher(kubeconfig=kubeconfig, context=None, namespaces=(), on_event=lambda *_: None)
    watcher.start()
    try:
        await until(lambda: watcher.finished.done() or any(call.path == JOBS.path(None) for call in cluster.api.calls))
        assert not watcher.finished.done()
    finally:
        watcher.stop()
        assert await asyncio.to_thread(watcher.join, 10)
