"""The rules of `metadata` that hold for objects of custom kinds: names, labels, owners, finalizers."""

import re

from hyperdrive_local.objects import Object
from hyperdrive_local.schema import FieldError
from hyperdrive_local.schema.errors import forbidden, invalid, required, too_long

LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
MAX_SUBDOMAIN, MAX_LABEL = 253, 63
MAX_ANNOTATIONS = 256 * 1024  # bytes of all keys and values together

SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
NAME_PART_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def check_metadata(obj: Object, stored: Object | None) -> list[FieldError]:
    """What is wrong with an object's metadata."""
    metadata = obj["metadata"]
    found = _check_name(metadata.get("name", ""))
    for key, value in (metadata.get("labels") or {}).items():
        found += _check_key("metadata.labels", key)
        if len(value) > MAX_LABEL:
            found.append(invalid("metadata.labels", value, f"must be no more than {MAX_LABEL} bytes"))
        if not LABEL.fullmatch(value):
            found.append(invalid("metadata.labels", value, LABEL_RULE))
    found += _check_annotations(metadata.get("annotations") or {})
    for index, owner in enumerate(metadata.get("ownerReferences") or []):
        found += _check_owner(f"metadata.ownerReferences[{index}]", owner)
    for name in metadata.get("finalizers") or []:
        found += _check_key("metadata.finalizers", name)
    if stored is not None and "deletionTimestamp" in metadata:
        added = sorted(set(metadata.get("finalizers") or []) - set(stored["metadata"].get("finalizers") or []))
        if added:
            rule = (
                f"no new finalizers can be added if the object is being deleted, found new finalizers {_shown(added)}"
            )
            found.append(forbidden("metadata.finalizers", rule))
    return found


def _shown(names: list[str]) -> str:
    return "[]string{" + ", ".join(f'"{name}"' for name in names) + "}"


def _check_name(name: str) -> list[FieldError]:
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    found = []
    if len(name) > MAX_SUBDOMAIN:
        found.append(invalid("metadata.name", name, f"must be no more than {MAX_SUBDOMAIN} bytes"))
    if not SUBDOMAIN.fullmatch(name):
        found.append(invalid("metadata.name", name, SUBDOMAIN_RULE))
    return found


def _check_key(path: str, key: str) -> list[FieldError]:
    prefix, slash, name = key.rpartition("/")
    found = []
    if slash and not prefix:
        found.append(invalid(path, key, "prefix part must be non-empty"))
    elif prefix and not SUBDOMAIN.fullmatch(prefix):
        found.append(invalid(path, key, f"prefix part {SUBDOMAIN_RULE}"))
    if not name:
        found.append(invalid(path, key, "name part must be non-empty"))
    elif len(name) > MAX_LABEL:
        found.append(invalid(path, key, f"name part must be no more than {MAX_LABEL} bytes"))
    if not QUALIFIED.fullmatch(name):
        found.append(invalid(path, key, NAME_PART_RULE))
    return found


def _check_annotations(annotations: dict[str, str]) -> list[FieldError]:
    found = [error for key in annotations for error in _check_key("metadata.annotations", key.lower())]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > MAX_ANNOTATIONS:
        found.append(too_long("metadata.annotations", MAX_ANNOTATIONS))
    return found


def _check_owner(path: str, owner: dict[str, str]) -> list[FieldError]:
    found = []
    if not owner.get("apiVersion"):
        found.append(invalid(f"{path}.apiVersion", "", "version must not be empty"))
    for key in ("kind", "name", "uid"):
        if not owner.get(key):
            found.append(invalid(f"{path}.{key}", owner.get(key, ""), "must not be empty"))
    return found
