"""The API server's audit log: JSON lines, metadata level."""

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from .kubectl import Kubectl, KubectlError, Object

#: The API server's own limit for a batch is half a minute.
WRITTEN_SECONDS = 60
LOOK_SECONDS = 0.5


class Grant(NamedTuple):
    """One thing that one may do, or did."""

    group: str
    resource: str
    verb: str


def granted(role: Object) -> set[Grant]:
    """Return all that a role allows, one by one."""
    return {
        Grant(group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def wait_until_written(log: Path) -> None:
    """Wait until the log has a request of just now: the API server writes it in batches."""
    marker = f"/version?e2e-marker={secrets.token_hex(8)}"
    with suppress(KubectlError):
        Kubectl()("get", f"--raw={marker}")
    deadline = time.monotonic() + WRITTEN_SECONDS
    while not any(marker in line for line in _lines(log)):
        assert time.monotonic() < deadline, f"{log} has no line with {marker}: is it this API server's audit log?"
        time.sleep(LOOK_SECONDS)  # nothing tells when a file grows


def requests_of(
    log: Path, user: str, since: datetime, absences: Sequence[tuple[datetime, datetime]] = ()
) -> tuple[set[Grant], list[str]]:
    """Return what a user did since then, and which of its requests RBAC refused while it was meant to have its roles.

    Requests for no resource (discovery) are everybody's right. A 403 by a quota or a namespace that is going away is
    not RBAC's: its decision was `allow`.
    """
    used: set[Grant] = set()
    forbidden: list[str] = []
    for line in _lines(log):
        if user not in line:
            continue
        event: Object = json.loads(line)
        reference = event.get("objectRef") or {}
        is_ours = event["user"]["username"] == user and event["requestReceivedTimestamp"] >= _text(since)
        if not is_ours or "resource" not in reference:
            continue
        if (event.get("annotations") or {}).get("authorization.k8s.io/decision") == "forbid":
            at = datetime.fromisoformat(event["requestReceivedTimestamp"])
            if not any(began <= at <= ended for began, ended in absences):
                forbidden.append(f"{event['verb']} {event['requestURI']}")
            continue
        resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
        used.add(Grant(reference.get("apiGroup", ""), resource, event["verb"]))
    return used, forbidden


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S.%fZ}"


def _lines(log: Path) -> Iterator[str]:
    """Yield all complete lines, those that were rotated away (NAME-TIME.log) first."""
    for path in [*sorted(log.parent.glob(f"{log.stem}-*{log.suffix}")), log]:
        with path.open(encoding="utf-8") as stream:
            yield from (line for line in stream if line.endswith("\n"))
