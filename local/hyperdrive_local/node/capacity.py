"""How much fits on the node: requests against allocatable, and the scheduler's words for "not now"."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from hyperdrive_local.node.fields import amount_of
from hyperdrive_local.node.status import is_sidecar
from hyperdrive_local.objects import Object

MAX_PODS = 110  # the kubelet's default

NEVER = "Preemption is not helpful for scheduling."
LATER = "No preemption victims found for incoming pod."


def machine_allocatable() -> dict[str, str]:
    """What this machine has."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": str(os.cpu_count() or 1), "memory": f"{memory // 1024}Ki", "pods": str(MAX_PODS)}


def requests_of(pod: Object) -> dict[str, Fraction]:
    """What a pod takes: its containers together, or its greediest init container if that is more."""
    spec = pod["spec"]
    init = spec.get("initContainers") or []
    needed: defaultdict[str, Fraction] = defaultdict(Fraction)
    for container in [*spec["containers"], *filter(is_sidecar, init)]:
        for what, amount in _requests(container).items():
            needed[what] += amount
    for container in init:
        for what, amount in _requests(container).items():
            needed[what] = max(needed[what], amount)
    return {**needed, "pods": Fraction(1)}


def _requests(container: dict[str, Any]) -> dict[str, Fraction]:
    requests = container.get("resources", {}).get("requests", {})
    return {what: amount_of(amount) for what, amount in requests.items()}


def why_not(pod: Object, others: Iterable[Mapping[str, Fraction]], node: Object) -> str:
    """The scheduler's message if a pod has no place beside the others; empty if it has."""
    labels = node["metadata"].get("labels", {})
    for key, value in pod["spec"].get("nodeSelector", {}).items():
        if labels.get(key) != value:
            return _message("1 node(s) didn't match Pod's node affinity/selector", NEVER)
    allocatable = {what: amount_of(amount) for what, amount in node["status"]["allocatable"].items()}
    needed = requests_of(pod)
    taken = dict.fromkeys(needed, Fraction(0))
    for other in others:
        for what in needed:
            taken[what] += other.get(what, Fraction(0))
    lacking = [what for what, amount in needed.items() if amount and taken[what] + amount > allocatable.get(what, 0)]
    if not lacking:
        return ""
    reasons = sorted("Too many pods" if what == "pods" else f"Insufficient {what}" for what in lacking)
    never = any(needed[what] > allocatable.get(what, 0) for what in lacking)
    return _message(", ".join(f"1 {reason}" for reason in reasons), NEVER if never else LATER)


def _message(reasons: str, preemption: str) -> str:
    nodes = "0/1 nodes are available:"
    return f"{nodes} {reasons}. no new claims to deallocate, preemption: {nodes} 1 {preemption}"
