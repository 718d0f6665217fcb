"""Which process of a run gets which test."""

import pytest
from xdist.scheduler import LoadScopeScheduling

from .shared import Shared

#: What is kept under this name tells the group of each test that has one, by the test's id.
GROUPS = "groups"


class ByGroup(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Tests go to whichever process is free, in the order in which they were collected; those of a group to one.

    pytest-xdist's own `loadgroup` tells groups by the tests' ids, which pytest 9.2 lets nobody change.
    """

    def __init__(self, config: pytest.Config, log: object, shared: Shared) -> None:
        config.option.loadscopereorder = False  # or the largest group would begin
        super().__init__(config, log)
        self._shared = shared
        self._groups: dict[str, str] | None = None

    def _split_scope(self, nodeid: str) -> str:
        if self._groups is None:  # asked for when all processes have collected the tests
            self._groups = self._shared.get(GROUPS)
        return self._groups.get(nodeid, nodeid)
