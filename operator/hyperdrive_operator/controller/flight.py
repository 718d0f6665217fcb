"""What is under way for one sweep: which trials are being written, so that no two passes write the same one."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

from hyperdrive_operator.core.actions import (
    Action,
    CheckTemplate,
    CreateJob,
    CreateTrial,
    FollowLog,
    PrepareTrial,
    Propose,
    ReadLog,
)

#: Of one sweep at a time, so that a large one leaves room for the others (the client has a limit of its own): what
#: starts trials, what ends their Jobs, and all else. So a hundred ends that are being recorded keep no place empty, and
#: neither they nor starts that get no answer keep a GPU busy.
MAX_PARALLEL_STARTS: Final = 16
MAX_PARALLEL_ENDS: Final = 16
MAX_PARALLEL_RECORDS: Final = 8
#: The place of the template's check; trials are numbered from 1 on.
_TEMPLATE: Final = 0


class Flight:
    """A pass plans from what is known, so it plans again what another one has begun and not finished: that is left out.

    Names are deterministic and each write is safe to repeat, so this saves requests; and it keeps the order of two
    writes of one record, the later of which the API server may see first.
    """

    def __init__(self) -> None:
        self.start_places = asyncio.Semaphore(MAX_PARALLEL_STARTS)
        self.end_places = asyncio.Semaphore(MAX_PARALLEL_ENDS)
        self.record_places = asyncio.Semaphore(MAX_PARALLEL_RECORDS)
        self._numbers: Counter[int] = Counter()
        self._starting: set[int] = set()

    @property
    def starting(self) -> frozenset[int]:
        """The trials whose Job is being created: each has a place by now, though nothing shows it yet."""
        return frozenset(self._starting)

    def not_begun(self, actions: Sequence[Action]) -> list[Action]:
        """Return the actions but those for trials that another pass is writing."""
        return [action for action in actions if (number := _number(action)) is None or not self._numbers[number]]

    def begin(self, actions: Sequence[Action]) -> None:
        """Note that these are under way."""
        self._numbers.update(number for action in actions if (number := _number(action)) is not None)
        self._starting.update(number for action in actions if (number := _started(action)) is not None)

    def end(self, action: Action) -> None:
        """Note that one is not any more."""
        if (number := _number(action)) is not None:
            self._numbers[number] -= 1
        if (number := _started(action)) is not None:
            self._starting.discard(number)


def _started(action: Action) -> int | None:
    """Return whose Job an action creates."""
    match action:
        case CreateTrial(number=number):
            return number
        case CreateJob(trial=trial):
            return trial.record.number
    return None


def _number(action: Action) -> int | None:
    """Return which trial an action writes; None if it writes nothing."""
    match action:
        case CheckTemplate():
            return _TEMPLATE
        case CreateTrial(number=number) | PrepareTrial(number=number):
            return number
        case Propose() | FollowLog() | ReadLog():
            return None
    return action.trial.record.number
