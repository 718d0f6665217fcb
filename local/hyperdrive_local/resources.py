"""What kinds of objects there are: the built-in ones, and what is known of each."""

from dataclasses import dataclass

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Resource:
    """One served resource: its names, its scope and its subresources."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """As objects carry it: `v1`, `batch/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        """The kind of a list of these."""
        return f"{self.kind}List"

    @property
    def verbs(self) -> tuple[str, ...]:
        """What may be asked of it: a namespace is never deleted by the collection."""
        if self == NAMESPACES:
            return tuple(verb for verb in ALL_VERBS if verb != "deletecollection")
        return ALL_VERBS

    @property
    def storage_key(self) -> tuple[str, str]:
        """Where its objects are kept: the same for every version, and for both groups that serve events."""
        return (
            ("", "events") if self.plural == "events" and self.group == "events.k8s.io" else (self.group, self.plural)
        )


NAMESPACES = Resource(
    "", "v1", "namespaces", "namespace", "Namespace", ("ns",), namespaced=False, subresources=("finalize", "status")
)
PODS = Resource("", "v1", "pods", "pod", "Pod", ("po",), categories=("all",), subresources=("log", "status"))
EVENTS = Resource("", "v1", "events", "event", "Event", ("ev",))
NODES = Resource("", "v1", "nodes", "node", "Node", ("no",), namespaced=False, subresources=("status",))
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", ("sa",))
CONFIG_MAPS = Resource("", "v1", "configmaps", "configmap", "ConfigMap", ("cm",))
JOBS = Resource("batch", "v1", "jobs", "job", "Job", categories=("all",), subresources=("status",))
NEW_EVENTS = Resource("events.k8s.io", "v1", "events", "event", "Event", ("ev",))
LEASES = Resource("coordination.k8s.io", "v1", "leases", "lease", "Lease")
DEPLOYMENTS = Resource(
    "apps", "v1", "deployments", "deployment", "Deployment", ("deploy",), categories=("all",), subresources=("status",)
)
CUSTOM_RESOURCE_DEFINITIONS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "customresourcedefinition",
    "CustomResourceDefinition",
    ("crd", "crds"),
    namespaced=False,
    categories=("api-extensions",),
    subresources=("status",),
)

BUILTIN = (
    NAMESPACES,
    PODS,
    EVENTS,
    NODES,
    SERVICE_ACCOUNTS,
    CONFIG_MAPS,
    JOBS,
    NEW_EVENTS,
    LEASES,
    DEPLOYMENTS,
    CUSTOM_RESOURCE_DEFINITIONS,
)
