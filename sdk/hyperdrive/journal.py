"""What the calls of the command line in one container have in common: their reports so far, in a file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .settings import Settings
from .summary import Report, Summary

try:
    import fcntl
except ImportError:  # no Unix: then no Kubernetes node of ours either, and calls are not kept apart
    fcntl = None  # type: ignore[assignment]  # as in the standard library's own stubs, the module may be missing

#: Reports that are sent at once when they come in quick succession; one more for each interval that passes.
BURST = 60.0
#: The longest wait for another call of the command line.
LOCK_SECONDS = 10.0
#: Between two looks at a lock that another process holds.
_LOOK_SECONDS = 0.02


class Journal:
    """The file, and its locks: one for the file, one for the right to send. OSError if there is no place for it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        key = re.sub(r"[^A-Za-z0-9.-]", "_", f"{settings.trial}-{settings.job_uid}".rstrip("-"))
        self._path = folder / f"hyperdrive-{key}.json"
        self._summary = Summary(settings.primary_metric, is_higher_better=settings.is_higher_better)
        self._sent = 0
        self._failures = 0
        self._budget = BURST
        self._as_of = 0.0
        self._not_before = 0.0

    def add(self, report: Report) -> None:
        """Take a report in."""
        with self._locked("lock"):
            self._load()
            self._summary.add(report)
            self._save()

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        """Hold the right to send: what is newest is sent last."""
        with self._locked("sending"):
            yield

    def to_send(self, *, now: float, at_once: bool) -> tuple[int, dict[str, str]] | None:
        """Return the reports so far and their annotations. None if another call has sent them, or it is not time."""
        with self._locked("lock"):
            self._load()
        passed = max(0.0, now - self._as_of)
        self._budget = min(BURST, self._budget + passed / self._settings.interval_seconds)
        self._as_of = now
        is_time = self._budget >= 1.0 and now >= self._not_before
        if self._summary.reports == self._sent or not (at_once or is_time):
            return None
        return self._summary.reports, self._summary.annotations()

    def sent(self, reports: int, *, pause: float | None, now: float) -> None:
        """Take note of a try: it was sent, or it failed and a pause is due."""
        budget = max(0.0, self._budget - 1.0)
        with self._locked("lock"):
            self._load()
            self._budget, self._as_of = budget, now
            self._failures = 0 if pause is None else self._failures + 1
            self._not_before = 0.0 if pause is None else now + pause
            self._sent = reports if pause is None else self._sent
            self._save()

    @property
    def failures(self) -> int:
        """How many tries failed in a row."""
        return self._failures

    def _load(self) -> None:
        try:
            kept: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            self._summary.load(kept["summary"])
            self._sent, self._failures = int(kept["sent"]), int(kept["failures"])
            self._budget, self._as_of = float(kept["budget"]), float(kept["asOf"])
            self._not_before = float(kept["notBefore"])
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._path.unlink()  # not ours, or cut off: begin anew

    def _save(self) -> None:
        kept = {
            "summary": self._summary.dump(),
            "sent": self._sent,
            "failures": self._failures,
            "budget": self._budget,
            "asOf": self._as_of,
            "notBefore": self._not_before,
        }
        beside = self._path.with_suffix(".new")
        with _opened(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as file:
            os.write(file, json.dumps(kept).encode())
        beside.replace(self._path)  # whole or not at all, whenever the process is killed

    @contextlib.contextmanager
    def _locked(self, what: str) -> Iterator[None]:
        with _opened(self._path.with_suffix(f".{what}"), os.O_RDWR | os.O_CREAT) as file:
            _lock(file)
            yield


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    """Open a file for this user alone; a link that somebody put there is not followed."""
    file = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        yield file
    finally:
        os.close(file)  # and the lock is gone, as it also is when the process is killed


def _lock(file: int) -> None:
    """Take the lock of an open file. TimeoutError if others keep it."""
    if fcntl is None:
        return
    until = time.monotonic() + LOCK_SECONDS
    while not _is_taken(file):
        if time.monotonic() >= until:
            raise TimeoutError("another call holds the lock")
        time.sleep(_LOOK_SECONDS)


def _is_taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
