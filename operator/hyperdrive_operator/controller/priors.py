"""What the earlier sweeps of spec.warmStart are worth, computed anew only when one of their trials ends or goes."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, canonical
from hyperdrive_operator.core.identity import ById
from hyperdrive_operator.core.prior import NO_PRIOR, Fit, Prior, Source, join, judge
from hyperdrive_operator.core.records import ENDED, Record
from hyperdrive_operator.core.sweep import Sweep

from .queue import Key

#: Judgements to keep, of all sweeps together: 300 bytes each. Beyond it those unused the longest are made again.
MAX_FITS: Final = 200_000


class RecordsLike(Protocol):
    """What is asked of the cache."""

    def sweep(self, key: Key) -> Sweep | None:
        """Return the HyperDrive of that name, or None."""

    def records(self, sweep: Sweep) -> Iterable[Record]:
        """Return the records of its trials, in any order."""

    def ends(self, sweep: Sweep) -> int:
        """Return a number that changes whenever one of its trials ends, or one that has ended goes."""


#: What of a source a prior is made from: its name, uid, generation and ends.
_Mark = tuple[str, str, int, int]


@dataclass(slots=True)
class _Entry:
    marks: tuple[_Mark, ...] = ()
    prior: Prior = NO_PRIOR
    #: By the trial's uid and attempt.
    fits: dict[tuple[str, int], Fit] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)


class Priors:
    """Sweeps with the same question (space, objective, sources) share the answer."""

    def __init__(self, records: RecordsLike) -> None:
        self._records = records
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def prior(self, sweep: Sweep) -> Prior:
        """Return what is known before this sweep begins."""
        spec = sweep.spec
        if spec is None or spec.warm_start is None:
            return NO_PRIOR
        sources = [(name, self._records.sweep(Key(sweep.namespace, name))) for name in spec.warm_start.sources]
        marks = tuple(self._mark(name, source) for name, source in sources)
        question = f"{sweep.namespace}/{_question(ById(spec))}"
        entry = self._entries.setdefault(question, _Entry())
        self._entries.move_to_end(question)
        entry.users.add(sweep.uid)
        if entry.marks != marks:
            self._renew(entry, spec, sources)
            entry.marks = marks
            self._make_room()
        return entry.prior

    def forget(self, sweep_uid: str) -> None:
        """Let go of a sweep that is no more."""
        for question, entry in list(self._entries.items()):
            entry.users.discard(sweep_uid)
            if not entry.users:
                del self._entries[question]

    def __len__(self) -> int:
        """Return how many answers are kept."""
        return len(self._entries)

    def _mark(self, name: str, source: Sweep | None) -> _Mark:
        if source is None:
            return name, "", 0, 0
        return name, source.uid, source.generation, self._records.ends(source)

    def _renew(self, entry: _Entry, spec: HyperDriveSpec, sources: list[tuple[str, Sweep | None]]) -> None:
        known, entry.fits = entry.fits, {}
        joined = []
        for name, source in sources:
            ended = [one for one in self._records.records(source) if one.state in ENDED] if source else []
            # how an attempt ended is final
            marked = (((one.uid, one.attempt), one) for one in ended)
            fits = {mark: known.get(mark) or judge(spec, one) for mark, one in marked}
            entry.fits |= fits
            joined.append(Source(name, source, list(fits.values())))
        entry.prior = join(spec, joined)

    def _make_room(self) -> None:
        total = sum(len(entry.fits) for entry in self._entries.values())
        while total > MAX_FITS and len(self._entries) > 1:
            _, gone = self._entries.popitem(last=False)
            total -= len(gone.fits)


@lru_cache(maxsize=256)
def _question(key: ById[HyperDriveSpec]) -> str:
    """Return what the answer depends on beside the trials of the sources."""
    spec = key.value
    parts = spec.model_dump(by_alias=True, include={"search_space", "objective", "warm_start"}, exclude_none=True)
    return canonical([parts, spec.sampling_algorithm.type])
