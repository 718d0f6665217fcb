"""Lets optimisers propose combinations in the background: a slow or broken one keeps no other sweep waiting."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from hyperdrive_operator.api import names
from hyperdrive_operator.core.planning import Hold, Proposals
from hyperdrive_operator.core.proposing import Proposal, Request, build_request
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.optimizer.process import OptimizerError

from .cache import Cache
from .queue import Key

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)


class OptimizerLike(Protocol):
    """What is needed of an optimiser."""

    async def propose(self, sweep: str, request: Request) -> list[Proposal]:
        """Return a proposal for each number. Raises OptimizerError."""

    def forget(self, sweep: str) -> None:
        """Let go of a sweep that is no more."""

    async def close(self) -> None:
        """Stop."""


class Proposer:
    """Asks at most one question per sweep; the answer goes into the cache, and the sweep is looked at again."""

    def __init__(
        self,
        optimizer: OptimizerLike,
        cache: Cache,
        on_news: Callable[[Key], None],
        *,
        clock: Callable[[], datetime],
        on_answer: Callable[[str, str, float], None],
    ) -> None:
        self._optimizer = optimizer
        self._cache = cache
        self._on_news = on_news
        self._clock = clock
        self._on_answer = on_answer
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}

    def start(self, sweep: Sweep, numbers: Sequence[int]) -> None:
        """Begin to ask for the combinations of these trials, unless a question is open already."""
        if sweep.uid in self._tasks or sweep.spec is None:
            return
        ready = self._cache.proposals(sweep).ready
        prior = self._cache.prior(sweep)
        request = build_request(
            sweep.spec, self._cache.trials(sweep), ready, numbers, prior=prior.history, known=prior.known
        )
        task = asyncio.create_task(self._ask(sweep, request), name=f"propose-{sweep.name}")
        self._tasks[sweep.uid] = task
        task.add_done_callback(lambda task: self._answered(sweep, task))

    @property
    def is_busy(self) -> bool:
        """A question is open."""
        return bool(self._tasks)

    def forget(self, sweep_uid: str) -> None:
        """Let go of a sweep that is no more."""
        self._failures.pop(sweep_uid, None)
        self._optimizer.forget(sweep_uid)

    async def close(self) -> None:
        """Stop asking. Nothing is lost: who starts next asks again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._optimizer.close()

    async def _ask(self, sweep: Sweep, request: Request) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        result = "failed"
        try:
            proposals = await self._optimizer.propose(sweep.uid, request)
        except OptimizerError as error:
            self._fail(sweep, str(error))
        except Exception as error:  # a bug here must show on the sweep, and be tried again
            logger.exception("proposing failed")
            self._fail(sweep, f"{type(error).__name__}: {error}")
        else:
            result = "ok"
            self._failures.pop(sweep.uid, None)
            ready = self._cache.proposals(sweep).ready
            new = dict(zip(request.numbers, proposals, strict=True))
            self._cache.observe_proposals(sweep, Proposals({**ready, **new}))
        self._on_answer(request.spec.sampling_algorithm.type, result, loop.time() - began)
        if self._cache.sweep(Key(sweep.namespace, sweep.name)) is None:
            self.forget(sweep.uid)

    def _answered(self, sweep: Sweep, task: asyncio.Task[None]) -> None:
        self._tasks.pop(sweep.uid, None)  # first: who looks again may have to ask again
        if not task.cancelled():
            self._on_news(Key(sweep.namespace, sweep.name))

    def _fail(self, sweep: Sweep, why: str) -> None:
        failures = self._failures[sweep.uid] = self._failures.get(sweep.uid, 0) + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 16), LONGEST_PAUSE)
        kind = sweep.spec.sampling_algorithm.type if sweep.spec else ""
        message = f"the {kind} optimiser proposes no trial: {why}; the next try follows"
        logger.warning("an optimiser failed", extra={"sweep": f"{sweep.namespace}/{sweep.name}", "error": why})
        ready = self._cache.proposals(sweep).ready
        hold = Hold(names.REASON_OPTIMIZER_FAILED, message, self._clock() + pause)
        self._cache.observe_proposals(sweep, Proposals(ready, hold))
