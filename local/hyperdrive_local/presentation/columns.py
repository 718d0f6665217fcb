"""The columns that kubectl shows of the built-in kinds, with the cells of an object."""

from collections.abc import Callable
from typing import Any

from hyperdrive_local.objects import Object
from hyperdrive_local.presentation import podcolumns
from hyperdrive_local.presentation.durations import between, since

Column = dict[str, Any]
Cells = Callable[[Object], list[Any]]


def column(name: str, kind: str = "string", *, wide: bool = False, description: str = "") -> Column:
    """One column's definition."""
    return {"name": name, "type": kind, "format": "", "description": description, "priority": int(wide)}


NAME = column("Name", description="Name must be unique within a namespace.") | {"format": "name"}
AGE = column("Age", description="How long ago the object was created.")


def name_of(obj: Object) -> str:
    """The first cell of nearly every row."""
    return str(obj["metadata"]["name"])


def age_of(obj: Object) -> str:
    """The last cell of most rows."""
    return since(obj["metadata"].get("creationTimestamp"))


def _conditions(obj: Object) -> set[str]:
    return {c["type"] for c in obj.get("status", {}).get("conditions") or [] if c.get("status") == "True"}


def _job_status(job: Object) -> str:
    conditions = _conditions(job)
    for condition in ("Complete", "Failed"):
        if condition in conditions:
            return condition
    if "deletionTimestamp" in job["metadata"]:
        return "Terminating"
    for condition in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if condition in conditions:
            return condition
    return "Running"


def _selector(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def _containers(spec: dict[str, Any]) -> list[str]:
    containers = spec.get("template", {}).get("spec", {}).get("containers") or []
    names, images = [",".join(str(c.get(key, "")) for c in containers) for key in ("name", "image")]
    return [names, images, _selector((spec.get("selector") or {}).get("matchLabels") or {})]


def job(obj: Object) -> list[Any]:
    """Status, completions, duration, age, and what it runs."""
    spec, status = obj.get("spec", {}), obj.get("status", {})
    succeeded, parallelism = status.get("succeeded", 0), spec.get("parallelism", 0)
    completions = f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"
    if spec.get("completions") is not None:
        completions = f"{succeeded}/{spec['completions']}"
    duration = between(status.get("startTime"), status.get("completionTime"))
    return [name_of(obj), _job_status(obj), completions, duration, age_of(obj), *_containers(spec)]


def pod(obj: Object) -> list[Any]:
    """See podcolumns."""
    return [name_of(obj), *podcolumns.cells(obj)]


def event(obj: Object) -> list[Any]:
    """When, what, about what. Of a stored event, which is in the form of v1."""
    about, series = obj.get("involvedObject", {}), obj.get("series") or {}
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = series.get("lastObservedTime") or obj.get("lastTimestamp") or first
    source = obj.get("source") or {}
    who = [source.get("component") or obj.get("reportingComponent") or ""]
    who.append(source.get("host") or obj.get("reportingInstance") or "")
    target = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}" if about.get("name") else ""
    return [
        since(last),
        obj.get("type", ""),
        obj.get("reason", ""),
        target or str(about.get("kind", "")).lower(),
        about.get("fieldPath", ""),
        ", ".join(part for part in who if part),
        str(obj.get("message", "")).strip(),
        since(first),
        series.get("count") or obj.get("count") or 1,
        name_of(obj),
    ]


def namespace(obj: Object) -> list[Any]:
    """Its phase and age."""
    return [name_of(obj), obj.get("status", {}).get("phase", ""), age_of(obj)]


def node(obj: Object) -> list[Any]:
    """Its state, roles, version and, wide, where and what it is."""
    labels = obj["metadata"].get("labels") or {}
    info = obj.get("status", {}).get("nodeInfo", {})
    ready = [c for c in obj.get("status", {}).get("conditions") or [] if c.get("type") == "Ready"]
    state = "Unknown" if not ready else "Ready" if ready[0].get("status") == "True" else "NotReady"
    if obj.get("spec", {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    roles = ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix)))
    addresses = {a.get("type"): a.get("address") for a in obj.get("status", {}).get("addresses") or []}
    kernel, architecture = info.get("kernelVersion"), info.get("architecture")
    return [
        name_of(obj),
        state,
        roles or "<none>",
        age_of(obj),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP") or "<none>",
        addresses.get("ExternalIP") or "<none>",
        info.get("osImage") or "<unknown>",
        f"{kernel} ({architecture})" if kernel and architecture else kernel or "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def deployment(obj: Object) -> list[Any]:
    """How many of its pods are there."""
    spec, status = obj.get("spec", {}), obj.get("status", {})
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}"
    counts = [status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    return [name_of(obj), ready, *counts, age_of(obj), *_containers(spec)]


def config_map(obj: Object) -> list[Any]:
    """How many entries it has."""
    return [name_of(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), age_of(obj)]


def lease(obj: Object) -> list[Any]:
    """Who holds it."""
    return [name_of(obj), obj.get("spec", {}).get("holderIdentity", ""), age_of(obj)]


def definition(obj: Object) -> list[Any]:
    """When it was made."""
    return [name_of(obj), obj["metadata"].get("creationTimestamp", "")]


def plain(obj: Object) -> list[Any]:
    """A kind of which nothing more is known."""
    return [name_of(obj), age_of(obj)]


def _wide(*names: str) -> list[Column]:
    return [column(name, wide=True) for name in names]


def _narrow(*names: str) -> list[Column]:
    return [column(name) for name in names]


RUNS = _wide("Containers", "Images", "Selector")
EVENT = [
    *_narrow("Last Seen", "Type", "Reason", "Object"),
    *_wide("Subobject", "Source"),
    *_narrow("Message"),
    *_wide("First Seen", "Count"),
    NAME | {"priority": 1},
]
NODE = _wide("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")
POD = _wide("IP", "Node", "Nominated Node", "Readiness Gates")
PLAIN: tuple[list[Column], Cells] = ([NAME, AGE], plain)
BUILTIN: dict[str, tuple[list[Column], Cells]] = {
    "ConfigMap": ([NAME, *_narrow("Data"), AGE], config_map),
    "CustomResourceDefinition": ([NAME, column("Created At", "date")], definition),
    "Deployment": ([NAME, *_narrow("Ready", "Up-to-date", "Available"), AGE, *RUNS], deployment),
    "Event": (EVENT, event),
    "Job": ([NAME, *_narrow("Status", "Completions", "Duration"), AGE, *RUNS], job),
    "Lease": ([NAME, *_narrow("Holder"), AGE], lease),
    "Namespace": ([NAME, *_narrow("Status"), AGE], namespace),
    "Node": ([NAME, *_narrow("Status", "Roles"), AGE, *_narrow("Version"), *NODE], node),
    "Pod": ([NAME, *_narrow("Ready", "Status", "Restarts"), AGE, *POD], pod),
}
