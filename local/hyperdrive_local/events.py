"""Events have two groups and one storage: kept as v1 has them, shown as events.k8s.io/v1 has them to those who ask."""

from typing import Any

from hyperdrive_local.objects import Object
from hyperdrive_local.resources import EVENTS, NEW_EVENTS

# v1's name of each field that events.k8s.io/v1 names otherwise
RENAMED = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
OLD_NAMES = {new: old for old, new in RENAMED.items()}
ALWAYS_THERE: dict[str, Any] = {
    "involvedObject": {},
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
SHOWN_IF_SET = ("reportingController", "reportingInstance")


def to_stored(event: Object) -> Object:
    """The event as v1 has it, with the fields that it always shows."""
    return {**ALWAYS_THERE, **{OLD_NAMES.get(key, key): value for key, value in event.items()}} | {
        "apiVersion": EVENTS.api_version
    }


def to_new(event: Object) -> Object:
    """A stored event as events.k8s.io/v1 has it."""
    renamed = {RENAMED.get(key, key): value for key, value in event.items()}
    for key in SHOWN_IF_SET:
        if not renamed.get(key):
            renamed.pop(key, None)
    return renamed | {"apiVersion": NEW_EVENTS.api_version}
