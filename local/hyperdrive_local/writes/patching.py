"""The three kinds of patches: JSON patch, JSON merge patch and, for built-in kinds, strategic merge patch."""

from typing import Any

import jsonpatch
import jsonpointer

from hyperdrive_local.errors import ApiError, bad_request, unsupported_media_type
from hyperdrive_local.objects import Object, clone

JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

NO_SERVER_SIDE_APPLY = (
    "server-side apply is not served by the embedded cluster: use kubectl apply without --server-side"
)

# Lists of built-in kinds that are merged item by item: the field, and what identifies an item. Where the real server
# knows the type of the list's owner, this knows the field's name alone, which is enough for the kinds served here.
MERGE_KEYS = {
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "ports": ("containerPort", "port"),
    "topologySpreadConstraints": ("topologyKey",),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
    "addresses": ("type",),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
}
# lists of plain values that are merged as sets
SETS = {"finalizers"}


def apply_patch(obj: Object, patch: Any, content_type: str, *, custom: bool) -> Object:
    """The patched object; `obj` is left as it is. ApiError if the patch does not fit."""
    if content_type == JSON:
        return _json(obj, patch)
    if content_type == MERGE:
        merged: Object = merge(clone(obj), _mapping(patch))
        return merged
    if content_type == STRATEGIC and not custom:
        applied: Object = strategic(clone(obj), _mapping(patch))
        return applied
    raise _unreadable(custom=custom)


def _unreadable(*, custom: bool) -> ApiError:
    if custom:
        accepted = f"accepted media types include: {JSON}, {MERGE}, {APPLY}"
        return unsupported_media_type(f"the body of the request was in an unknown format - {accepted}")
    return ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def _mapping(patch: Any) -> dict[str, Any]:
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: the patch must be an object")
    return dict(patch)


def _json(obj: Object, patch: Any) -> Object:
    if not isinstance(patch, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        )
    try:
        patched: Object = jsonpatch.apply_patch(obj, patch, in_place=False)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError) as error:
        message = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", message, {}) from error
    # what the patch brought in is its sender's, and stored objects are never shared with anyone
    return clone(patched)


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects are merged, everything else is replaced."""
    if not isinstance(patch, dict):
        return clone(patch)
    result: dict[str, Any] = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Any, patch: dict[str, Any]) -> Any:
    """Merge as kubectl means it for built-in kinds: lists with a merge key item by item, `$patch` directives obeyed."""
    patch = dict(patch)
    directive = patch.pop("$patch", None)
    if directive == "replace":
        return clone(patch)
    if directive == "delete":
        return {}
    result: dict[str, Any] = target if isinstance(target, dict) else {}
    _retain_keys(result, patch.pop("$retainKeys", None))
    orders = {key: patch.pop(key) for key in list(patch) if key.startswith("$setElementOrder/")}
    for key in [key for key in patch if key.startswith("$deleteFromPrimitiveList/")]:
        gone, name = patch.pop(key), key.split("/", 1)[1]
        result[name] = [item for item in result.get(name) or [] if item not in gone]
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = strategic(result.get(key), value)
        elif isinstance(value, list):
            result[key] = _merge_list(key, result.get(key), value)
        else:
            result[key] = value
    for key, order in orders.items():
        _reorder(result, key.split("/", 1)[1], order)
    return result


def _retain_keys(target: dict[str, Any], retained: list[str] | None) -> None:
    if retained is not None:
        for key in target.keys() - set(retained):
            del target[key]


def _merge_list(key: str, target: Any, patch: list[Any]) -> list[Any]:
    present = target if isinstance(target, list) else []
    if key in SETS:
        return present + [item for item in patch if item not in present]
    identity = _identity(key, patch)
    if not identity:
        return clone(patch)
    if {"$patch": "replace"} in patch:
        return [clone(item) for item in patch if item != {"$patch": "replace"}]
    result = list(present)
    for item in patch:
        at = next((i for i, old in enumerate(result) if old.get(identity) == item.get(identity)), None)
        if item.get("$patch") == "delete":
            if at is not None:
                del result[at]
        elif at is None:
            result.append(strategic({}, item))
        else:
            result[at] = strategic(result[at], item)
    return result


def _identity(key: str, patch: list[Any]) -> str | None:
    """The merge key of this list, if every item of the patch has it."""
    for name in MERGE_KEYS.get(key, ()):
        if all(isinstance(item, dict) and (name in item or "$patch" in item) for item in patch):
            return name
    return None


def _reorder(target: dict[str, Any], key: str, order: list[Any]) -> None:
    """Put a merged list into the order that the patch asks for; what it does not name stays in front of that."""
    items = target.get(key)
    if not isinstance(items, list):
        return
    names = MERGE_KEYS.get(key, ())
    identity = next((name for name in names if all(isinstance(o, dict) and name in o for o in order)), None)
    wanted = [entry[identity] for entry in order] if identity else order
    rank = {value: index for index, value in enumerate(wanted)}

    def place(item: Any) -> int:
        value = item.get(identity) if identity and isinstance(item, dict) else item
        return rank.get(value, -1) if isinstance(value, str | int) else -1

    target[key] = sorted(items, key=place)
