"""A pod's status, from what its containers do: pure, after the kubelet's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hyperdrive_local.objects import Object
from hyperdrive_local.times import now, to_text

LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class ContainerRecord:
    """What is known of one container of a pod."""

    spec: dict[str, Any]
    state: dict[str, Any]
    last_state: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    container_id: str = ""
    image_id: str = ""
    over: bool = False  # it will not be started again

    @property
    def name(self) -> str:
        """The container's name."""
        return str(self.spec["name"])

    @property
    def running(self) -> bool:
        """Whether its process is there; without probes that is ready, too."""
        return "running" in self.state

    @property
    def exit_code(self) -> int | None:
        """How it ended, if it has."""
        code = self.state.get("terminated", {}).get("exitCode")
        return None if code is None else int(code)

    @property
    def succeeded(self) -> bool:
        """Whether it ended well for good."""
        return self.over and self.exit_code == 0

    @property
    def failed(self) -> bool:
        """Whether it ended badly for good."""
        return self.over and self.exit_code != 0


@dataclass(slots=True)
class PodRecord:
    """What is known of a pod on this node."""

    init: list[ContainerRecord]
    main: list[ContainerRecord]
    started_at: str
    ended: bool = False  # nothing of it runs, and nothing will
    reason: str = ""
    message: str = ""
    disrupted: bool = False

    @property
    def initialized(self) -> bool:
        """Whether the init containers have done their work; one that restarts for ever has when it runs."""
        return all(c.succeeded or (is_sidecar(c.spec) and c.running) for c in self.init)


def is_sidecar(container: dict[str, Any]) -> bool:
    """Whether an init container keeps running beside the others."""
    return container.get("restartPolicy") == "Always"


def new_record(pod: Object) -> PodRecord:
    """Of a pod that has just come here."""
    reason = "PodInitializing" if pod["spec"].get("initContainers") else "ContainerCreating"

    def records(containers: list[dict[str, Any]]) -> list[ContainerRecord]:
        return [ContainerRecord(spec, {"waiting": {"reason": reason}}) for spec in containers]

    spec = pod["spec"]
    return PodRecord(records(spec.get("initContainers") or []), records(spec["containers"]), to_text(now()))


def phase(record: PodRecord) -> str:
    """The pod's phase."""
    if record.ended:
        well = not record.reason and all(c.succeeded for c in record.main)
        return "Succeeded" if well else "Failed"
    if not record.initialized:
        return "Pending"
    return "Running" if any("waiting" not in c.state or c.restarts for c in record.main) else "Pending"


def pod_status(pod: Object, record: PodRecord) -> dict[str, Any]:
    """The whole status, with what of the present one is someone else's."""
    present = pod.get("status", {})
    status = {
        "phase": phase(record),
        "observedGeneration": pod["metadata"].get("generation", 1),
        "qosClass": present.get("qosClass", "BestEffort"),
        "startTime": record.started_at,
        "hostIP": LOOPBACK,
        "hostIPs": [{"ip": LOOPBACK}],
        "podIP": LOOPBACK,
        "podIPs": [{"ip": LOOPBACK}],
        "conditions": _conditions(pod, record, present.get("conditions", [])),
        "containerStatuses": [_container_status(c) for c in record.main],
    }
    if record.init:
        status["initContainerStatuses"] = [_container_status(c, init=True) for c in record.init]
    if record.reason:
        status |= {"reason": record.reason, "message": record.message}
    return status


def _container_status(container: ContainerRecord, *, init: bool = False) -> dict[str, Any]:
    status = {
        "name": container.name,
        "image": container.spec["image"],
        "imageID": container.image_id,
        "ready": container.succeeded if init and not is_sidecar(container.spec) else container.running,
        "started": container.running,
        "restartCount": container.restarts,
        "state": container.state,
        "lastState": container.last_state,
    }
    return status | ({"containerID": container.container_id} if container.container_id else {})


def _conditions(pod: Object, record: PodRecord, present: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    ready = _readiness(record)
    initialized: dict[str, Any] = {"status": "True"}
    if record.ended and phase(record) == "Succeeded":
        initialized["reason"] = "PodCompleted"
    elif not record.initialized:
        waited_for = " ".join(c.name for c in record.init if not c.succeeded)
        message = f"containers with incomplete status: [{waited_for}]"
        initialized = {"status": "False", "reason": "ContainersNotInitialized", "message": message}
    wanted: dict[str, dict[str, Any]] = {
        "PodReadyToStartContainers": {"status": "False" if record.ended else "True"},
        "Initialized": initialized,
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": {"status": "True"},
    }
    if record.disrupted:
        wanted["DisruptionTarget"] = {"status": "True", "reason": "TerminationByKubelet", "message": record.message}
    before = {condition["type"]: condition for condition in present}
    moment = to_text(now())
    result = []
    for kind, content in wanted.items():
        old = before.get(kind, {})
        unmoved = old.get("status") == content["status"]
        since = old.get("lastTransitionTime") if unmoved else None
        generation = pod["metadata"].get("generation", 1)
        times = {"lastProbeTime": None, "lastTransitionTime": since or moment, "observedGeneration": generation}
        result.append({"type": kind, **content, **times})
    return result + [condition for condition in present if condition["type"] not in wanted]


def _readiness(record: PodRecord) -> dict[str, Any]:
    if record.ended:
        return {"status": "False", "reason": f"Pod{'Completed' if phase(record) == 'Succeeded' else 'Failed'}"}
    unready = " ".join(c.name for c in record.main if not c.running)
    if not unready and record.initialized:
        return {"status": "True"}
    return {
        "status": "False",
        "reason": "ContainersNotReady",
        "message": f"containers with unready status: [{unready}]",
    }
