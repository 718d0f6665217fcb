"""Rules of volumes."""

from typing import Any, Final

from hyperdrive_local.schema.builtin.names import label_problems
from hyperdrive_local.schema.builtin.quantity import parse_quantity
from hyperdrive_local.schema.errors import FieldError, duplicate, forbidden, invalid, required

# The field that names what is mounted, for the kinds of volumes that need one.
_NAMED: Final = {
    "configMap": "name",
    "hostPath": "path",
    "persistentVolumeClaim": "claimName",
    "secret": "secretName",
}


def check_volumes(volumes: list[dict[str, Any]], path: str) -> list[FieldError]:
    """Check names, and that each volume is of exactly one kind."""
    found: list[FieldError] = []
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        where = f"{path}[{index}]"
        name = volume.get("name") or ""
        if not name:
            found.append(required(f"{where}.name"))
        else:
            problems = label_problems(name)
            found += [invalid(f"{where}.name", name, problem) for problem in problems]
            if not problems and name in names:
                found.append(duplicate(f"{where}.name", name))
            names.add(name)
        found += _check_source(volume, where)
    return found


def _check_source(volume: dict[str, Any], path: str) -> list[FieldError]:
    kinds = [key for key, value in volume.items() if key != "name" and value is not None]
    if not kinds:
        return []  # the server's defaults make it an emptyDir
    kinds.sort(key=_order)
    found = [forbidden(f"{path}.{kind}", "may not specify more than 1 volume type") for kind in kinds[1:]]
    kind = kinds[0]
    source, key = volume[kind] or {}, _NAMED.get(kind)
    if key is not None and not source.get(key):
        found.append(required(f"{path}.{kind}.{key}"))
    if kind == "emptyDir" and (limit := parse_quantity(source.get("sizeLimit"))) is not None and limit.amount < 0:
        detail = "SizeLimit field must be a valid resource quantity"
        found.append(forbidden(f"{path}.emptyDir.sizeLimit", detail))
    return found


def _order(kind: str) -> int:
    """The first kind in the server's order is taken for meant, and the others for too many."""
    order = ("emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs")
    return order.index(kind) if kind in order else len(order)
