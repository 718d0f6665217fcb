"""An API server in memory, with KubeClient's interface: what the operator's writes rely on, and nothing more.

Being a subclass, mypy holds it to that interface; the contract tests hold the rest to a real API server. It keeps the
rules that decide what a controller may believe: names are unique, a uid never returns, resourceVersion and uid in a
patch are preconditions, status has a subresource of its own, dependents go with their owner, and numbers come back as
Go writes them (1.0 as 1).
"""

import copy
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final, Literal

from hyperdrive_operator.api.v1alpha1.status import UNSEEN
from hyperdrive_operator.core import timestamps
from hyperdrive_operator.kube.client import Page
from hyperdrive_operator.kube.errors import (
    AlreadyExistsError,
    ConflictError,
    NotFoundError,
    TransientError,
)
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object

from .builders import NOW
from .fake_logs import FakeLogs

Address = tuple[Kind, str, str]
Event = tuple[Kind, str, Object]
#: Looks at a request before it is applied; raises to refuse it.
Rule = Callable[["Write"], None]
#: What the schemas give a new object.
DEFAULT_STATUS: Final = {HYPERDRIVES: UNSEEN, HYPERDRIVE_TRIALS: {"state": "Queued"}}


@dataclass
class Clock:
    """Time that passes only when told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Write:
    """One request that changes something, or would without its dry run."""

    verb: str
    kind: Kind
    name: str
    body: Object
    subresource: str = ""
    is_dry_run: bool = False

    @property
    def what(self) -> str:
        """In short, as in 'create jobs' or 'patch hyperdrives/status'."""
        return f"{self.verb} {self.kind.plural}{'/' + self.subresource if self.subresource else ''}"


@dataclass
class Failure:
    """What befalls the n-th write: refused before it is applied, or its answer lost after it was."""

    at: int
    when: Literal["before", "after"]
    error: BaseException = field(default_factory=lambda: TransientError(0, "Unreachable", "the connection broke"))


class FakeCluster(FakeLogs):
    """Holds the objects of the four kinds. `events` is the watch: all that happened, in order."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__()
        self.clock = clock or Clock()
        self.events: list[Event] = []
        self.watchers: list[Callable[[Kind, str, Object], None]] = []
        self.writes: list[Write] = []
        self.rules: list[Rule] = []
        self.failure: Failure | None = None
        self.collects_garbage = True
        #: Whether streams bring anything: without, only what is asked for is known.
        self.is_watched = False
        self._objects: dict[Address, Object] = {}
        self._versions = count(1)
        self._uids = count(1)

    # --- what a test asks -----------------------------------------------------------------------------------------

    def all(self, kind: Kind) -> list[Object]:
        """Return copies of all objects of a kind, in the order of their creation."""
        return [copy.deepcopy(body) for address, body in self._objects.items() if address[0] is kind]

    def one(self, kind: Kind, name: str, namespace: str = "lab") -> Object:
        """Return a copy of one object; KeyError if there is none."""
        return copy.deepcopy(self._objects[kind, namespace, name])

    def unfinished_jobs(self) -> int:
        """Return how many Jobs have neither completed nor failed."""
        return sum(not job["status"].get("conditions") for job in self.all(JOBS))

    # --- what others than the operator do --------------------------------------------------------------------------

    def put(self, kind: Kind, body: Object) -> Object:
        """Create an object as a user or another controller does: neither counted nor failed."""
        return copy.deepcopy(self._store(kind, body["metadata"].get("namespace", "lab"), body))

    def change(self, kind: Kind, name: str, change: Object, *, subresource: str = "") -> Object:
        """Merge-patch an object as a user or another controller does: neither counted nor failed."""
        return copy.deepcopy(self._patch((kind, "lab", name), change, subresource))

    def remove(self, kind: Kind, name: str) -> None:
        """Delete an object as a user does, and what it owns."""
        self._remove((kind, "lab", name))
        if self.collects_garbage:
            self.collect_garbage()

    def finish_deletions(self) -> int:
        """Play the garbage collector: what is deleted in the foreground goes, after what it owns."""
        leaving = [address for address, body in self._objects.items() if "deletionTimestamp" in body["metadata"]]
        for address in leaving:
            uid = self._objects[address]["metadata"]["uid"]
            for dependent in [one for one in self._objects if self._is_owned(one, uid)]:
                self._remove(dependent)
            self._remove(address)
        return len(leaving)

    def collect_garbage(self) -> None:
        """Delete whatever has lost its owner."""
        while True:
            uids = {body["metadata"]["uid"] for body in self._objects.values()}
            orphans = [
                address
                for address, body in self._objects.items()
                if any(owner["uid"] not in uids for owner in body["metadata"].get("ownerReferences") or ())
            ]
            if not orphans:
                return
            for address in orphans:
                self._remove(address)

    # --- KubeClient --------------------------------------------------------------------------------------------------

    async def get(self, kind: Kind, namespace: str, name: str) -> Object:
        self.requests += 1
        return copy.deepcopy(self._found((kind, namespace, name)))

    async def pages(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", page: int = 500
    ) -> AsyncIterator[Page]:
        version = str(len(self.events))
        yield Page(version, await self.list(kind, namespace, label_selector=label_selector, page=page))

    async def watch(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", version: str
    ) -> AsyncGenerator[tuple[str, Object]]:
        """Stream the events, if `is_watched`; here a list's version is the number of events before it."""
        wanted, sent = _terms(label_selector), int(version)
        while True:
            while self.is_watched and sent < len(self.events):
                of_kind, event_type, body = self.events[sent]
                sent += 1
                if of_kind is kind and namespace in {None, body["metadata"]["namespace"]} and _has_labels(body, wanted):
                    yield event_type, copy.deepcopy(body)
            await self._moved()

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        page: int = 500,  # noqa: ARG002  the interface's; all fits one page
    ) -> list[Object]:
        self.requests += 1
        wanted = _terms(label_selector)
        return [
            body
            for body in self.all(kind)
            if namespace in {None, body["metadata"]["namespace"]} and _has_labels(body, wanted)
        ]

    async def create(self, kind: Kind, namespace: str, body: Object, *, dry_run: bool = False) -> Object:
        write = Write("create", kind, body["metadata"]["name"], copy.deepcopy(body), is_dry_run=dry_run)
        return self._write(write, lambda: self._store(kind, namespace, body, dry_run=dry_run))

    async def patch(self, kind: Kind, namespace: str, name: str, body: Object, *, subresource: str = "") -> Object:
        write = Write("patch", kind, name, copy.deepcopy(body), subresource)
        return self._write(write, lambda: self._patch((kind, namespace, name), body, subresource))

    async def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        propagation: str = "Background",
        grace_seconds: int | None = None,  # noqa: ARG002  the interface's
    ) -> Object | None:
        address = (kind, namespace, name)
        write = Write("delete", kind, name, {"uid": uid, "propagationPolicy": propagation})
        return self._write(write, lambda: self._delete(address, uid, propagation)) or None

    def found(self, kind: Kind, namespace: str, name: str) -> Object:
        return self._found((kind, namespace, name))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _write(self, write: Write, apply: Callable[[], Object]) -> Object:
        self.requests += 1
        for rule in self.rules:
            rule(write)
        failure = self.failure if self.failure and self.failure.at == len(self.writes) else None
        self.writes.append(write)
        if failure and failure.when == "before":
            raise failure.error
        body = apply()
        if failure:
            raise failure.error
        return copy.deepcopy(body)

    def _store(self, kind: Kind, namespace: str, given: Object, *, dry_run: bool = False) -> Object:
        body: Object = _as_stored({"apiVersion": kind.api_version, "kind": kind.kind, **given})
        address = (kind, namespace, body["metadata"]["name"])
        if address in self._objects:
            raise AlreadyExistsError(409, "AlreadyExists", f'{kind.plural} "{address[2]}" already exists')
        body["metadata"] |= {
            "namespace": namespace,
            "uid": f"uid-{next(self._uids)}",
            "generation": 1,
            "creationTimestamp": timestamps.text(self.clock.now),
        }
        if kind is not PODS:  # the others' status has a subresource of its own
            body["status"] = dict(DEFAULT_STATUS.get(kind, {}))
        if dry_run:
            return body
        self._objects[address] = body
        self._changed("ADDED", kind, body)
        return body

    def _patch(self, address: Address, patch: Object, subresource: str) -> Object:
        before = self._found(address)
        patch = dict(_as_stored(patch))
        for precondition in ("uid", "resourceVersion"):
            wanted = patch.get("metadata", {}).pop(precondition, None)
            if wanted not in {None, before["metadata"][precondition]}:
                raise ConflictError(409, "Conflict", f"{address[2]} has changed: its {precondition} is another")
        body: Object = _merged(before, {"status": patch.get("status")} if subresource == "status" else patch)
        if subresource != "status" and address[0] is not PODS:
            body["status"] = before["status"]
        if body == before:
            return before  # a patch that changes nothing makes no new version
        if body.get("spec") != before.get("spec"):
            body["metadata"]["generation"] += 1
        self._objects[address] = body
        self._changed("MODIFIED", address[0], body)
        return body

    def _delete(self, address: Address, uid: str, propagation: str) -> Object:
        """Delete an object; one whose dependents go first stays until then, and only that is told."""
        body = self._objects.get(address)
        if body is None or uid not in {"", body["metadata"]["uid"]}:
            return {}
        if propagation == "Foreground" and any(self._is_owned(one, body["metadata"]["uid"]) for one in self._objects):
            if "deletionTimestamp" not in body["metadata"]:
                metadata = {**body["metadata"], "deletionTimestamp": timestamps.text(self.clock.now)}
                body = self._objects[address] = {**body, "metadata": metadata}
                self._changed("MODIFIED", address[0], body)
            return body
        self._remove(address)
        if self.collects_garbage:
            self.collect_garbage()
        return {}

    def _is_owned(self, address: Address, uid: str) -> bool:
        return any(one["uid"] == uid for one in self._objects[address]["metadata"].get("ownerReferences") or ())

    def _remove(self, address: Address) -> None:
        body = self._objects.pop(address)
        if address[0] is PODS:
            self.logs.pop(address[2], None)
        self._changed("DELETED", address[0], body)

    def _changed(self, event: str, kind: Kind, body: Object) -> None:
        body["metadata"]["resourceVersion"] = str(next(self._versions))
        self.events.append((kind, event, copy.deepcopy(body)))
        self.wake()
        for watcher in self.watchers:
            watcher(kind, event, copy.deepcopy(body))

    def _found(self, address: Address) -> Object:
        if address not in self._objects:
            raise NotFoundError(404, "NotFound", f'{address[0].plural} "{address[2]}" not found')
        return self._objects[address]


KINDS = (HYPERDRIVES, HYPERDRIVE_TRIALS, JOBS, PODS)


def _terms(label_selector: str) -> list[tuple[str, str, str]]:
    return [term.partition("=") for term in label_selector.split(",") if term]


def _has_labels(body: Object, wanted: list[tuple[str, str, str]]) -> bool:
    labels = body["metadata"].get("labels") or {}
    return all(key in labels and (not equals or labels[key] == value) for key, equals, value in wanted)


def _as_stored(value: Any) -> Any:
    """Return a deep copy as it comes back from an API server: pure JSON in order, whole numbers without a fraction."""
    return _go_numbers(json.loads(json.dumps(value, allow_nan=False)))


def _go_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _go_numbers(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_go_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


def _merged(target: Any, patch: Any) -> Any:
    """Apply a merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
