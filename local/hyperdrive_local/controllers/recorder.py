"""Events, as controllers write them: repeated ones are counted, not repeated."""

import contextlib
import secrets
from collections import OrderedDict

from hyperdrive_local.errors import ApiError
from hyperdrive_local.objects import Object
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import EVENTS
from hyperdrive_local.times import now, to_text

REMEMBERED = 4096  # as the real recorder's cache
MERGE_PATCH = "application/merge-patch+json"


class EventRecorder:
    """Writes events about objects in one component's name. An event that can't be written is lost, as real ones are."""

    def __init__(self, registry: Registry, component: str) -> None:
        self._registry = registry
        self._component = component
        self._written: OrderedDict[tuple[str, ...], tuple[str, int]] = OrderedDict()

    def record(self, obj: Object, kind: str, reason: str, message: str, *, field_path: str = "") -> None:
        """Tell of `obj`; `kind` is Normal or Warning."""
        metadata = obj["metadata"]
        namespace = metadata.get("namespace") or "default"
        key = (metadata["uid"], kind, reason, message, field_path)
        moment = to_text(now())
        # refused in a namespace that is going away, and of no use there
        with contextlib.suppress(ApiError):
            name, count = self._written.get(key, ("", 0))
            if not (name and self._count_again(namespace, name, count + 1, moment)):
                name, count = f"{metadata['name']}.{secrets.token_hex(8)}", 0
                involved = self._reference(obj) | ({"fieldPath": field_path} if field_path else {})
                event = {
                    "apiVersion": "v1",
                    "kind": "Event",
                    "metadata": {"name": name, "namespace": namespace},
                    "involvedObject": involved,
                    "type": kind,
                    "reason": reason,
                    "message": message,
                    "count": 1,
                    "firstTimestamp": moment,
                    "lastTimestamp": moment,
                    "source": {"component": self._component},
                    "reportingComponent": self._component,
                    "reportingInstance": "",
                }
                self._registry.create(EVENTS, namespace, event)
            self._remember(key, name, count + 1)

    def _count_again(self, namespace: str, name: str, count: int, moment: str) -> bool:
        """Add one to an event that was written before; False if it has gone."""
        try:
            patch = {"count": count, "lastTimestamp": moment}
            self._registry.patch(EVENTS, namespace, name, patch, content_type=MERGE_PATCH)
        except ApiError:
            return False
        return True

    @staticmethod
    def _reference(obj: Object) -> dict[str, str]:
        metadata = obj["metadata"]
        reference = {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        }
        return reference | ({"namespace": metadata["namespace"]} if metadata.get("namespace") else {})

    def _remember(self, key: tuple[str, ...], name: str, count: int) -> None:
        self._written[key] = (name, count)
        self._written.move_to_end(key)
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)
