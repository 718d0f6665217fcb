"""Which of two versions of an object is the newer. Since Kubernetes 1.35 clients may compare them, as whole numbers."""

from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trialjobs import Job
from hyperdrive_operator.kube.kinds import Object

from .views import View


def version_of(view: Sweep | Job) -> int:
    """Of two of the same name the newer counts: the last events of the older may come after the newer's first."""
    return number_of(view.resource_version)


def number_of(version: str) -> int:
    """Return a version as a number; 0 for one that is none."""
    return int(version) if version.isdecimal() else 0


def is_newer(body: Object, known: View) -> bool:
    """Tell whether an object is newer than what is known of it; if nobody can say, it is."""
    try:
        return int(body["metadata"].get("resourceVersion", "")) > int(known.resource_version)
    except ValueError:
        return True
