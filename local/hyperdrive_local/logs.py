"""Where pod logs come from: what the API server asks of the node.

The node writes one file for each run of a container; the server only reads. Every line of the file is in the CRI form,
which is what a kubelet reads too: `2026-11-24T10:00:00.123456789Z stdout F the text`, so that `timestamps` and
`sinceTime` need nothing more.
"""

from pathlib import Path
from typing import Any, Protocol


class LogSource(Protocol):
    """The node's side of `kubectl logs`."""

    def path(self, pod: dict[str, Any], container: str, *, previous: bool = False) -> Path | None:
        """The log file of the container's current (or previous) run; None if there has been no such run."""

    def finished(self, pod: dict[str, Any], container: str, path: Path) -> bool:
        """Whether nothing will be appended to this file any more, as its run is over: there a follower stops."""

    async def grown(self, pod: dict[str, Any], container: str, path: Path) -> None:
        """Return soon after something is appended or the run is over; early is fine, the reader looks again.

        Must return at once when the run is over already.
        """
