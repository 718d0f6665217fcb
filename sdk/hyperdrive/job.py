"""The one request there is: a PATCH of the trial's Job, which also answers whether the trial has been stopped."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from .settings import REQUEST_SECONDS, Settings

#: A Job is some kilobytes. Of an answer beyond this nothing is believed.
MAX_ANSWER = 8 * 1024 * 1024
#: A Job with one of these is over, or its pods are being ended.
_ENDING = ("Failed", "FailureTarget", "Complete", "SuccessCriteriaMet", "Suspended")


class NoAccount(Exception):  # noqa: N818  it reads as what is the matter
    """The pod has no token: its service account is not mounted."""


@dataclass(frozen=True)
class Answer:
    """What the API server said."""

    status: int
    message: str = ""
    #: Seconds that it asks to be left alone.
    retry_after: float | None = None
    #: Whether the Job's pods are to end.
    is_ending: bool = False

    @property
    def is_accepted(self) -> bool:
        """Whether the report is written."""
        return 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether our Job is no more: there is none of its name, or another one."""
        return self.status == 404 or (self.status in (409, 422) and "uid" in self.message.lower())


class JobClient:
    """Patches one Job, over one connection that is kept. Proxies are for the world outside: none is used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: http.client.HTTPSConnection | None = None

    def patch(self, annotations: Mapping[str, str], *, timeout: float = REQUEST_SECONDS) -> Answer:
        """Write annotations. OSError or HTTPException if the API server can't be reached in time."""
        is_fresh = self._connection is None
        try:
            return self._request(annotations, timeout)
        except (http.client.HTTPException, ConnectionError):
            self.close()
            if is_fresh:
                raise
            return self._request(annotations, timeout)  # a kept connection that was closed meanwhile
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the connection; the next request makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _request(self, annotations: Mapping[str, str], timeout: float) -> Answer:
        connection = self._connected(timeout)
        token = self._read("token")  # each time: the kubelet puts a new one there every hour
        metadata: dict[str, Any] = {"annotations": dict(annotations)}
        if self._settings.job_uid:
            metadata["uid"] = self._settings.job_uid
        connection.request(
            "PATCH",
            f"/apis/batch/v1/namespaces/{quote(self._read('namespace'), safe='')}"
            f"/jobs/{quote(self._settings.trial, safe='')}?fieldManager=hyperdrive-sdk",
            body=json.dumps({"metadata": metadata}).encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/merge-patch+json",
                "Accept": "application/json",
                "User-Agent": "hyperdrive-sdk",
            },
        )
        response = connection.getresponse()
        body = response.read(MAX_ANSWER)
        if response.length or response.will_close:
            self.close()
        return _answer(response, body)

    def _connected(self, timeout: float) -> http.client.HTTPSConnection:
        server = self._settings.server
        if server is None:
            raise NoAccount
        if self._connection is None:
            try:
                context = ssl.create_default_context(cafile=str(server.account / "ca.crt"))
            except FileNotFoundError:
                raise NoAccount from None
            # Python 3.13 began to ask more of a certificate than many a cluster's own authority writes into it.
            context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
            self._connection = http.client.HTTPSConnection(server.host, server.port, timeout=timeout, context=context)
        elif self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        return self._connection

    def _read(self, name: str) -> str:
        server = self._settings.server
        try:
            return (server.account / name).read_text(encoding="utf-8").strip() if server else ""
        except FileNotFoundError:
            raise NoAccount from None


def _answer(response: http.client.HTTPResponse, body: bytes) -> Answer:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    said = said if isinstance(said, dict) else {}
    if 200 <= response.status < 300:
        return Answer(response.status, is_ending=is_ending(said, now=_date(response.headers.get("Date"))))
    retry_after = response.headers.get("Retry-After") or ""
    return Answer(
        response.status,
        str(said.get("message") or response.reason)[:500],
        retry_after=float(retry_after) if retry_after.isdecimal() else None,
    )


def is_ending(job: Mapping[str, Any], *, now: datetime) -> bool:
    """Tell whether a Job's pods are to end: it is being deleted, suspended, over, or past its deadline.

    The operator stops a trial by its Job's deadline, and one may be there from the beginning: so the time counts, by
    the API server's clock, as the pod's may differ.
    """
    spec, status = _dict(job.get("spec")), _dict(job.get("status"))
    if _dict(job.get("metadata")).get("deletionTimestamp") or spec.get("suspend") is True:
        return True
    for condition in status.get("conditions") or ():
        if _dict(condition).get("type") in _ENDING and condition.get("status") == "True":
            return True
    deadline, start = spec.get("activeDeadlineSeconds"), status.get("startTime")
    if not isinstance(deadline, int) or not isinstance(start, str):
        return False
    try:
        began = datetime.fromisoformat(start.replace("Z", "+00:00"))
    except ValueError:
        return False
    return (now - began).total_seconds() >= deadline


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _date(text: str | None) -> datetime:
    try:
        return parsedate_to_datetime(text or "")
    except (TypeError, ValueError):
        return datetime.now(timezone.utc)
