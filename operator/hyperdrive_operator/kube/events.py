"""EventRecorder: what ``kubectl describe`` shows, without ever being in the way of real work."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import Final, Literal

from .client import KubeClient
from .errors import ClusterError
from .kinds import EVENTS, Object

logger = logging.getLogger(__name__)

EventType = Literal["Normal", "Warning"]

# The token bucket of client-go's spam filter is 25 and one in 5 minutes; a sweep has more to say, but never in a flood.
BURST: Final = 25
REFILL_SECONDS: Final = 10.0
# Of the burst, what minor events may not take: a sweep's start, its best trials, what stalls it, its end.
RESERVE: Final = 10
# The same words within this time say nothing new. Dropping costs nothing; a series would be one more write each time.
REPEAT_AFTER: Final = timedelta(minutes=10)
# Some hundred sweeps and their trials, about 100 bytes each; the oldest is forgotten first, and may then be repeated.
MAX_REMEMBERED: Final = 10_000
# Events of a minute at the rate of a busy API server; what comes on top is dropped.
MAX_QUEUED: Final = 1_000
# The API server refuses longer ones.
MAX_NOTE_BYTES: Final = 1024


@dataclass(slots=True)
class _Bucket:
    """How many events an object may still have, as of a moment."""

    tokens: float
    at: datetime

    def take(self, now: datetime, reserve: int) -> bool:
        elapsed = max(0.0, (now - self.at).total_seconds())
        self.tokens = min(float(BURST), self.tokens + elapsed / REFILL_SECONDS)
        self.at = now
        if self.tokens < 1 + reserve:
            return False
        self.tokens -= 1
        return True


class EventRecorder:
    """Writes events in the background: a repeated, excessive or failing one is dropped, never waited for.

    Not thread-safe: ``record`` belongs into the loop that ``run`` runs in.
    """

    def __init__(self, client: KubeClient, component: str, instance: str) -> None:
        self._client = client
        self._component = component
        self._instance = instance
        self._queue: asyncio.Queue[Object] = asyncio.Queue(MAX_QUEUED)
        self._said: OrderedDict[bytes, datetime] = OrderedDict()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def record(
        self,
        regarding: Object,
        *,
        type: EventType,  # noqa: A002  # the field's name in Kubernetes
        reason: str,
        message: str,
        now: datetime,
        is_minor: bool = False,
    ) -> None:
        """Say something about an object (a reference with apiVersion, kind, namespace, name and uid).

        What is minor (one of many trials, say) leaves room for what is not.
        """
        uid = str(regarding.get("uid", ""))
        key = sha1(f"{uid}\0{reason}\0{message}".encode(), usedforsecurity=False).digest()
        said = self._said.get(key)
        if said is not None and now - said < REPEAT_AFTER:
            return
        if not self._bucket(uid, now).take(now, RESERVE if is_minor else 0):
            logger.debug("too many events of one object: dropped", extra={"reason": reason})
            return
        try:
            self._queue.put_nowait(self._event(regarding, type, reason, message, now))
        except asyncio.QueueFull:
            logger.debug("too many events: dropped", extra={"reason": reason})
            return
        self._said[key] = now
        self._said.move_to_end(key)
        while len(self._said) > MAX_REMEMBERED:
            self._said.popitem(last=False)

    async def run(self) -> None:
        """Write what is recorded, until cancelled."""
        while True:
            await self._write(await self._queue.get())

    async def flush(self) -> None:
        """Return when all that was recorded is written or given up, whether ``run`` is at work or not."""
        while not self._queue.empty():
            await self._write(self._queue.get_nowait())
        await self._queue.join()

    async def _write(self, event: Object) -> None:
        try:
            await self._client.create(EVENTS, event["metadata"]["namespace"], event)
        except ClusterError as error:
            # An event is a courtesy. Its namespace may be going away, or the Role may not allow events.
            logger.info("event not written", extra={"reason": event["reason"], "error": str(error)})
        finally:
            self._queue.task_done()

    def _bucket(self, uid: str, now: datetime) -> _Bucket:
        bucket = self._buckets.setdefault(uid, _Bucket(float(BURST), now))
        self._buckets.move_to_end(uid)
        while len(self._buckets) > MAX_REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket

    def _event(self, regarding: Object, type_: EventType, reason: str, message: str, now: datetime) -> Object:
        stamp = now.astimezone(UTC)
        # As kubectl and the kubelet name them: the object, and a number that no other event of it has.
        nanoseconds = int(stamp.timestamp() * 1e6) * 1000 + len(self._said) % 1000
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {
                "name": f"{str(regarding['name'])[:200]}.{nanoseconds:x}",
                "namespace": regarding.get("namespace") or "default",
            },
            "regarding": regarding,
            "type": type_,
            "reason": reason,
            "action": reason,  # required; nothing is gained from a second word for the same thing
            "note": _shorten(message),
            "eventTime": f"{stamp:%Y-%m-%dT%H:%M:%S.%fZ}",
            "reportingController": self._component,
            "reportingInstance": self._instance[:128],  # the API server's limit
        }


def _shorten(message: str) -> str:
    text = message.encode()
    if len(text) <= MAX_NOTE_BYTES:
        return message
    return text[: MAX_NOTE_BYTES - 3].decode(errors="ignore") + "…"
