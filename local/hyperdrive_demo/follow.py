"""Follow a sweep: one watch on the HyperDrive, one on its trials, one board that is always whole."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from .api import HYPERDRIVES, TRIALS, Api, ApiError, JsonObject
from .board import Board, Sweep, read_sweep, read_trial

UNREACHABLE_SECONDS = 30.0  # an API server that restarts is back by then
RETRY_SECONDS = 0.5


class SweepGoneError(Exception):
    """Somebody deleted the sweep, or replaced it."""


class Follower:
    """Keeps a board up to date until the sweep has ended."""

    def __init__(self, api: Api, namespace: str, sweep: Sweep, changed: Callable[[Board], None]) -> None:
        self.board = Board(sweep)
        self._api = api
        self._hyperdrives = HYPERDRIVES.format(namespace=namespace)
        self._trials = TRIALS.format(namespace=namespace)
        self._changed = changed

    async def run(self) -> Board:
        """Return the last board: the sweep has ended, and each trial is as the API server has it."""
        name = self.board.sweep.name
        finished = asyncio.create_task(
            self._stream(self._hyperdrives, self._see_sweep, fieldSelector=f"metadata.name={name}")
        )
        trials = asyncio.create_task(self._stream(self._trials, self._see_trial, labelSelector=self._selector))
        try:
            await asyncio.wait({finished, trials}, return_when=asyncio.FIRST_COMPLETED)
            for task in (finished, trials):
                if task.done():
                    task.result()
        finally:
            for task in (finished, trials):
                task.cancel()
            await asyncio.gather(finished, trials, return_exceptions=True)
        for item in (await self._api.get(self._trials, labelSelector=self._selector)).get("items") or []:
            self._see_trial("MODIFIED", item)
        return self.board

    @property
    def _selector(self) -> str:
        return f"hyperdrive.dev/hyperdrive={self.board.sweep.name}"

    async def _stream(self, path: str, see: Callable[[str, JsonObject], None], **selector: str) -> None:
        """List, then watch, again and again until the sweep has ended."""
        loop = asyncio.get_running_loop()
        answered = loop.time()
        while not self.board.sweep.is_finished:
            try:
                listed = await self._api.get(path, **selector)
                answered = loop.time()
                items = listed.get("items") or []
                if not items and path == self._hyperdrives:
                    raise SweepGoneError(f"the sweep {self.board.sweep.name} is gone")
                for item in items:
                    see("ADDED", item)
                version = str(listed.get("metadata", {}).get("resourceVersion", ""))
                await self._watch(path, version, see, **selector)
            except ApiError as error:
                if error.code not in (0, 410, 429) and error.code < 500:
                    raise
                if loop.time() - answered > UNREACHABLE_SECONDS:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def _watch(self, path: str, version: str, see: Callable[[str, JsonObject], None], **selector: str) -> None:
        async with aclosing(self._api.watch(path, version, **selector)) as events:
            async for event in events:
                if event.get("type") == "ERROR":
                    return  # most often: the resourceVersion is too old; list anew
                see(str(event.get("type")), event.get("object") or {})
                if self.board.sweep.is_finished:
                    return

    def _see_sweep(self, event: str, body: JsonObject) -> None:
        sweep = read_sweep(body)
        if event == "DELETED" or sweep.uid != self.board.sweep.uid:
            raise SweepGoneError(f"the sweep {sweep.name} was deleted or replaced while it ran")
        self._show(replace(self.board, sweep=sweep))

    def _see_trial(self, event: str, body: JsonObject) -> None:
        owners = body.get("metadata", {}).get("ownerReferences") or []
        if event == "DELETED" or all(owner.get("uid") != self.board.sweep.uid for owner in owners):
            return  # an earlier sweep's, or cleaned up: nobody needs to see it go
        self._show(self.board.with_trial(read_trial(body)))

    def _show(self, board: Board) -> None:
        if board != self.board:
            self.board = board
            self._changed(board)
