"""What a pod can be told of itself: `fieldRef` and `resourceFieldRef`."""

import math
import re
from fractions import Fraction
from typing import Any

from hyperdrive_local.objects import Object
from hyperdrive_local.schema.builtin.quantity import parse_quantity

SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")
LOOPBACK = "127.0.0.1"


class ConfigError(Exception):
    """A container can't be set up: becomes the reason it waits. The message names the field and the fix."""


def field_value(pod: Object, path: str) -> str:
    """The value that a `fieldRef` names; ConfigError if there is no such field."""
    metadata, spec = pod["metadata"], pod["spec"]
    if match := SUBSCRIPT.fullmatch(path):
        return str(metadata.get(match[1], {}).get(match[2], ""))
    plain = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata.get("namespace", ""),
        "metadata.uid": metadata["uid"],
        "metadata.labels": _lines(metadata.get("labels", {})),
        "metadata.annotations": _lines(metadata.get("annotations", {})),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.hostIP": LOOPBACK,
        "status.hostIPs": LOOPBACK,
        "status.podIP": LOOPBACK,
        "status.podIPs": LOOPBACK,
    }
    if path not in plain:
        raise ConfigError(f"fieldRef.fieldPath {path!r} is not known: the known ones are {', '.join(plain)}")
    return str(plain[path])


def _lines(pairs: dict[str, str]) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in sorted(pairs.items()))


def resource_value(container: dict[str, Any], reference: dict[str, Any], allocatable: dict[str, str]) -> str:
    """The value that a `resourceFieldRef` names: what is not limited is what the node has."""
    scope, _, what = reference["resource"].partition(".")
    amounts = container.get("resources", {}).get(scope, {})
    fallback = allocatable.get(what, "0") if scope == "limits" else "0"
    divisor = amount_of(reference.get("divisor") or "1") or 1
    return str(math.ceil(amount_of(amounts.get(what, fallback)) / divisor))


def amount_of(text: str) -> Fraction:
    """The number that a quantity means; ValueError if it means none, which the API server has refused before."""
    if quantity := parse_quantity(text):
        return quantity.amount
    raise ValueError(f"{text!r} is not a quantity: write a number with m, k, M, G, Ki, Mi or Gi, as in 500m or 2Gi")
