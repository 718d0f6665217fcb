"""From an object's JSON to the small view of it that is kept, and to the HyperDrive that it concerns."""

import logging
from collections.abc import Callable
from typing import Any, Final

from hyperdrive_operator.api import names
from hyperdrive_operator.core.pods import Pod, read_pod
from hyperdrive_operator.core.records import Record, read_record
from hyperdrive_operator.core.sweep import Sweep, read_sweep
from hyperdrive_operator.core.trialjobs import Job, read_job
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object

from .queue import Key

logger = logging.getLogger(__name__)

View = Sweep | Record | Job | Pod

_READERS: Final[dict[Kind, Callable[[Any, Any], View]]] = {
    HYPERDRIVES: read_sweep,
    HYPERDRIVE_TRIALS: read_record,
    JOBS: read_job,
    PODS: read_pod,
}


def read_view(kind: Kind, body: Object, known: View | None) -> View | None:
    """Project an object; None if it makes no sense, which is logged: one such object must not stop all others."""
    try:
        return _READERS[kind](body, known if known is not None and _has_spec_of(known, body) else None)
    except Exception as error:  # noqa: BLE001  # what the schemas admit is read; this is for all that they do not
        metadata = body["metadata"]
        about = {"kind": kind.kind, "object": f"{metadata.get('namespace')}/{metadata['name']}"}
        logger.error("an object can't be read and is left out", extra=about | {"error": repr(error)})
        return None


def _has_spec_of(known: View, body: Object) -> bool:
    """Tell whether an object's spec is the one that was read before: nothing of it has to be read again then."""
    return known.generation is not None and known.generation == body["metadata"].get("generation")


def sweep_key_of(kind: Kind, body: Object) -> Key:
    """Return the HyperDrive that an object concerns: itself, or the one that its label names."""
    metadata = body["metadata"]
    if kind is HYPERDRIVES:
        return Key(metadata["namespace"], metadata["name"])
    labels = metadata.get("labels")
    name = labels.get(names.LABEL_HYPERDRIVE) if isinstance(labels, dict) else ""
    return Key(metadata["namespace"], name if isinstance(name, str) else "")
