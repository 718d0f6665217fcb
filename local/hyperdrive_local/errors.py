"""The API server's refusals, worded and coded as the real one words and codes them.

Clients act on `reason` (kubectl prints `Error from server (NotFound): ...`) and people search for `message`, so both
are part of the protocol. One exception carries them all; the functions below are the only places that word them.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from hyperdrive_local.resources import Resource


class ApiError(Exception):
    """A request that the API server refuses: becomes a `Status` object on the wire."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> dict[str, Any]:
        """The `Status` object that tells a client of it."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details:
            status["details"] = self.details
        return status | {"code": self.code}


class Cause(Protocol):
    """One reason why an object is invalid: where, of what kind, and the sentence. `str()` has both."""

    @property
    def path(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def body(self) -> str: ...


def qualified(resource: "Resource") -> str:
    """`jobs.batch`, or `pods` in the core group: how messages name a resource."""
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def details_of(resource: "Resource", name: str) -> dict[str, Any]:
    """The `details` that most refusals carry: the group is left out in the core group."""
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return {key: value for key, value in details.items() if value}


def not_found(resource: "Resource", name: str) -> ApiError:
    """The object is not there."""
    return ApiError(404, "NotFound", f'{qualified(resource)} "{name}" not found', details_of(resource, name))


def no_such_resource() -> ApiError:
    """Nothing is served at that path."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: "Resource", name: str) -> ApiError:
    """An object of that name is there."""
    message = f'{qualified(resource)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, details_of(resource, name))


def conflict(resource: "Resource", name: str, why: str) -> ApiError:
    """The write was for another state of the object than the one stored."""
    message = f'Operation cannot be fulfilled on {qualified(resource)} "{name}": {why}'
    return ApiError(409, "Conflict", message, details_of(resource, name))


def modified(resource: "Resource", name: str) -> ApiError:
    """Someone else wrote in between: the conflict that clients retry."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, why)


def forbidden(resource: "Resource", name: str, why: str, causes: Iterable[dict[str, str]] = ()) -> ApiError:
    """The request is understood and refused."""
    details = details_of(resource, name)
    if listed := list(causes):
        details["causes"] = listed
    return ApiError(403, "Forbidden", f'{qualified(resource)} "{name}" is forbidden: {why}', details)


def not_decodable(resource: "Resource", kind: str, problem: str) -> ApiError:
    """The body is no object of this kind."""
    return bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {problem}')


def bad_request(message: str) -> ApiError:
    """The request itself is wrong."""
    return ApiError(400, "BadRequest", message)


def invalid(resource: "Resource", name: str, causes: Sequence[Cause]) -> ApiError:
    """The object breaks its schema or a rule: one cause for each field."""
    return invalid_kind(resource.kind, resource.group, name, causes)


def invalid_kind(kind: str, group: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """The same for what is no object: options of a request."""
    distinct = list(dict.fromkeys(str(cause) for cause in causes))
    listed = distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]"
    named = {"name": name, "group": group, "kind": kind}
    details: dict[str, Any] = {key: value for key, value in named.items() if value}
    details["causes"] = [{"reason": cause.reason, "message": cause.body, "field": cause.path} for cause in causes]
    return ApiError(422, "Invalid", f'{f"{kind}.{group}" if group else kind} "{name}" is invalid: {listed}', details)


def expired(message: str) -> ApiError:
    """The resourceVersion or continue token is older than what is kept: list again."""
    return ApiError(410, "Expired", message)


def method_not_allowed() -> ApiError:
    """The verb is not served for this resource."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, {})


def unsupported_media_type(message: str) -> ApiError:
    """The body is in a form that is not read here."""
    return ApiError(415, "UnsupportedMediaType", message)


def unauthorized() -> ApiError:
    """No token, or not ours."""
    return ApiError(401, "Unauthorized", "Unauthorized")
