"""Measures how long a place stays empty that the end of a trial has left. Nothing is decided by it."""

from collections.abc import Callable

from hyperdrive_operator.core.places import Places
from hyperdrive_operator.core.roster import Roster
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trials import Trial


class Vacancies:
    """Of the sweeps that start trials, looked at after each pass."""

    def __init__(self, find: Callable[[str], Trial | None], on_filled: Callable[[float], None]) -> None:
        self._find = find
        self._on_filled = on_filled
        #: The places of each sweep by its uid, with the generation of the spec since which they were looked at.
        self._places: dict[str, tuple[int, Places]] = {}

    def heed(self, sweep: Sweep, trials: Roster, *, is_held: bool) -> None:
        """Take in a sweep's trials, and whether something keeps them from starting.

        A place that a quota, a pause or an operator that was not there kept empty is not slowness of ours: those do
        not count whose end was not seen while trials could start.
        """
        if sweep.spec is None or is_held:
            self.forget(sweep.uid)
            return
        generation, places = self._places.get(sweep.uid, (-1, None))
        if places is None or generation != sweep.generation:
            self._places[sweep.uid] = (sweep.generation, Places.of(sweep.spec, trials))
            return
        places, waits = places.then(trials, self._find)
        self._places[sweep.uid] = (generation, places)
        for seconds in waits:
            self._on_filled(seconds)

    def forget(self, sweep_uid: str) -> None:
        """Let go of a sweep."""
        self._places.pop(sweep_uid, None)
