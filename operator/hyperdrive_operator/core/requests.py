"""What the pods of a trial request together while it runs: its time is multiplied with that for a budget."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from hyperdrive_operator.api.v1alpha1 import amount_of
from hyperdrive_operator.api.v1alpha1.trial import MAX_REQUESTS

Requests = Mapping[str, float]

NO_REQUESTS: Final[Requests] = MappingProxyType({})
#: A resource by which Kubernetes' quotas count the pods themselves.
PODS_RESOURCE: Final = "pods"
#: How long a pod may take to end, unless it says so.
GRACE_SECONDS: Final = 30


class Demand(NamedTuple):
    """What a Job's pods ask of the cluster: how many run at once, with what together, and how long they take to end.

    And how many are to succeed in all.
    """

    pods: int = 1
    requests: Requests = NO_REQUESTS
    grace_seconds: int = GRACE_SECONDS
    completions: int = 1


def read_demand(job_spec: Mapping[str, Any]) -> Demand:
    """Return what the pods of a Job ask of the cluster, by its template."""
    spec = _mapping(_mapping(job_spec.get("template")).get("spec"))
    parallelism = job_spec.get("parallelism") or 1
    completions = job_spec.get("completions") or parallelism
    pods = min(parallelism, completions)
    grace_seconds = spec.get("terminationGracePeriodSeconds", GRACE_SECONDS)
    return Demand(pods, times(pod_requests(spec), pods), grace_seconds, completions)


def pod_requests(spec: Any) -> Requests:
    """Return what a pod requests once its containers run, and the pod itself.

    That is the sum over its containers and those beside them that are never done (init containers that restart), and
    its overhead; what is requested for the pod as a whole takes the place of its containers' sum. A container that
    names only a limit requests that much.
    """
    spec = _mapping(spec)
    beside = [one for one in _containers(spec, "initContainers") if one.get("restartPolicy") == "Always"]
    total: dict[str, float] = {}
    for container in (*_containers(spec, "containers"), *beside):
        _add(total, _requested(container))
    total |= _amounts(_mapping(_mapping(spec.get("resources")).get("requests")))
    _add(total, _amounts(_mapping(spec.get("overhead"))))
    return shared({**total, PODS_RESOURCE: 1.0})


def named_resources(job_spec: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the resources that a Job's template names; None if only a trial's parameters say which."""
    spec = _mapping(_mapping(job_spec.get("template")).get("spec"))
    owners = [spec, *_containers(spec, "containers"), *_containers(spec, "initContainers")]
    given = [one.get("resources") for one in owners]
    amounts = [_mapping(one).get(field) for one in given for field in ("requests", "limits")] + [spec.get("overhead")]
    if any(isinstance(one, str) for one in (*given, *amounts)):  # a placeholder
        return None
    return frozenset(name for one in amounts for name in _mapping(one))


def times(requests: Requests, pods: int) -> Requests:
    """Return what so many pods request."""
    return requests if pods == 1 else shared({name: amount * pods for name, amount in requests.items()})


def shared(amounts: Mapping[str, float]) -> Requests:
    """Return the same amounts, as the one object that all trials with them share: thousands have the same."""
    return _shared(tuple(sorted(amounts.items())[:MAX_REQUESTS]))


@lru_cache(maxsize=4096)
def _shared(amounts: tuple[tuple[str, float], ...]) -> Requests:
    return MappingProxyType(dict(amounts))


def _requested(container: Mapping[str, Any]) -> Mapping[str, float]:
    resources = _mapping(container.get("resources"))
    return _amounts({**_mapping(resources.get("limits")), **_mapping(resources.get("requests"))})


def _amounts(quantities: Mapping[str, Any]) -> Mapping[str, float]:
    given = {name: quantity for name, quantity in quantities.items() if isinstance(quantity, int | float | str)}
    return {name: amount for name, quantity in given.items() if (amount := amount_of(quantity))}


def _add(total: dict[str, float], amounts: Mapping[str, float]) -> None:
    for name, amount in amounts.items():
        total[name] = total.get(name, 0.0) + amount


def _containers(spec: Mapping[str, Any], field: str) -> Sequence[Mapping[str, Any]]:
    containers = spec.get(field)
    return [one for one in containers if isinstance(one, Mapping)] if isinstance(containers, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
