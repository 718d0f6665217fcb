import json

import pytest

from hyperdrive_operator.kube.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
    ThrottledError,
    TransientError,
    UnauthorizedError,
    error_from_status,
)


def status(reason: str = "", message: str = "", details: object = None) -> bytes:
    return json.dumps({"kind": "Status", "reason": reason, "message": message, "details": details}).encode()


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (400, "BadRequest", InvalidError),
        (401, "Unauthorized", UnauthorizedError),
        (403, "Forbidden", ForbiddenError),
        (404, "NotFound", NotFoundError),
        (405, "MethodNotAllowed", ClusterError),
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", ConflictError),
        (410, "Expired", GoneError),
        (413, "RequestEntityTooLarge", InvalidError),
        (422, "Invalid", InvalidError),
        (429, "TooManyRequests", ThrottledError),
        (500, "InternalError", TransientError),
        (503, "ServiceUnavailable", TransientError),
        (504, "Timeout", TransientError),
    ],
)
def test_each_refusal_has_its_error(code: int, reason: str, kind: type[ClusterError]) -> None:
    error = error_from_status(code, status(reason, "no"), {})
    assert type(error) is kind
    assert str(error) == f"{code} {reason}: no"


def test_an_invalid_object_names_its_fields() -> None:
    details = {"causes": [{"field": "spec.parallelism", "message": "must be positive", "reason": "FieldValueInvalid"}]}
    error = error_from_status(422, status("Invalid", "Job is invalid", details), {})
    assert isinstance(error, InvalidError)
    assert error.causes == (("spec.parallelism", "must be positive"),)


@pytest.mark.parametrize(
    ("message", "quota"),
    [
        ('jobs.batch "q1" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: 0, limited: 0', True),
        ('jobs.batch is forbidden: User "u" cannot create resource "jobs" in API group "batch"', False),
    ],
)
def test_a_full_quota_is_told_from_a_missing_permission(message: str, quota: bool) -> None:
    error = error_from_status(403, status("Forbidden", message), {})
    assert isinstance(error, ForbiddenError)
    assert error.quota is quota


def test_a_namespace_that_goes_away_is_told_from_a_missing_permission() -> None:
    details = {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]}
    error = error_from_status(403, status("Forbidden", "being terminated", details), {})
    assert isinstance(error, ForbiddenError)
    assert error.terminating


@pytest.mark.parametrize(
    ("code", "headers", "seconds"),
    [
        pytest.param(429, {"Retry-After": "7"}, 7.0, id="the server says"),
        pytest.param(503, {"Retry-After": "3"}, 3.0, id="an overloaded server says"),
        pytest.param(429, {}, 1.0, id="the server does not say"),
        pytest.param(429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 1.0, id="a date is not read"),
    ],
)
def test_a_throttled_request_says_when_to_come_back(code: int, headers: dict[str, str], seconds: float) -> None:
    error = error_from_status(code, status("TooManyRequests", "slow down"), headers)
    assert isinstance(error, ThrottledError)
    assert error.retry_after == seconds


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[1]", b'"x"', b"\xff\xfe", b'{"details": 3}'])
def test_any_body_makes_an_error(body: bytes) -> None:
    error = error_from_status(502, body, {})
    assert isinstance(error, TransientError)
    assert error.message
