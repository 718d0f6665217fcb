"""From what a client sent to an object of the kind: strict or lenient about fields that the kind does not have."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from hyperdrive_local.errors import ApiError, bad_request, invalid, not_decodable
from hyperdrive_local.kinds import Kind
from hyperdrive_local.objects import Object
from hyperdrive_local.schema import decoding_problem
from hyperdrive_local.schema.errors import invalid as invalid_field

FieldValidation = Literal["Strict", "Warn", "Ignore"]

METADATA_STRINGS = (
    "creationTimestamp",
    "deletionTimestamp",
    "generateName",
    "name",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
)
METADATA_NUMBERS = ("deletionGracePeriodSeconds", "generation")
METADATA_MAPS = ("annotations", "labels")
METADATA_LISTS = ("finalizers", "managedFields", "ownerReferences")
METADATA = {*METADATA_STRINGS, *METADATA_NUMBERS, *METADATA_MAPS, *METADATA_LISTS}
DROPPED_IF_EMPTY = ("annotations", "finalizers", "generateName", "labels", "namespace", "ownerReferences")


class UnknownFieldsError(ApiError):
    """The object has fields that its kind does not know."""

    def __init__(self, refusal: ApiError, problem: str) -> None:
        super().__init__(refusal.code, refusal.reason, refusal.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a write is to be done."""

    subresource: str = ""
    dry_run: bool = False
    patched: bool = False
    """Whether the object was made from the stored one, and so says what it was made from."""
    field_validation: FieldValidation = "Strict"
    warnings: list[str] = field(default_factory=list, compare=False)
    """Filled in by the write: what the client is to be told though it succeeded."""


def decode(kind: Kind, body: Any, options: WriteOptions) -> Object:
    """Make `body` an object of this kind, in place; ApiError if it is not one, or not strictly one."""
    obj = _typed(kind, body)
    unknown = _take_metadata(kind, obj)
    if kind.custom:
        # the real server lists the unknown fields of metadata first, then the schema's, by path
        unknown += kind.schema.prune(obj) if kind.schema else []
    else:
        _drop_nulls(obj)
        unknown += kind.schema.prune(obj) if kind.schema else []
        _check_types(kind, obj)
    _report(kind, sorted(dict.fromkeys(unknown)), options)
    return obj


def check_identity(kind: Kind, namespace: str, name: str, obj: Object) -> None:
    """Refuse an object that says it is another one than the one that the request names."""
    metadata = obj["metadata"]
    if not kind.resource.namespaced:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if name and metadata.setdefault("name", name) != name:
        given = metadata["name"]
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")


def _typed(kind: Kind, body: Any) -> Object:
    resource = kind.resource
    if not isinstance(body, dict):
        raise not_decodable(resource, resource.kind, f"json: cannot unmarshal {_json_type(body)} into an object")
    version, name = body.get("apiVersion"), body.get("kind")
    if kind.custom and not name:
        text = json.dumps(body)
        shown = f"{text[:37]} ..." if len(text) > 40 else text
        problem = f"Object 'Kind' is missing in '{text}' ({shown})"
        raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind}): {problem}")
    if version and version != resource.api_version:
        problem = f"does not match the expected API version ({resource.api_version})"
        raise bad_request(f"the API version in the data ({version}) {problem}")
    if name and name != resource.kind:
        if kind.custom:
            wrong = invalid_field("kind", name, f"must be {resource.kind}")
            renamed = invalid(resource, str(body.get("metadata", {}).get("name", "")), [wrong])
            raise _as_kind(renamed, resource.kind, str(name))
        problem = f'no kind "{name}" is registered for version "{resource.api_version}" in scheme'
        raise not_decodable(resource, str(name), problem)
    body["apiVersion"], body["kind"] = resource.api_version, resource.kind
    return body


def _as_kind(error: ApiError, kind: str, shown: str) -> ApiError:
    message = error.message.replace(kind, shown, 1)
    return ApiError(error.code, error.reason, message, {**(error.details or {}), "kind": shown})


def _take_metadata(kind: Kind, obj: Object) -> list[str]:
    metadata = obj.get("metadata")
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        raise not_decodable(kind.resource, kind.resource.kind, _mistyped(metadata, ".metadata", "v1.ObjectMeta"))
    for key, value in metadata.items():
        _check_metadata_type(kind, key, value)
    unknown = [f"metadata.{key}" for key in metadata if key not in METADATA]
    obj["metadata"] = {
        key: value
        for key, value in metadata.items()
        if key in METADATA and value is not None and (value or key not in DROPPED_IF_EMPTY)
    }
    # who set which field is not tracked here
    obj["metadata"].pop("managedFields", None)
    obj["metadata"].pop("selfLink", None)
    return unknown


def _check_metadata_type(kind: Kind, key: str, value: Any) -> None:
    path, wanted = f"ObjectMeta.metadata.{key}", ""
    if value is None:
        return
    if key in METADATA_STRINGS and not isinstance(value, str):
        wanted = "string"
    elif key in METADATA_NUMBERS and (isinstance(value, bool) or not isinstance(value, int)):
        wanted = "int64"
    elif key in METADATA_MAPS:
        if isinstance(value, dict):
            value = next((item for item in value.values() if not isinstance(item, str)), "")
            wanted = "" if isinstance(value, str) else "string"
        else:
            wanted = "map[string]string"
    elif key in METADATA_LISTS and not isinstance(value, list):
        wanted = "[]string" if key == "finalizers" else "[]v1.OwnerReference"
    if wanted:
        raise not_decodable(kind.resource, kind.resource.kind, _mistyped(value, path, wanted))


def _mistyped(value: Any, path: str, wanted: str) -> str:
    return f"json: cannot unmarshal {_json_type(value)} into Go struct field {path} of type {wanted}"


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    names: dict[type, str] = {str: "string", int: "number", float: "number", dict: "object", list: "array"}
    return names.get(type(value), "null")


def _drop_nulls(value: Any) -> None:
    """Built-in kinds read null as "not given"."""
    if isinstance(value, dict):
        for key in [key for key, item in value.items() if item is None]:
            del value[key]
        for item in value.values():
            _drop_nulls(item)
    elif isinstance(value, list):
        for item in value:
            _drop_nulls(item)


def _check_types(kind: Kind, obj: Object) -> None:
    """A value of a type that the kind's field can't hold can't be read at all: 400, not 422."""
    resource = kind.resource
    problem = decoding_problem(resource.group, resource.version, resource.kind, obj)
    if problem:
        raise not_decodable(resource, resource.kind, problem)


def _report(kind: Kind, unknown: list[str], options: WriteOptions) -> None:
    problems = [f'unknown field "{path}"' for path in unknown]
    if not problems or options.field_validation == "Ignore":
        return
    if options.field_validation == "Warn":
        options.warnings.extend(problems)
        return
    listed = ", ".join(problems)
    refusal = not_decodable(kind.resource, kind.resource.kind, f"strict decoding error: {listed}")
    raise UnknownFieldsError(refusal, f"strict decoding error: {listed}")
