"""Reads the output of trials in the background: a log that hangs keeps nothing else waiting."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trials import Log, Trial
from hyperdrive_operator.kube.client import KubeClient

from .cache import Cache
from .following import MAX_PARALLEL_READS, MAX_STREAMS, Following, Places
from .output import Output
from .queue import Key

logger = logging.getLogger(__name__)

#: Reports alone lead to a pass over a sweep at most so often: it has 10,000 trials to look at.
NEWS_SECONDS: Final = 1.0


#: A trial's uid, and which attempt at it.
_Attempt = tuple[str, int]


class LogReader:
    """At most one task for each trial; what it reads goes into the cache, and the sweep is looked at again."""

    def __init__(self, client: KubeClient, cache: Cache, on_news: Callable[[Key], None]) -> None:
        self._client = client
        self._cache = cache
        self._on_news = on_news
        self._places = Places(asyncio.Semaphore(MAX_PARALLEL_READS), asyncio.Semaphore(MAX_STREAMS))
        self._followings: dict[_Attempt, Following] = {}
        self._tasks: dict[_Attempt, asyncio.Task[None]] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    @property
    def followed(self) -> int:
        """How many logs are being read."""
        return len(self._followings)

    @property
    def is_reading_rests(self) -> bool:
        """The end of a trial's log is being read."""
        return any(following.is_finished for following in self._followings.values())

    def read(self, sweep: Sweep, trial: Trial) -> None:
        """Follow a running trial's log; or read what is left of it when its Job has finished. Goes on beside."""
        following = self._start(sweep, trial)
        if following is not None and trial.job is not None and trial.job.finished:
            following.finish()

    async def close(self) -> None:
        """Stop all reading. Nothing is lost: who starts next goes on from what is recorded."""
        for timer in self._timers.values():
            timer.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, sweep: Sweep, trial: Trial) -> Following | None:
        uid, key = trial.record.uid, Key(sweep.namespace, sweep.name)
        attempt = (uid, trial.record.attempt)
        if attempt in self._followings or sweep.spec is None or trial.job is None:
            return self._followings.get(attempt)
        output = Output(self._client, self._cache, sweep.spec, trial.record)
        following = Following(output, self._places, lambda log: self._publish(key, uid, log))
        self._followings[attempt] = following
        task = asyncio.create_task(self._run(following, trial.record.name), name=f"log-{trial.record.name}")
        self._tasks[attempt] = task
        task.add_done_callback(lambda _: self._forget(attempt))
        return following

    async def _run(self, following: Following, name: str) -> None:
        try:
            await following.run()
        except Exception:  # a bug here must not keep the trial from ending
            logger.exception("reading a log failed", extra={"trial": name})
            following.give_up()

    def _forget(self, attempt: _Attempt) -> None:
        self._tasks.pop(attempt, None)
        self._followings.pop(attempt, None)

    def _publish(self, key: Key, uid: str, log: Log) -> None:
        self._cache.observe_log(uid, log)
        if log.is_whole:
            self._on_news(key)  # the trial's end waits for it
        elif log.progress.last and key not in self._timers:
            self._timers[key] = asyncio.get_running_loop().call_later(NEWS_SECONDS, self._fire, key)

    def _fire(self, key: Key) -> None:
        self._timers.pop(key, None)
        self._on_news(key)
