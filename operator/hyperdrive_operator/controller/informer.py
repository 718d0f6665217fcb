"""An informer: knows all objects of one kind, by a list and the watch that goes on from its version.

What kopf's streams lack matters here: an object that was deleted while no stream was open is missed by the next list,
and so told of. And an event costs what its JSON costs: no task, no thread and no handler's machinery for each.
"""

import asyncio
import logging
import random
from collections.abc import Set
from contextlib import aclosing
from typing import Final, Protocol

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import (
    ClusterError,
    GoneError,
    NotLeaderError,
    ThrottledError,
    TransientError,
    UnauthorizedError,
)
from hyperdrive_operator.kube.kinds import Kind, Object

logger = logging.getLogger(__name__)

#: Pauses after failures in a row; each is drawn anew up to a fifth shorter, so that replicas do not ask together.
PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
#: Between the beginnings of two streams: one that ends at once is not opened a thousand times a second.
REOPEN_SECONDS: Final = 1.0
#: Between the ends of two lists, if one version after the other is gone.
LIST_INTERVAL_SECONDS: Final = 5.0
#: After these the version from which to go on is still good; after others (a CRD that is gone, say) who knows.
_PASSING: Final = (TransientError, ThrottledError, UnauthorizedError, NotLeaderError)


class Store(Protocol):
    """Where the objects go. All is called in the event loop."""

    def observe(self, kind: Kind, event_type: str | None, body: Object) -> None:
        """Take in an object of a list (the type is None) or of an event."""

    def mark(self) -> int:
        """Return a mark of what was taken in so far."""

    def forget_others(self, kind: Kind, namespace: str | None, listed: Set[str], mark: int) -> None:
        """Forget what a list lacked (it holds uids) and was not taken in after the mark."""


async def take_in(client: KubeClient, store: Store, kind: Kind, selector: str, namespace: str | None) -> str:
    """List all objects of a kind and forget all others; return the list's version. Raises ClusterError.

    One page at a time: ten thousand pods at once would be 100 MB.
    """
    mark, version = store.mark(), ""
    listed = set()
    async for page in client.pages(kind, namespace, label_selector=selector):
        version = page.version
        for body in page.items:
            listed.add(body["metadata"]["uid"])
            store.observe(kind, None, body)
    store.forget_others(kind, namespace, listed, mark)
    return version


class Informer:
    """Lists and watches one kind, in one namespace or in all (None)."""

    def __init__(
        self,
        client: KubeClient,
        store: Store,
        kind: Kind,
        selector: str,
        namespace: str | None,
        *,
        resync_seconds: float,
        owners: Kind | None = None,
    ) -> None:
        self._client = client
        self._store = store
        self._kind = kind
        self._selector = selector
        self._namespace = namespace
        self._resync_seconds = resync_seconds
        #: Listed before this kind: what a list lacks may have gone with its owner, and must not look like a loss.
        self._owners = owners
        self._failures = 0
        self._listed_at = 0.0
        #: Set when all that there is was taken in once.
        self.synced = asyncio.Event()
        #: Why nothing is heard for now; empty if all is well.
        self.problem = ""

    async def run(self) -> None:
        """List and watch until cancelled, whatever befalls the API server. Raises only what is a bug."""
        while True:
            try:
                version = await self._list()
                await self._follow(version)
            except GoneError:  # the version was compacted away meanwhile: all is listed anew
                await asyncio.sleep(self._listed_at + LIST_INTERVAL_SECONDS - asyncio.get_running_loop().time())
            except ClusterError as error:
                await self._pause(error)

    async def _list(self) -> str:
        if self._owners is not None:
            await take_in(self._client, self._store, self._owners, "", self._namespace)
        version = await take_in(self._client, self._store, self._kind, self._selector, self._namespace)
        self._listed_at = asyncio.get_running_loop().time()
        self._recovered()
        self.synced.set()
        return version

    async def _follow(self, version: str) -> None:
        """Take in what happens after a version. Returns when it is time to list again: the watch may miss something."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._resync_seconds * random.uniform(0.9, 1.1)  # noqa: S311  spreads load, no secret
        while (began := loop.time()) < due:
            try:
                version = await self._read_stream(version, due)
            except _PASSING as error:
                await self._pause(error)
            else:
                await asyncio.sleep(began + REOPEN_SECONDS - loop.time())

    async def _read_stream(self, version: str, due: float) -> str:
        """Read one stream to its end or until a time of the loop's clock; return the version reached."""
        stream = self._client.watch(self._kind, self._namespace, label_selector=self._selector, version=version)
        try:
            async with asyncio.timeout_at(due), aclosing(stream) as events:
                async for event_type, body in events:
                    version = body["metadata"]["resourceVersion"]
                    if event_type != "BOOKMARK":
                        self._store.observe(self._kind, event_type, body)
                    self._recovered()
        except TimeoutError:
            pass
        return version

    async def _pause(self, error: ClusterError) -> None:
        seconds = PAUSES_SECONDS[min(self._failures, len(PAUSES_SECONDS) - 1)] * random.uniform(0.8, 1.0)  # noqa: S311
        if isinstance(error, ThrottledError):
            seconds = max(seconds, error.retry_after)
        self._failures += 1
        if self._failures > 1:  # one in a row is nothing to tell of
            self.problem = f"{self._kind.plural} can't be watched: {error}"
        if self._failures in {2, 10} or self._failures % 100 == 0:
            logger.warning("%s", self.problem, extra={"failures": self._failures})
        await asyncio.sleep(seconds)

    def _recovered(self) -> None:
        if self._failures > 1:
            logger.info("%s are watched again", self._kind.plural)
        self._failures, self.problem = 0, ""
