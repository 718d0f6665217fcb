"""What `kubectl get pods` shows of a pod: its state in a word, worked out as the real server works it out."""

from typing import Any

from hyperdrive_local.objects import Object
from hyperdrive_local.presentation.durations import since


def cells(pod: Object) -> list[Any]:
    """Ready, status, restarts, age; then, for wide output, IP, node, nominated node, readiness gates."""
    spec, status = pod.get("spec", {}), pod.get("status", {})
    statuses = status.get("containerStatuses") or []
    ready = sum(1 for each in statuses if each.get("ready") and "running" in each.get("state", {}))
    return [
        f"{ready}/{len(spec.get('containers') or [])}",
        reason(pod),
        _restarts(statuses),
        since(pod["metadata"].get("creationTimestamp")),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        "<none>",
    ]


def reason(pod: Object) -> str:
    """The word in the STATUS column."""
    status = pod.get("status", {})
    word = status.get("reason") or status.get("phase") or "Unknown"
    initializing = _initializing(pod)
    if initializing:
        word = initializing
    else:
        running = False
        for each in reversed(status.get("containerStatuses") or []):
            state = each.get("state", {})
            running = running or bool(each.get("ready") and "running" in state)
            word = _container_reason(state) or word
        if word == "Completed" and running:
            word = "Running"
    if "deletionTimestamp" in pod["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(word)


def _container_reason(state: dict[str, Any]) -> str:
    if waiting := (state.get("waiting") or {}).get("reason"):
        return str(waiting)
    if "terminated" not in state:
        return ""
    terminated = state["terminated"]
    if terminated.get("reason"):
        return str(terminated["reason"])
    signal = terminated.get("signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}"


def _initializing(pod: Object) -> str:
    total = len(pod.get("spec", {}).get("initContainers") or [])
    for index, each in enumerate(pod.get("status", {}).get("initContainerStatuses") or []):
        state = each.get("state", {})
        if "terminated" in state and state["terminated"].get("exitCode", 0) == 0:
            continue
        if "terminated" in state or (state.get("waiting") or {}).get("reason", "PodInitializing") != "PodInitializing":
            return f"Init:{_container_reason(state)}"
        return f"Init:{index}/{total}"
    return ""


def _restarts(statuses: list[dict[str, Any]]) -> str:
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [
        each["lastState"]["terminated"].get("finishedAt")
        for each in statuses
        if "terminated" in (each.get("lastState") or {})
    ]
    latest = max((end for end in ends if end), default=None)
    return f"{count} ({since(latest)} ago)" if count and latest else str(count)
