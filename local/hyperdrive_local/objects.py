"""Kubernetes objects as JSON trees: the few operations that everything here needs."""

import datetime
import secrets
import uuid
from typing import Any, TypeVar, cast

Object = dict[str, Any]
T = TypeVar("T")

# without vowels and look-alikes, as the real server picks them: no word appears by chance
SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
SUFFIX_LENGTH = 5
MAX_GENERATED_PREFIX = 63 - SUFFIX_LENGTH


def clone(value: T) -> T:
    """A deep copy of a JSON tree, several times faster than copy.deepcopy."""
    return cast("T", _clone(value))


def _clone(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: _clone(item) for key, item in value.items()}
    if kind is list:
        return [_clone(item) for item in value]
    return value


def now() -> str:
    """This second, as `metav1.Time` is written."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_uid() -> str:
    """An identity that is never used again."""
    return str(uuid.uuid4())


def generate_name(prefix: str) -> str:
    """A name from a `generateName`."""
    return prefix[:MAX_GENERATED_PREFIX] + "".join(secrets.choice(SUFFIX_ALPHABET) for _ in range(SUFFIX_LENGTH))


def metadata_of(obj: Object) -> dict[str, Any]:
    """The object's metadata, made if it is not there."""
    metadata: dict[str, Any] = obj.setdefault("metadata", {})
    return metadata


def name_of(obj: Object) -> str:
    """The object's name, empty if it has none."""
    return str(obj.get("metadata", {}).get("name") or "")


def namespace_of(obj: Object) -> str:
    """The object's namespace, empty if it has none."""
    return str(obj.get("metadata", {}).get("namespace") or "")


def set_condition(obj: Object, condition: dict[str, Any]) -> None:
    """Put a condition into the object's status: `lastTransitionTime` moves only when its `status` does."""
    conditions: list[dict[str, Any]] = obj.setdefault("status", {}).setdefault("conditions", [])
    for index, present in enumerate(conditions):
        if present.get("type") == condition["type"]:
            unmoved = present.get("status") == condition["status"]
            time = present.get("lastTransitionTime") if unmoved else None
            conditions[index] = condition | {"lastTransitionTime": time or now()}
            return
    conditions.append(condition | {"lastTransitionTime": now()})
