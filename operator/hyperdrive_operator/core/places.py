"""The places of maxConcurrentTrials: who has one, which have been left and not been taken again, and since when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .roster import Roster
from .trials import Trial


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a sweep whose spec stays the same."""

    #: When the Job was created of each trial that has a place, by its record's uid.
    taken: Mapping[str, datetime | None]
    #: Since when those are empty that somebody has left, the longest first.
    empty_since: tuple[datetime, ...] = ()
    #: How many more trials run than may: those that leave first leave no place.
    surplus: int = 0

    @classmethod
    def of(cls, spec: HyperDriveSpec, trials: Roster) -> "Places":
        """Return the places as they are found: since when some are empty is nobody's guess."""
        taken = _taken(trials)
        return cls(taken, surplus=max(len(taken) - spec.limits.max_concurrent_trials, 0))

    def then(self, trials: Roster, find: Callable[[str], Trial | None]) -> tuple["Places", list[float]]:
        """Return the places as they are later, and how many seconds each was empty that was taken since.

        `find` returns a trial by its record's uid, None if it is gone.
        """
        taken = _taken(trials)
        gone = [find(uid) for uid in self.taken if uid not in taken]
        left = sorted(at for trial in gone if trial is not None and (at := _left_at(trial)) is not None)
        came = sorted(at for uid, at in taken.items() if uid not in self.taken and at is not None)
        empty = [*self.empty_since, *left[self.surplus :]]
        # both moments are kept in whole seconds: one may seem to come before the other
        waits = [max((at - since).total_seconds(), 0.0) for since, at in zip(empty, came, strict=False)]
        return Places(taken, tuple(empty[len(came) :]), max(self.surplus - len(left), 0)), waits


def _taken(trials: Roster) -> dict[str, datetime | None]:
    return {trial.record.uid: trial.job.created for trial in trials.live if trial.job is not None and trial.is_active}


def _left_at(trial: Trial) -> datetime | None:
    """Return when a trial left its place: with the end of its Job, however late that is recorded."""
    ended = trial.job.ended if trial.job is not None and trial.job.finished else None
    return ended or trial.record.ended
