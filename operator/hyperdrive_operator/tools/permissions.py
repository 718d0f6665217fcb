"""Who may do what: the operator's own permissions, verb by verb with the reason, and the roles of users and reporters.

The roles of manifests/ and the chart and the page docs/permissions.md are made from this; the end-to-end tests compare
it with the API server's audit log.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from hyperdrive_operator.api import names

Object = dict[str, Any]

EVENTS_GROUP: Final = "events.k8s.io"


@dataclass(frozen=True, slots=True)
class Permission:
    """One verb on one resource, and what the operator needs it for."""

    group: str
    resource: str
    verb: str
    reason: str


#: In the namespaces that it watches: exactly the verbs that it uses.
WATCHED: Final = (
    Permission(names.GROUP, "hyperdrives", "list", "reads all sweeps at its start and every ten minutes (`--resync`)"),
    Permission(names.GROUP, "hyperdrives", "watch", "learns of new and changed sweeps"),
    Permission(names.GROUP, "hyperdrives/status", "patch", "writes where a sweep stands. It never writes a spec"),
    Permission(
        names.GROUP,
        "hyperdrivetrials",
        "get",
        "a record that is there already: is it this sweep's own, and has it run yet?",
    ),
    Permission(names.GROUP, "hyperdrivetrials", "list", "reads all records, as the sweeps"),
    Permission(names.GROUP, "hyperdrivetrials", "watch", "learns of records that somebody deletes"),
    Permission(names.GROUP, "hyperdrivetrials", "create", "writes a trial's record before its Job"),
    Permission(names.GROUP, "hyperdrivetrials/status", "patch", "records start, values and end of a trial"),
    Permission("batch", "jobs", "get", "before a trial is recorded as lost: is its Job really gone?"),
    Permission("batch", "jobs", "list", "reads the Jobs with its own label, as the sweeps"),
    Permission("batch", "jobs", "watch", "learns when a Job ends, and of metrics in its annotations"),
    Permission("batch", "jobs", "create", "starts a trial; as a dry run it checks a template"),
    Permission("batch", "jobs", "patch", "ends a trial before its time (`activeDeadlineSeconds`)"),
    Permission(
        "batch",
        "jobs",
        "delete",
        "deletes the former Job of a trial that is run again, and finished ones that are not to be kept",
    ),
    Permission("", "pods", "list", "reads the pods of trials: which runs, what keeps one from running, its last words"),
    Permission("", "pods", "watch", "learns of their changes"),
    Permission("", "pods/log", "get", "reads the metrics that trials print"),
    Permission(EVENTS_GROUP, "events", "create", "tells a sweep's owner what has happened"),
)
#: In its own namespace, besides.
OWN: Final[tuple[Permission, ...]] = (
    Permission("coordination.k8s.io", "leases", "get", "sees who the leader is"),
    Permission("coordination.k8s.io", "leases", "create", "makes the Lease `hyperdrive-operator` at the first start"),
    Permission("coordination.k8s.io", "leases", "patch", "takes the Lease, renews it and gives it back"),
)

#: What a training script that reports by itself needs: nothing but its Job's annotations.
REPORTER: Final[tuple[Object, ...]] = ({"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["patch"]},)

_KINDS: Final = ["hyperdrives", "hyperdrivetrials"]
_READ: Final = ("get", "list", "watch")
_WRITE: Final = ("create", "update", "patch", "delete", "deletecollection")


def _rule(resources: Iterable[str], verbs: Iterable[str], group: str = names.GROUP) -> Object:
    return {"apiGroups": [group], "resources": [*resources], "verbs": [*verbs]}


#: Each is whole, for bindings of its own, and is added to the cluster's role of the same name.
USERS: Final[dict[str, tuple[Object, ...]]] = {
    "view": (_rule(_KINDS, _READ), _rule([f"{kind}/status" for kind in _KINDS], ["get"])),
    # Records are the operator's to write, but for whether the trial shall run; to delete one has its number run again.
    "edit": (
        _rule(["hyperdrives"], (*_READ, *_WRITE)),
        _rule(["hyperdrivetrials"], (*_READ, "update", "patch", "delete", "deletecollection")),
        _rule([f"{kind}/status" for kind in _KINDS], ["get"]),
    ),
    # Records and results by hand: to restore a backup.
    "admin": (
        _rule(_KINDS, (*_READ, *_WRITE)),
        _rule([f"{kind}/status" for kind in _KINDS], ("get", "update", "patch")),
    ),
}


def rules(permissions: Iterable[Permission]) -> list[Object]:
    """Return the rules of a role: one a resource, in the order of the permissions."""
    by_resource = groupby(permissions, key=lambda one: (one.group, one.resource))
    return [_rule([resource], [one.verb for one in verbs], group) for (group, resource), verbs in by_resource]
