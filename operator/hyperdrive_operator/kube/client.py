"""KubeClient: every request that the operator makes, as raw JSON.

The generated methods of ``kubernetes.aio`` validate arguments and build models (0.8 ms and 37 KB for a Job), and the
client underneath copies and walks what it sends: of all that only the reading of credentials is used.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp

from .decoding import decode, lines_of
from .errors import (
    ConflictError,
    GoneError,
    InvalidError,
    NotFoundError,
    NotLeaderError,
    TransientError,
    error_from_object,
)
from .kinds import PODS, Kind, Object
from .transport import REQUEST_TIMEOUT, Request, RequestObserver, Transport, unobserved

# A page of 500 large Jobs is megabytes.
LIST_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, sock_connect=10)
# No line for so long: either the container is quiet or the connection is dead, and only asking again tells which.
LOG_IDLE_SECONDS: Final = 300.0
#: One that is not followed has no reason to be silent: what there is of it comes at once.
LOG_READ_IDLE_SECONDS: Final = 30.0
# A watch brings a bookmark each minute: without one the connection is dead, whatever TCP believes.
WATCH_IDLE_SECONDS: Final = 75.0


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and the version at which all of it is true."""

    version: str
    items: list[Object]


class KubeClient:
    """One connection pool to one API server. Lives in one event loop; close it there.

    Nothing is written while ``may_write`` says no: NotLeaderError. It is asked before each write, so that none begins
    after our Lease may have expired, whatever held up the loop since the decision.
    """

    def __init__(self, transport: Transport, may_write: Callable[[], bool] = lambda: True) -> None:
        self._transport = transport
        self._may_write = may_write
        self.server = transport.server

    @classmethod
    async def connect(
        cls,
        *,
        kubeconfig: str | None,
        context: str | None = None,
        user_agent: str,
        on_request: RequestObserver = unobserved,
        may_write: Callable[[], bool] = lambda: True,
    ) -> "KubeClient":
        """Read the kubeconfig, or without one the pod's service account. Sends nothing; raises KubeConfigError."""
        return cls(await Transport.open(kubeconfig, context, user_agent, on_request), may_write)

    async def close(self) -> None:
        """Close all connections. Requests under way fail."""
        await self._transport.close()

    async def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Read one object."""
        return await self._send(Request("get", "GET", kind, kind.path(namespace, name)))

    async def pages(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", page: int = 500
    ) -> AsyncIterator[Page]:
        """Yield all objects, of one namespace or of all, as they were at one version. The loop gets its turn between.

        GoneError if the caller takes longer than the 5 minutes that etcd keeps a version.
        """
        query = _query(label_selector, limit=str(page))
        while True:
            answer = await self._send(
                Request("list", "GET", kind, kind.path(namespace), query=query, timeout=LIST_TIMEOUT)
            )
            metadata = answer.get("metadata") or {}
            items = answer.get("items") or []
            for item in items:  # those of a built-in kind come without them
                item.setdefault("apiVersion", kind.api_version)
                item.setdefault("kind", kind.kind)
            yield Page(str(metadata.get("resourceVersion", "")), items)
            token = metadata.get("continue")
            if not token:
                return
            query = query | {"continue": str(token)}

    async def list(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", page: int = 500
    ) -> list[Object]:
        """Read all objects, of one namespace or of all."""
        try:
            return await _items(self.pages(kind, namespace, label_selector=label_selector, page=page))
        except GoneError:  # a version was no longer kept: once more from the start
            return await _items(self.pages(kind, namespace, label_selector=label_selector, page=page))

    async def watch(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", version: str
    ) -> AsyncGenerator[tuple[str, Object]]:
        """Yield what happens after a version: ADDED, MODIFIED, DELETED or BOOKMARK, and the object.

        Ends, without an error, when the API server ends it, or when nothing (not even the bookmark of each minute) came
        for WATCH_IDLE_SECONDS: ask again then, with the last object's version. Raises ClusterError; GoneError if the
        version is no longer kept. Does not count as a request in flight.
        """
        query = _query(label_selector, watch="true", allowWatchBookmarks="true", resourceVersion=version)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=WATCH_IDLE_SECONDS)
        request = Request("watch", "GET", kind, kind.path(namespace), query=query, timeout=timeout)
        async with self._transport.stream(request) as chunks:
            try:
                async for line in lines_of(chunks):
                    yield _event(line)
            except TimeoutError:
                return

    async def check_access(self, kind: Kind, namespace: str | None = None) -> None:
        """Ask for at most one object, to learn whether we may. Raises what a list would raise."""
        await self._send(Request("list", "GET", kind, kind.path(namespace), query={"limit": "1"}))

    async def served_resources(self, group: str, version: str) -> frozenset[str]:
        """Return the plurals that the API server serves in a group and version; none if it does not know it."""
        index = Kind(group, version, "", "", namespaced=False)
        try:
            answer = await self._send(Request("get", "GET", index, index.path(None), "discovery"))
        except NotFoundError:
            return frozenset()
        return frozenset(str(resource["name"]) for resource in answer.get("resources") or ())

    async def create(self, kind: Kind, namespace: str, body: Object, *, dry_run: bool = False) -> Object:
        """Create an object. A dry run passes admission and validation, and stores nothing."""
        query = {"dryRun": "All"} if dry_run else {}
        return await self._send(Request("create", "POST", kind, kind.path(namespace), query=query, body=body))

    async def patch(self, kind: Kind, namespace: str, name: str, body: Object, *, subresource: str = "") -> Object:
        """Merge-patch an object. ``metadata.resourceVersion`` or ``metadata.uid`` in the body is a precondition.

        ConflictError if it does not hold: another version, or another object of the same name.
        """
        request = Request(
            "patch",
            "PATCH",
            kind,
            kind.path(namespace, name, subresource),
            f"{kind.plural}/{subresource}" if subresource else "",
            body=body,
            content_type="application/merge-patch+json",
        )
        try:
            return await self._send(request)
        except InvalidError as error:
            # The API server has no precondition on the uid of a built-in kind: it calls the uid an immutable field.
            if "metadata.uid" in (field for field, _ in error.causes):
                raise ConflictError(409, "Conflict", error.message, error.details) from error
            raise

    async def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        propagation: str = "Background",
        grace_seconds: int | None = None,
    ) -> Object | None:
        """Delete an object; with a uid only that one, whoever has its name now. Gone already is success.

        Returns the object if it is still there and waits for something (its dependents, a grace period); None if not.
        """
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            answer = await self._send(Request("delete", "DELETE", kind, kind.path(namespace, name), body=options))
        except NotFoundError:
            return None
        except ConflictError:
            if not uid:
                raise
            return None  # the name is another object's by now: the one that was meant is gone
        return answer if "deletionTimestamp" in (answer.get("metadata") or {}) else None

    async def read_log(
        self, namespace: str, pod: str, container: str = "", *, tail_lines: int, limit_bytes: int
    ) -> bytes:
        """Read the last lines of a container's log, at most ``limit_bytes`` of them (cut at the end)."""
        query = {"tailLines": str(tail_lines), "limitBytes": str(limit_bytes)}
        return await self._transport.send(_log_request(namespace, pod, container, query, REQUEST_TIMEOUT))

    async def stream_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = True,
        previous: bool = False,
        since_time: str = "",
        timestamps: bool = False,
        idle_seconds: float | None = None,
    ) -> AsyncGenerator[bytes]:
        """Yield a container's log in chunks as it grows, until the container ends; or else what there is of it now.

        If it is followed, it also ends, without an error, when nothing came for ``idle_seconds``: ask again with
        ``since_time`` then. If not, there is more that did not come, and that is a TransientError, as a connection that
        breaks is in both cases. Does not count as a request in flight.
        """
        if idle_seconds is None:
            idle_seconds = LOG_IDLE_SECONDS if follow else LOG_READ_IDLE_SECONDS
        query = {"follow": "true"} if follow else {}
        if previous:
            query["previous"] = "true"
        if since_time:
            query["sinceTime"] = since_time
        if timestamps:
            query["timestamps"] = "true"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=idle_seconds)
        async with self._transport.stream(_log_request(namespace, pod, container, query, timeout)) as chunks:
            try:
                async for chunk in chunks:
                    yield chunk
            except TimeoutError as error:
                if not follow:
                    raise TransientError(0, "Timeout", "the log has broken off: nothing came any more") from error

    async def _send(self, request: Request) -> Object:
        if request.method != "GET" and not self._may_write():
            raise NotLeaderError
        try:
            answer = decode(await self._transport.send(request))
        except ValueError as error:
            raise TransientError(0, "NotJSON", "the API server's answer is cut off or is no JSON") from error
        if not isinstance(answer, dict):
            raise TransientError(0, "NotJSON", "the API server's answer is no JSON object")
        return answer


async def _items(pages: AsyncIterator[Page]) -> list[Object]:
    return [item async for page in pages for item in page.items]


def _query(label_selector: str, **query: str) -> dict[str, str]:
    return query | ({"labelSelector": label_selector} if label_selector else {})


def _event(line: bytes) -> tuple[str, Object]:
    """Read a line of a watch. Raises ClusterError: what the server tells of instead, or that the line is no event."""
    try:
        event = decode(line)
        event_type, body = event["type"], event["object"]
        if event_type != "ERROR":
            body["metadata"]["resourceVersion"]  # what is no object shall not surprise a reader later
            return event_type, body
    except (ValueError, KeyError, TypeError) as error:
        raise TransientError(0, "NotJSON", "a watch has brought what is no event") from error
    raise error_from_object(body)


def _log_request(
    namespace: str, pod: str, container: str, query: dict[str, str], timeout: aiohttp.ClientTimeout
) -> Request:
    if container:
        query["container"] = container
    return Request("log", "GET", PODS, PODS.path(namespace, pod, "log"), "pods/log", query, timeout=timeout)
