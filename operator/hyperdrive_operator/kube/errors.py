"""What can go wrong between us and the API server.

::

    KubeConfigError                no usable way to a cluster: the person who starts the operator must act
    ClusterError                   the API server (or the way to it) said no
    ├── NotFoundError              404
    ├── AlreadyExistsError         409, reason AlreadyExists
    ├── ConflictError              409, any other reason: somebody changed it, read again
    ├── InvalidError               400, 413, 422: the object is wrong, a retry will not help
    ├── ForbiddenError             403: a permission, a quota, an admission policy or a namespace that is going away
    ├── UnauthorizedError          401: our credentials are no longer taken
    ├── GoneError                  410: the page or version asked for is too old
    ├── ThrottledError             429, or 503 with Retry-After: come back after ``retry_after`` seconds
    ├── TransientError             other 5xx, timeouts, broken connections: come back later
    └── NotLeaderError             another replica may be the leader: nothing was sent

``error_from_status`` is the only place that tells them apart.
"""

from collections.abc import Mapping
from typing import Any, Final

from .decoding import decode


class KubeConfigError(Exception):
    """The kubeconfig (or the pod's service account) does not lead to a cluster."""


class ClusterError(Exception):
    """The API server refused a request, or could not be reached (status 0)."""

    def __init__(self, status: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details: Mapping[str, Any] = details or {}

    def __str__(self) -> str:
        return f"{self.status} {self.reason}: {self.message}" if self.status else self.message


class NotFoundError(ClusterError):
    """There is no such object (or no such resource)."""


class AlreadyExistsError(ClusterError):
    """An object of that name is there already."""


class ConflictError(ClusterError):
    """The object is no longer as the caller believed."""


class InvalidError(ClusterError):
    """The API server does not take the object. ``message`` is its own text, which names the fields."""

    @property
    def causes(self) -> tuple[tuple[str, str], ...]:
        """(field, message) of each fault, as far as the API server lists them."""
        causes = self.details.get("causes") or ()
        return tuple((str(cause.get("field", "")), str(cause.get("message", ""))) for cause in causes)


class ForbiddenError(ClusterError):
    """We may not do this, or not now."""

    @property
    def quota(self) -> bool:
        """Whether a resource quota of the namespace is used up: it passes when something ends."""
        # The API server has no machine-readable reason for it; this wording is the quota plugin's since 1.2.
        return "exceeded quota" in self.message

    @property
    def terminating(self) -> bool:
        """Whether the namespace is being deleted: nothing can be created in it any more."""
        causes = self.details.get("causes") or ()
        return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


class UnauthorizedError(ClusterError):
    """Our credentials are not accepted (any more)."""


class GoneError(ClusterError):
    """The version or page asked for is no longer kept."""


class ThrottledError(ClusterError):
    """The API server asks for a pause."""

    retry_after: float = 1.0  # what client-go assumes when the server names no number


class TransientError(ClusterError):
    """Nothing is wrong with the request: try again later."""


class NotLeaderError(ClusterError):
    """We do not hold the Lease (any more): whoever does, acts."""

    def __init__(self) -> None:
        super().__init__(0, "NotLeader", "another replica may be the leader: nothing is written")


_BY_STATUS: Final[Mapping[int, type[ClusterError]]] = {
    400: InvalidError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    408: TransientError,
    409: ConflictError,
    410: GoneError,
    413: InvalidError,  # larger than the API server takes: the same object will never fit
    422: InvalidError,
    429: ThrottledError,
}


def error_from_status(status: int, body: bytes, headers: Mapping[str, str]) -> ClusterError:
    """Make the error of an answer that is not 2xx. Total: any body will do."""
    answer = _parse(body)
    message = str(answer.get("message") or body[:500].decode(errors="replace").strip() or f"HTTP {status}")
    error = _error(status, answer, message)
    # Retry-After may also be a date, which Kubernetes never sends: then the default stands.
    retry_after = headers.get("Retry-After", "")
    if retry_after.isdecimal() and status == 503:
        error = ThrottledError(status, error.reason, message, error.details)
    if retry_after.isdecimal() and isinstance(error, ThrottledError):
        error.retry_after = float(retry_after)
    return error


def error_from_object(answer: object) -> ClusterError:
    """Make the error of a ``Status`` that came in place of an object. Total: any JSON will do."""
    answer = answer if isinstance(answer, dict) else {}
    code = answer.get("code")
    return _error(code if isinstance(code, int) else 500, answer, str(answer.get("message") or "an error without text"))


def _error(status: int, answer: Mapping[str, Any], message: str) -> ClusterError:
    reason = str(answer.get("reason") or "Unknown")
    kind = _BY_STATUS.get(status, TransientError if status >= 500 else ClusterError)
    if reason == "AlreadyExists":
        kind = AlreadyExistsError
    details = answer.get("details")
    return kind(status, reason, message, details if isinstance(details, dict) else None)


def _parse(body: bytes) -> dict[str, Any]:
    """Read a ``Status`` object; a proxy's HTML page is no Status."""
    try:
        answer = decode(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
