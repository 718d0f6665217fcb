"""What the API server's audit log and etcd's metrics tell of a stretch of time."""

import asyncio
import json
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

#: Bytes that etcd was sent by its one client, the API server.
_RECEIVED = "etcd_network_client_grpc_received_bytes_total"
WRITES = frozenset({"create", "patch", "update", "delete"})


class Audit:
    """The operator's requests since this was made, by verb and resource."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read: dict[int, int] = {}
        if path is not None:
            #: By inode, for the API server renames a log that has become large, and begins another.
            self._read = {log.stat().st_ino: log.stat().st_size for log in _logs(path)}

    def requests(self) -> Counter[str]:
        """Count them. What the API server has not written yet is missing: it may lag by a second."""
        counts: Counter[str] = Counter()
        if self._path is None:
            return counts
        for path in _logs(self._path):
            with path.open("rb") as log:
                log.seek(self._read.get(path.stat().st_ino, 0))
                for line in log:
                    if b'"userAgent":"hyperdrive-operator' in line and b'"stage":"ResponseComplete"' in line:
                        counts[_what(json.loads(line))] += 1
        return counts


def _logs(path: Path) -> list[Path]:
    """Return an audit log and those that it went on from."""
    return sorted(path.parent.glob(f"{path.stem}*{path.suffix}"))


def _what(event: dict[str, Any]) -> str:
    reference = event.get("objectRef", {})
    resource = "/".join(filter(None, (reference.get("resource"), reference.get("subresource"))))
    return f"{event['verb']} {resource}".strip()


def writes(counts: Counter[str]) -> int:
    """Return how many of the requests change something."""
    return sum(count for what, count in counts.items() if what.split()[0] in WRITES)


async def etcd_bytes(metrics: str) -> float:
    """Return how many bytes etcd has received since its start; 0 if nobody has said where its metrics are."""
    if not metrics:
        return 0.0

    def read() -> str:
        with urllib.request.urlopen(metrics, timeout=10) as answer:  # noqa: S310  given on the command line
            return str(answer.read(), "utf-8")

    text = await asyncio.to_thread(read)
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(_RECEIVED))
