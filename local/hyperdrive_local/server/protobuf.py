"""Kubernetes' protobuf, as far as kubectl insists on it: `kubectl create namespace|configmap|job` send nothing else.

An object is the bytes `k8s\\0` and a message that says its kind and holds it. What is read here is what those commands
set; anything else that is set is refused, never dropped in silence. Answers are JSON, which kubectl reads too.
"""

from collections.abc import Iterator
from typing import Any

from hyperdrive_local.errors import ApiError, bad_request, unsupported_media_type

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\0"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# of each message, by number: a field's name and type. "[X]" is a list, "{}" a map of texts.
Fields = dict[int, tuple[str, str]]
MESSAGES: dict[str, Fields] = {
    "ObjectMeta": {
        1: ("name", "string"),
        2: ("generateName", "string"),
        3: ("namespace", "string"),
        11: ("labels", "{}"),
        12: ("annotations", "{}"),
        14: ("finalizers", "[string]"),
    },
    "Namespace": {1: ("metadata", "ObjectMeta")},
    "ServiceAccount": {1: ("metadata", "ObjectMeta")},
    "ConfigMap": {1: ("metadata", "ObjectMeta"), 2: ("data", "{}"), 4: ("immutable", "bool")},
    "Job": {1: ("metadata", "ObjectMeta"), 2: ("spec", "JobSpec")},
    "JobSpec": {
        1: ("parallelism", "int"),
        2: ("completions", "int"),
        3: ("activeDeadlineSeconds", "int"),
        6: ("template", "PodTemplateSpec"),
        7: ("backoffLimit", "int"),
        8: ("ttlSecondsAfterFinished", "int"),
        9: ("completionMode", "string"),
        10: ("suspend", "bool"),
    },
    "PodTemplateSpec": {1: ("metadata", "ObjectMeta"), 2: ("spec", "PodSpec")},
    "PodSpec": {2: ("containers", "[Container]"), 3: ("restartPolicy", "string")},
    "Container": {
        1: ("name", "string"),
        2: ("image", "string"),
        3: ("command", "[string]"),
        4: ("args", "[string]"),
        5: ("workingDir", "string"),
    },
    "Unknown": {1: ("typeMeta", "TypeMeta"), 2: ("raw", "bytes")},
    "TypeMeta": {1: ("apiVersion", "string"), 2: ("kind", "string")},
    "Entry": {1: ("key", "string"), 2: ("value", "string")},
}
USE_JSON = "send it as JSON: kubectl create -f, or kubectl apply -f"


def decode(body: bytes, wanted: str) -> dict[str, Any]:
    """The object in a body; ApiError if it is none, or has something set that is not read here."""
    if not body.startswith(MAGIC) or wanted not in MESSAGES:
        raise unsupported_media_type(f"protobuf of a {wanted} is not read by the embedded cluster: {USE_JSON}")
    try:
        envelope = _message(body[len(MAGIC) :], "Unknown")
        types: dict[str, Any] = envelope.get("typeMeta", {})
        return types | _message(envelope.get("raw", b""), wanted)
    except (IndexError, UnicodeDecodeError) as error:
        raise bad_request(f"the body is no protobuf of a {wanted}: {error}") from error


def _message(data: bytes, name: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for number, value in _fields(data):
        field, kind = MESSAGES[name].get(number, ("", ""))
        if not kind:
            if _is_set(value):
                raise _not_read(name, number)
        elif kind == "{}":
            entry = _message(_bytes(value), "Entry")
            result.setdefault(field, {})[entry.get("key", "")] = entry.get("value", "")
        elif kind.startswith("["):
            result.setdefault(field, []).append(_value(value, kind[1:-1]))
        elif (read := _value(value, kind)) not in ("", {}):
            result[field] = read
    return result


def _not_read(name: str, number: int) -> ApiError:
    problem = f"field {number} of {name} in protobuf is not read by the embedded cluster"
    return unsupported_media_type(f"{problem}: {USE_JSON}")


def _is_set(value: int | bytes) -> bool:
    """Whether a field says anything: Go writes those that are empty, too, messages of empty ones included."""
    if isinstance(value, int):
        return value != 0
    try:
        return any(_is_set(inner) for _, inner in _fields(value))
    except IndexError:
        return True  # a text


def _value(value: int | bytes, kind: str) -> Any:
    if kind == "bool":
        return bool(value)
    if kind == "int":
        return value
    if kind == "bytes":
        return value
    return _bytes(value).decode() if kind == "string" else _message(_bytes(value), kind)


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise IndexError("a number where a text or message belongs")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The numbers and values of a message; IndexError if it is none."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0 or wire not in {VARINT, BYTES, FIXED32, FIXED64}:
            raise IndexError("no field")
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        length = {FIXED64: 8, FIXED32: 4}.get(wire, 0)
        if wire == BYTES:
            length, at = _varint(data, at)
        if at + length > len(data):
            raise IndexError("cut off")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
