"""Reports in, annotations of the trial's Job out; and whether the trial has been stopped."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from .job import Answer, JobClient, NoAccount
from .sender import Outcome, Sender
from .settings import Settings
from .summary import MAX_NAME, Report, Summary, finite, whole
from .warning import Warner

#: Reports that wait for the sender's thread to add them up. Beyond it (the API server is slow) the script adds itself.
MAX_WAITING = 4096

#: Writes annotations to the trial's Job.
Patch = Callable[[Mapping[str, str]], Answer]


class Reporter:
    """Takes a process's reports. `report` does no more than to queue them: no lock, no file, no socket."""

    def __init__(self, settings: Settings, patch: Patch | None = None) -> None:
        self._settings = settings
        self._patch = patch or JobClient(settings).patch
        self._waiting: deque[Report] = deque()
        self._summary = Summary(settings.primary_metric, is_higher_better=settings.is_higher_better)
        self._lock = threading.Lock()  # of the summary
        self._sent = 0
        self._warner = Warner()
        self._pending_warnings: deque[tuple[str, str]] = deque()
        self._pid = os.getpid()
        self._is_over = False
        self.is_stopped = False
        self._sender = Sender(self._attempt, interval_seconds=settings.interval_seconds)

    def start(self) -> None:
        """Start the thread that sends."""
        self._sender.start()

    def report(self, values: Mapping[str, Any], step: Any) -> None:
        """Take a report. Values that are no finite numbers are dropped."""
        numbers = {}
        for name, value in values.items():
            number = finite(value)
            if number is not None and isinstance(name, str) and 0 < len(name) <= MAX_NAME:
                numbers[name] = number
            else:
                self._pending_warnings.append(_dropped(name, value))
        if numbers:
            self._waiting.append((numbers, whole(finite(step))))
            if len(self._waiting) >= MAX_WAITING:
                self._add_up()
        if numbers or self._pending_warnings:
            self._sender.news()

    def flush(self, timeout: float) -> bool:
        """Send what is new and wait for it; tell whether all is sent."""
        if os.getpid() != self._pid:  # the thread is the parent's
            return False
        return self._sender.flush(timeout)

    def stop(self) -> None:
        """Take note that the trial has been stopped, and send what is new. Safe in a signal handler."""
        self.is_stopped = True
        self._sender.hurry()

    def _add_up(self) -> int:
        with self._lock:
            while self._waiting:
                self._summary.add(self._waiting.popleft())
            return self._summary.reports

    def _attempt(self) -> Outcome:
        """Send what is new: the sender's thread comes here."""
        while self._pending_warnings:
            self._warner.once(*self._pending_warnings.popleft())
        reports = self._add_up()
        if self._is_over or reports == self._sent:
            return Outcome(is_sent=True)
        with self._lock:
            annotations = self._summary.annotations()
        try:
            answer = self._patch(annotations)
        except NoAccount:
            self._is_over = True
            self._warner.once("send", f"no reports for trial {self._settings.trial}: {NO_ACCOUNT}")
            return Outcome(is_sent=True)
        except Exception as error:  # noqa: BLE001  the top of a thread, whose end nobody would see
            self._warner.once("send", f"reports wait, the API server can't be reached ({short(error)})")
            return Outcome(is_sent=False)
        return self._judge(answer, reports)

    def _judge(self, answer: Answer, reports: int) -> Outcome:
        if answer.is_accepted:
            self._sent = reports
            self.is_stopped = self.is_stopped or answer.is_ending
            return Outcome(is_sent=True)
        if answer.is_gone:
            self._is_over = True
            self.is_stopped = self.is_stopped or self._sent > 0
            self._warner.once("send", f"no more reports, the Job of trial {self._settings.trial} is gone")
            return Outcome(is_sent=True)
        hint = NO_ROLE if answer.status in (401, 403) else ""
        self._warner.once("send", f"reports wait, the API server says {answer.status} {short(answer.message)}{hint}")
        return Outcome(is_sent=False, retry_after=answer.retry_after)


NO_ACCOUNT = "the pod has no service account's token. Mount one, or set HYPERDRIVE_PRINT to 1 and have the log read"
NO_ROLE = (
    ". Bind the Role hyperdrive-reporter to its service account, or set HYPERDRIVE_PRINT to 1 and have the log read"
)


def _dropped(name: Any, value: Any) -> tuple[str, str]:
    """Word the warning without the look of name=value: the operator reads metrics from the log too."""
    if isinstance(name, str) and 0 < len(name) <= MAX_NAME:
        return "value", f"dropped a report of {name[:80]!r}, it is no finite number but {short(value)}"
    return "value", f"dropped a metric, its name must be a text of 1 to {MAX_NAME} characters"


def short(value: Any) -> str:
    """Return a text for a warning: one line, short, without the look of name=value."""
    try:
        text = str(value) or type(value).__name__
    except Exception:  # noqa: BLE001  __str__ is anybody's code
        text = type(value).__name__
    return " ".join(text.split())[:120].replace("=", " ")
