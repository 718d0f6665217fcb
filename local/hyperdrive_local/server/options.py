"""What a request's query, and the body of a deletion, say about how it is to be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from hyperdrive_local.errors import ApiError, bad_request, invalid_kind
from hyperdrive_local.kinds import Kind
from hyperdrive_local.resources import JOBS
from hyperdrive_local.schema.errors import forbidden, not_supported
from hyperdrive_local.writes.decoding import FieldValidation, WriteOptions
from hyperdrive_local.writes.deletion import DeleteOptions, both_policies

TRUE = {"1", "t", "true"}


def is_true(query: Mapping[str, str], key: str) -> bool:
    """Whether a flag is set."""
    return query.get(key, "").lower() in TRUE


def write_options(query: Mapping[str, str], operation: str, subresource: str = "") -> WriteOptions:
    """Of a create, an update or a patch."""
    validation = query.get("fieldValidation") or "Warn"
    if validation not in {"Ignore", "Strict", "Warn"}:
        problem = not_supported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"])
        raise invalid_kind(operation, "meta.k8s.io", "", [problem])
    return WriteOptions(
        subresource=subresource,
        dry_run=_dry_run(query.get("dryRun"), operation),
        patched=operation == "PatchOptions",
        field_validation=cast("FieldValidation", validation),
    )


def _dry_run(given: Any, operation: str) -> bool:
    values = given if isinstance(given, list) else [given] if given else []
    if values not in ([], ["All"]):
        problem = not_supported("dryRun", values, ["All"])
        raise invalid_kind(operation, "meta.k8s.io", "", [problem])
    return bool(values)


def delete_options(kind: Kind, query: Mapping[str, str], body: Any) -> DeleteOptions:
    """Of a deletion: from its body, else from its query."""
    if body is not None and not isinstance(body, dict):
        raise bad_request("the body of a deletion must be DeleteOptions")
    given: dict[str, Any] = body or {}
    preconditions = given.get("preconditions") or {}
    grace = given.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    try:
        seconds = None if grace in {None, ""} else int(grace)
    except (TypeError, ValueError) as error:
        raise bad_request(f"gracePeriodSeconds must be a number, not {grace!r}") from error
    return DeleteOptions(
        uid=preconditions.get("uid") or "",
        resource_version=preconditions.get("resourceVersion") or "",
        propagation=_propagation(kind, given, query),
        grace_seconds=seconds,
        dry_run=_dry_run(given.get("dryRun") or query.get("dryRun"), "DeleteOptions"),
    )


def _propagation(kind: Kind, given: Mapping[str, Any], query: Mapping[str, str]) -> str:
    policy = str(given.get("propagationPolicy") or query.get("propagationPolicy") or "")
    orphan = given.get("orphanDependents", query.get("orphanDependents"))
    if policy and orphan is not None:
        raise both_policies(policy)
    if orphan is not None:
        return "Orphan" if orphan is True or str(orphan).lower() in TRUE else "Background"
    # for the sake of the oldest clients, a Job's pods outlive it unless the request says otherwise
    return policy or ("Orphan" if kind.resource == JOBS else "")


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Of a list or a watch."""

    label_selector: str
    field_selector: str
    limit: int
    token: str
    version: str  # empty, or a number
    bookmarks: bool
    initial_events: bool | None
    timeout: float | None


def list_options(query: Mapping[str, str], *, watch: bool) -> ListOptions:
    """Of a list or a watch; ApiError if they can't be read or don't go together."""
    version = query.get("resourceVersion", "")
    if version and not version.isdigit():
        problem = f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax'
        raise ApiError(500, "", problem) if watch else bad_request(f"invalid resource version: {problem}")
    initial = is_true(query, "sendInitialEvents") if query.get("sendInitialEvents") else None
    if initial is not None and query.get("resourceVersionMatch") != "NotOlderThan":
        rule = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise invalid_kind("ListOptions", "meta.k8s.io", "", [forbidden("resourceVersionMatch", rule)])
    return ListOptions(
        label_selector=query.get("labelSelector", ""),
        field_selector=query.get("fieldSelector", ""),
        limit=_number(query, "limit") or 0,
        token=query.get("continue", ""),
        version=version,
        bookmarks=is_true(query, "allowWatchBookmarks"),
        initial_events=initial,
        timeout=_number(query, "timeoutSeconds"),
    )


def _number(query: Mapping[str, str], key: str) -> int | None:
    text = query.get(key, "")
    if not text:
        return None
    if not text.lstrip("-").isdigit():
        raise bad_request(f'{key}: Invalid value: "{text}": must be a number')
    return int(text)
