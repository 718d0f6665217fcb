"""What the API server's audit log and etcd's metrics tell of a stretch of time."""

import asyncio
import json
import urllib.request
from collections import Counter
from pathlib import Path

#: Bytes that etcd was sent by its one client, the API server.
_RECEIVED = "etcd_network_client_grpc_received_bytes_total"
WRITES = frozenset({"create", "patch", "update", "delete"})


class Audit:
    """The operator's requests since this was made, by verb and resource."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._offset = path.stat().st_size if path else 0

    def requests(self) -> Counter[str]:
        """Count them. What the API server has not written yet is missing: it may lag by a second."""
        counts: Counter[str] = Counter()
        if self._path is None:
            return counts
        with self._path.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if b'"userAgent":"hyperdrive-operator' in line and b'"stage":"ResponseComplete"' in line:
                    event = json.loads(line)
                    reference = event.get("objectRef", {})
                    resource = "/".join(filter(None, (reference.get("resource"), reference.get("subresource"))))
                    counts[f"{event['verb']} {resource}".strip()] += 1
        return counts


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
