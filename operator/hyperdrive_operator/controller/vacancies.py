"""Measures how long a place stays empty that the end of a trial has left. Nothing is decided by it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from hyperdrive_operator.core.places import empty_places, left_at
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trials import Trial


class Vacancies:
    """Of the sweeps that start trials: not of one that is paused or held up, and not of places that none had before."""

    def __init__(self, on_filled: Callable[[float], None]) -> None:
        self._on_filled = on_filled
        #: The generation at which all places of a sweep were last taken, by its uid.
        self._full: dict[str, int] = {}

    def heed(self, sweep: Sweep, trials: Sequence[Trial], created: Sequence[datetime], *, is_held: bool) -> None:
        """Take in a pass: the trials before it, when the Jobs were created in it, and whether something is in the way.

        A place that a quota kept empty, or a limit that was raised, is not the operator's slowness: those that are
        filled then do not count, until all are taken again.
        """
        if sweep.spec is None or is_held:
            self.forget(sweep.uid)
            return
        was_full = self._full.get(sweep.uid) == sweep.generation
        if was_full and not created:
            return  # as in most passes: it shall not cost a look at ten thousand trials
        empty = empty_places(sweep.spec, trials)
        if was_full:
            for left, at in zip(left_at(trials, empty), sorted(created), strict=False):
                # both are kept in whole seconds: one may seem to come before the other
                self._on_filled(max((at - left).total_seconds(), 0.0))
        if empty <= len(created):
            self._full[sweep.uid] = sweep.generation

    def forget(self, sweep_uid: str) -> None:
        """Let go of a sweep."""
        self._full.pop(sweep_uid, None)
