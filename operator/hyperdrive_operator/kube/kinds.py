"""The kinds of objects that the operator reads and writes, and where the API server serves them."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from hyperdrive_operator.api.names import GROUP, LABEL_MANAGED_BY, LABEL_TRIAL, MANAGED_BY, VERSION

#: An object as the API server sends it: parsed JSON. The one place of the operator where ``Any`` is a promise.
Object: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One resource of the API server. Each is there once: as a key, which it is for every event, it is its own hash."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """``apiVersion`` as a manifest writes it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Build the URL path of the collection, of one object or of its subresource.

        Without a namespace it is the whole cluster's collection. Segments are escaped: names come from users.
        """
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(quote(part, safe="") for part in parts)


HYPERDRIVES: Final = Kind(GROUP, VERSION, "hyperdrives", "HyperDrive")
HYPERDRIVE_TRIALS: Final = Kind(GROUP, VERSION, "hyperdrivetrials", "HyperDriveTrial")
JOBS: Final = Kind("batch", "v1", "jobs", "Job")
PODS: Final = Kind("", "v1", "pods", "Pod")
EVENTS: Final = Kind("events.k8s.io", "v1", "events", "Event")
LEASES: Final = Kind("coordination.k8s.io", "v1", "leases", "Lease")

#: What a sweep consists of, with server-side selectors: what is not ours never crosses the wire.
CHILDREN: Final[tuple[tuple[Kind, str], ...]] = (
    (HYPERDRIVE_TRIALS, ""),
    (JOBS, f"{LABEL_MANAGED_BY}={MANAGED_BY}"),
    (PODS, LABEL_TRIAL),
)
