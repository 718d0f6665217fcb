"""What the person behind a training script is told: one line for each kind of trouble, on stderr."""

from __future__ import annotations

import sys


class Warner:
    """Says a thing once. Not through `warnings`: where those are errors, they would end the training."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def once(self, kind: str, message: str) -> None:
        """Write a line, unless one of this kind has been written."""
        if kind in self._said:
            return
        self._said.add(kind)
        try:
            sys.stderr.write(f"hyperdrive: {message}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001  stderr may be closed, None, or anything that the script made of it
            return
