"""Schemas of the builtin kinds, read from the models of the kubernetes client, one definition a model."""

import datetime
import functools
import importlib
import re
import types
import typing
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

REF: Final = "$ref"
GVK: Final = "x-kubernetes-group-version-kind"

# Group, version and kind; the module and class of its model; the package that names its definition.
_KINDS: Final[dict[tuple[str, str, str], tuple[str, str, str]]] = {
    ("", "v1", "ConfigMap"): ("v1_config_map", "V1ConfigMap", "api.core.v1"),
    ("", "v1", "Event"): ("core_v1_event", "CoreV1Event", "api.core.v1"),
    ("", "v1", "Namespace"): ("v1_namespace", "V1Namespace", "api.core.v1"),
    ("", "v1", "Node"): ("v1_node", "V1Node", "api.core.v1"),
    ("", "v1", "Pod"): ("v1_pod", "V1Pod", "api.core.v1"),
    ("", "v1", "Secret"): ("v1_secret", "V1Secret", "api.core.v1"),
    ("", "v1", "Service"): ("v1_service", "V1Service", "api.core.v1"),
    ("", "v1", "ServiceAccount"): ("v1_service_account", "V1ServiceAccount", "api.core.v1"),
    ("apps", "v1", "Deployment"): ("v1_deployment", "V1Deployment", "api.apps.v1"),
    ("batch", "v1", "Job"): ("v1_job", "V1Job", "api.batch.v1"),
    ("coordination.k8s.io", "v1", "Lease"): ("v1_lease", "V1Lease", "api.coordination.v1"),
    ("events.k8s.io", "v1", "Event"): ("events_v1_event", "EventsV1Event", "api.events.v1"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"): ("v1_cluster_role", "V1ClusterRole", "api.rbac.v1"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"): (
        "v1_cluster_role_binding",
        "V1ClusterRoleBinding",
        "api.rbac.v1",
    ),
    ("rbac.authorization.k8s.io", "v1", "Role"): ("v1_role", "V1Role", "api.rbac.v1"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"): ("v1_role_binding", "V1RoleBinding", "api.rbac.v1"),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"): (
        "v1_custom_resource_definition",
        "V1CustomResourceDefinition",
        "apiextensions-apiserver.pkg.apis.apiextensions.v1",
    ),
}
_META: Final = "apimachinery.pkg.apis.meta.v1"
_META_MODELS: Final = frozenset({
    "V1Condition", "V1DeleteOptions", "V1LabelSelector", "V1LabelSelectorRequirement", "V1ListMeta",
    "V1ManagedFieldsEntry", "V1ObjectMeta", "V1OwnerReference", "V1Preconditions", "V1Status", "V1StatusCause",
    "V1StatusDetails",
})  # fmt: skip
_OWN_PACKAGES: Final = {
    "V1Job": "api.batch.v1", "V1Uncounted": "api.batch.v1", "V1PodFailurePolicy": "api.batch.v1",
    "V1SuccessPolicy": "api.batch.v1", "V1Deployment": "api.apps.v1", "V1RollingUpdateDeployment": "api.apps.v1",
    "V1Lease": "api.coordination.v1", "EventsV1": "api.events.v1", "V1PolicyRule": "api.rbac.v1",
    "V1RoleRef": "api.rbac.v1", "RbacV1": "api.rbac.v1", "V1AggregationRule": "api.rbac.v1",
    "V1CustomResource": "apiextensions-apiserver.pkg.apis.apiextensions.v1",
}  # fmt: skip
# The client's models do not tell int32 from int64; these are the wide ones among the kinds above.
_INT64: Final = frozenset({
    "activeDeadlineSeconds", "deletionGracePeriodSeconds", "expirationSeconds", "fsGroup", "generation",
    "observedGeneration", "runAsGroup", "runAsUser", "terminationGracePeriodSeconds", "tolerationSeconds",
    "sizeBytes", "supplementalGroups",
})  # fmt: skip
_QUANTITY_MAPS: Final = frozenset({
    "allocatable", "allocatedResources", "capacity", "limits", "overhead", "requests", "hard", "used",
})  # fmt: skip
_QUANTITIES: Final = frozenset({"divisor", "sizeLimit"})
_MICRO_TIMES: Final = frozenset({"acquireTime", "eventTime", "lastObservedTime", "renewTime"})
QUANTITY: Final = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING: Final = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
TIME: Final = f"io.k8s.{_META}.Time"
MICRO_TIME: Final = f"io.k8s.{_META}.MicroTime"
_WELL_KNOWN: Final[dict[str, dict[str, Any]]] = {
    QUANTITY: {
        "description": "Quantity is a fixed-point representation of a number, as in 100m, 1.5 or 2Gi.",
        "format": "quantity",
        "x-kubernetes-preserve-unknown-fields": True,
    },
    INT_OR_STRING: {
        "description": "IntOrString holds an integer or a string.",
        "format": "int-or-string",
        "x-kubernetes-int-or-string": True,
    },
    TIME: {"description": "Time is a moment, as RFC 3339 writes it.", "type": "string", "format": "date-time"},
    MICRO_TIME: {"description": "MicroTime is Time to the microsecond.", "type": "string", "format": "date-time"},
}
ANYTHING: Final = {"x-kubernetes-preserve-unknown-fields": True}
_SCALARS: Final[dict[Any, dict[str, Any]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    float: {"type": "number", "format": "double"},
    bytes: {"type": "string", "format": "byte"},
}
# Every schema is recursive in JSONSchemaProps; how deep it is checked is check_crd's business.
_OPAQUE: Final = frozenset({"V1JSONSchemaProps"})


def builtin_kinds() -> list[tuple[str, str, str]]:
    """Return group, version and kind of every builtin kind that has a schema."""
    return list(_KINDS)


def definition_name(group: str, version: str, kind: str) -> str | None:
    """Return the name of the definition of a builtin kind."""
    entry = _KINDS.get((group, version, kind))
    return f"io.k8s.{entry[2]}.{kind}" if entry else None


@functools.cache
def definitions_of(group: str, version: str, kind: str) -> dict[str, dict[str, Any]]:
    """Return the definition of a builtin kind and of all that it refers to, by name."""
    module, name, package = _KINDS[group, version, kind]
    model = getattr(importlib.import_module(f"kubernetes.client.models.{module}"), name)
    found: dict[str, dict[str, Any]] = {}
    top = _collect(model, found, f"io.k8s.{package}.{kind}")
    found[top] = {**found[top], GVK: [{"group": group, "version": version, "kind": kind}]}
    return found


def _collect(model: type[BaseModel], found: dict[str, dict[str, Any]], name: str = "") -> str:
    name = name or _name(model)
    if name in found:
        return name
    definition: dict[str, Any] = {"type": "object", "description": _described(model)}
    found[name] = definition
    if model.__name__ in _OPAQUE:
        definition["x-kubernetes-preserve-unknown-fields"] = True
        return name
    properties: dict[str, Any] = {}
    for attribute, info in model.model_fields.items():
        key = info.serialization_alias or attribute
        properties[key] = _property(key, info, found)
    required = [info.serialization_alias or key for key, info in model.model_fields.items() if info.is_required()]
    definition["properties"] = properties
    if required:
        definition["required"] = required
    return name


def _described(model: type[BaseModel]) -> str:
    text = (model.__doc__ or "").split("Attributes:", maxsplit=1)[0]
    return " ".join(text.split())


def _name(model: type[BaseModel]) -> str:
    plain = re.sub(r"^(?:Core|Events|Rbac|Apiextensions)?V1(?=[A-Z])", "", model.__name__)
    if model.__name__ in _META_MODELS:
        return f"io.k8s.{_META}.{plain}"
    package = next((own for start, own in _OWN_PACKAGES.items() if model.__name__.startswith(start)), "api.core.v1")
    return f"io.k8s.{package}.{plain}"


def _property(key: str, info: FieldInfo, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    schema = _schema(key, info.annotation, found)
    if info.description:
        if REF in schema:  # a $ref hides its siblings
            return {"description": info.description, "allOf": [schema]}
        schema = {"description": info.description, **schema}
    elif REF in schema:
        described = found[schema[REF]].get("description", "")
        return {"description": described, "allOf": [schema]}
    return schema


def _schema(key: str, annotation: Any, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _schema(key, arguments[0], found)
    if origin in {typing.Union, types.UnionType}:
        return _union(key, [item for item in arguments if item is not types.NoneType], found)
    if origin is list:
        return {"type": "array", "items": _schema(key, arguments[0], found)}
    if origin is dict:
        values = _well_known(QUANTITY, found) if key in _QUANTITY_MAPS else _schema(key, arguments[1], found)
        return {"type": "object", "additionalProperties": values}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {REF: _collect(annotation, found)}
    return _scalar(key, annotation, found)


def _union(key: str, members: list[Any], found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    schemas = [_schema(key, member, found) for member in members]
    if len(schemas) == 1:
        return schemas[0]
    kinds = {schema.get("type") for schema in schemas}
    if kinds == {"integer", "string"}:
        return _well_known(INT_OR_STRING, found)
    if kinds == {"number", "integer"}:
        return {"type": "number"}
    if kinds == {"string"}:
        return {"type": "string", "format": "byte"}
    return {"x-kubernetes-preserve-unknown-fields": True}


def _well_known(name: str, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found[name] = _WELL_KNOWN[name]
    return {REF: name}


def _scalar(key: str, annotation: Any, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if annotation is str and key in _QUANTITIES:
        return _well_known(QUANTITY, found)
    if annotation is int:
        return {"type": "integer", "format": "int64" if key in _INT64 else "int32"}
    if annotation is datetime.datetime:
        return _well_known(MICRO_TIME if key in _MICRO_TIMES else TIME, found)
    return dict(_SCALARS.get(annotation, ANYTHING))


@functools.cache
def expanded(group: str, version: str, kind: str) -> dict[str, Any] | None:
    """Return the schema of a builtin kind with every reference put in place, or None for an unknown kind."""
    name = definition_name(group, version, kind)
    if name is None:
        return None
    return _inlined(definitions_of(group, version, kind)[name], definitions_of(group, version, kind))


def _inlined(schema: dict[str, Any], definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if REF in schema:
        if schema[REF] == QUANTITY:
            return dict(ANYTHING)  # a text or any number; the decoder knows which
        return _inlined(definitions[schema[REF]], definitions)
    if "allOf" in schema:
        return _inlined(schema["allOf"][0], definitions)
    result = {key: value for key, value in schema.items() if key != "description"}
    if "properties" in schema:
        result["properties"] = {key: _inlined(child, definitions) for key, child in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = _inlined(schema[key], definitions)
    return result
