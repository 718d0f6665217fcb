"""An event loop whose time passes at once: what waits for seconds is tested in milliseconds, to the second."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Never waits: it tells how long it should have."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self.waited += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """For what happens in this process alone."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.waited


def run_virtually(test: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a test in such a loop, for at most an hour of its time."""

    async def bounded() -> T:
        async with asyncio.timeout(3600):
            return await test()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(bounded())
