"""What a training script calls. One reporter for the process, made when it is first needed."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .reporter import Reporter
from .settings import Settings, read_parameters, read_settings
from .summary import line_of
from .termination import Termination
from .warning import Warner


class Script:
    """The reporter of this process and what belongs to it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.warner = Warner()
        is_in_trial = bool(settings.trial and settings.server)
        self.reporter = Reporter(settings) if is_in_trial else None
        self.sends = is_in_trial and settings.is_reporter
        self._is_started = False
        self._starting = threading.Lock()
        self._termination: Termination | None = None

    def report(self, values: Mapping[str, Any], step: Any) -> None:
        """Take a report."""
        if self.settings.prints and self.settings.is_reporter:
            _print(values, step)
        if self.sends and self.reporter is not None:
            self._start(self.reporter)
            self.reporter.report(values, step)

    def should_stop(self) -> bool:
        """Tell whether the trial has been stopped."""
        if self.reporter is None:
            return False
        self._start(self.reporter)
        if self._termination is not None:
            self._termination.is_awaited = True
        return self.reporter.is_stopped

    def flush(self, timeout: float) -> bool:
        """Send what is new and wait for it."""
        return self.reporter.flush(timeout) if self.reporter is not None and self._is_started else True

    def leave_signals(self) -> None:
        """Give SIGTERM back to the script."""
        if self._termination is not None:
            self._termination.remove()

    def _start(self, reporter: Reporter) -> None:
        if self._is_started:
            return
        with self._starting:
            if not self._is_started:
                self._is_started = True
                self._begin(reporter)

    def _begin(self, reporter: Reporter) -> None:
        reporter.start()
        atexit.register(self.flush, self.settings.flush_seconds)
        _at_exit_of_a_child(self)
        if self.settings.handles_sigterm and threading.current_thread() is threading.main_thread():
            termination = Termination(reporter, flush_seconds=self.settings.flush_seconds)
            termination.install()
            self._termination = termination


_script: Script | None = None
_lock = threading.RLock()
_changes: dict[str, Any] = {}


def report(metrics: Mapping[str, Any] | None = None, /, *, step: Any = None, **more: Any) -> None:
    """Report metrics: `report(accuracy=0.93, step=3)`, or `report({"val/accuracy": 0.93})`. Each call is one interval.

    Returns at once and never raises. A thread writes the newest state to the trial's Job, at most every five seconds,
    and once more when the script ends. Outside of a trial, and in all but the first of several processes, it does
    nothing.
    """
    script = _current()
    try:
        script.report({**(metrics or {}), **more}, step)
    except Exception as error:  # noqa: BLE001  whatever it is, the training goes on
        script.warner.once("report", f"a report was dropped ({type(error).__name__})")


def should_stop() -> bool:
    """Tell whether this trial has been stopped, so that the script may save what it wants and end.

    A script that asks is not ended by SIGTERM any more: it must end by itself, within the pod's grace period.
    """
    script = _current()
    try:
        return script.should_stop()
    except Exception as error:  # noqa: BLE001  whatever it is, the training goes on
        script.warner.once("stop", f"not known whether the trial is stopped ({type(error).__name__})")
        return False


def parameters() -> dict[str, Any]:
    """Return the trial's parameters by name; none outside of a trial."""
    try:
        return read_parameters(os.environ)
    except (ValueError, RecursionError):
        _current().warner.once("parameters", "HYPERDRIVE_PARAMETERS is no JSON object, so there are no parameters")
        return {}


def flush(timeout: float = 5.0) -> bool:
    """Send what is new now, before an exit without clean-up (os._exit) say; tell whether all is sent."""
    return _current().flush(timeout)


def configure(
    *,
    interval_seconds: float | None = None,
    flush_seconds: float | None = None,
    prints: bool | None = None,
    is_reporter: bool | None = None,
    handles_sigterm: bool | None = None,
) -> None:
    """Change how this process reports, before its first report. What is not given is as the environment says."""
    given = {
        "interval_seconds": interval_seconds,
        "flush_seconds": flush_seconds,
        "prints": prints,
        "is_reporter": is_reporter,
        "handles_sigterm": handles_sigterm,
    }
    with _lock:
        _changes.update({name: value for name, value in given.items() if value is not None})
        if _script is not None:
            _script.warner.once("configure", "configure() comes too late, it must be called before the first report")


def _current() -> Script:
    global _script  # noqa: PLW0603  a script calls functions, so the process has one
    if _script is None:
        with _lock:
            if _script is None:
                _script = Script(replace(read_settings(os.environ), **_changes))
    return _script


def _forget() -> None:
    """Begin anew in a forked child: the thread stayed with the parent, and its locks may be taken for ever."""
    global _script, _lock  # noqa: PLW0603  a script calls functions, so the process has one
    if _script is not None:
        _script.leave_signals()  # a data loader's worker dies as it always did
    _script = None
    _lock = threading.RLock()


def _at_exit_of_a_child(script: Script) -> None:
    """Flush at the end of a child that multiprocessing started, too: it leaves without atexit."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize  # noqa: PLC0415  only where it is loaded already

        Finalize(None, script.flush, args=(script.settings.flush_seconds,), exitpriority=0)


def _print(values: Mapping[str, Any], step: Any) -> None:
    line = line_of(values, step)
    if line:
        print(line, flush=True)  # noqa: T201  asked for


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
