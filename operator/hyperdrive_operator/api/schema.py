"""From pydantic models to CustomResourceDefinitions: JSON Schema 2020-12 becomes structural OpenAPI v3.0."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from . import names
from .v1alpha1 import HyperDriveSpec, HyperDriveStatus, HyperDriveTrialSpec, HyperDriveTrialStatus, Model
from .v1alpha1.prior import OWN_SOURCE
from .v1alpha1.spec import MAX_NAME_LENGTH
from .v1alpha1.status import UNSEEN

Schema = dict[str, Any]
Column = dict[str, Any]

_COPIED: Final = (
    "type",
    "description",
    "enum",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "maxProperties",
    "required",
    "x-kubernetes-validations",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-int-or-string",
)
_NAME_RULE: Final = {
    "rule": f"self.metadata.name.size() <= {MAX_NAME_LENGTH}",
    "message": f"metadata.name must have at most {MAX_NAME_LENGTH} characters: "
    "its trials and Jobs are called NAME-NUMBER, and a Job's name has at most 63",
}

_SOURCE_RULE: Final = {
    "rule": "!has(self.spec.warmStart) || !(self.metadata.name in self.spec.warmStart.from)",
    "message": f"spec.warmStart.from {OWN_SOURCE}",
}
_ENDED_RULE: Final = {
    "rule": "self.spec.attempt == oldSelf.spec.attempt || (has(self.status) && has(self.status.state) && "
    "self.status.state in ['Succeeded', 'Failed', 'EarlyStopped', 'Cancelled'])",
    "message": "spec.attempt: only a trial that has ended can be run again: wait for its end, "
    "or cancel it first (spec.state: Cancelled)",
}


def structural(model: type[Model]) -> Schema:
    """Return a model's structural schema: no references, no titles, only what a CRD may hold."""
    schema = model.model_json_schema(by_alias=True)
    return _translate(schema, schema.get("$defs", {}))


def _translate(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    schema = _without_null(_resolved(schema, definitions), definitions)
    result: Schema = {key: schema[key] for key in _COPIED if key in schema}
    if "gt" in schema or "exclusiveMinimum" in schema:
        result |= {"minimum": schema.get("gt", schema.get("exclusiveMinimum")), "exclusiveMinimum": True}
    if "ge" in schema:  # so pydantic writes the bounds of a union of numbers
        result["minimum"] = schema["ge"]
    if "le" in schema:
        result["maximum"] = schema["le"]
    if _says_something(schema.get("default")):
        # the defaults of a nested model are its own fields' business
        result["default"] = {} if isinstance(schema["default"], Mapping) else schema["default"]
    if "properties" in schema:
        result["properties"] = {key: _translate(value, definitions) for key, value in schema["properties"].items()}
    elif schema.get("type") == "object":
        result |= _free_object(schema, definitions)
    if "items" in schema:
        result["items"] = _translate(schema["items"], definitions)
    if not {"type", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"} & result.keys():
        result["x-kubernetes-preserve-unknown-fields"] = True  # any JSON value
    return result


def _says_something(default: Any) -> bool:
    """Tell a default worth writing into every object from None and from mappings of nothing."""
    if isinstance(default, Mapping):
        return any(_says_something(value) for value in default.values())
    return default not in (None, "", [])


def _free_object(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping) and values:
        return {"additionalProperties": _translate(values, definitions)}
    return {"x-kubernetes-preserve-unknown-fields": True}


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Inline a reference; what stands beside it (description, default, rules) wins over what it points to."""
    if "$ref" not in schema:
        return dict(schema)
    return {**definitions[schema["$ref"].rpartition("/")[2]], **schema}


def _without_null(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce `X | None` to X, and the two kinds of number to one."""
    options = [_resolved(option, definitions) for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if not options:
        return schema
    if {option.get("type") for option in options} == {"integer", "number"}:
        return {**schema, "type": "number"}
    if len(options) != 1:
        raise TypeError(f"no structural schema for a union of {len(options)} types: {schema}")
    return _without_null({**options[0], **{key: schema[key] for key in schema if key != "anyOf"}}, definitions)


def _column(name: str, kind: str, path: str, description: str, *, wide: bool = False) -> Column:
    column = {"name": name, "type": kind, "jsonPath": path, "description": description}
    return column | ({"priority": 1} if wide else {})


_HYPERDRIVE_COLUMNS: Final = (
    _column("State", "string", ".status.state", "Where the sweep stands."),
    _column("Trials", "string", ".status.progress", "Finished trials of planned ones."),
    _column("Running", "integer", ".status.trials.running", "Trials whose pod runs."),
    _column("Best", "number", ".status.bestTrial.value", "Best value of the primary metric so far."),
    _column("Best Trial", "string", ".status.bestTrial.name", "The trial with that value."),
    _column("Age", "date", ".metadata.creationTimestamp", "Time since creation."),
    _column("Metric", "string", ".spec.objective.primaryMetric", "The primary metric.", wide=True),
    _column("Queued", "integer", ".status.trials.queued", "Trials that wait for quota, a node or a place.", wide=True),
    _column("Failed", "integer", ".status.trials.failed", "Trials without a usable result.", wide=True),
    _column(
        "Stopped", "integer", ".status.trials.earlyStopped", "Trials that were ended before their time.", wide=True
    ),
    _column("Saved", "integer", ".status.timeSavedSeconds", "Seconds that this saved.", wide=True),
    _column(
        "Reason",
        "string",
        '.status.conditions[?(@.type=="Stalled")].reason',
        "What is in the way, if anything is.",
        wide=True,
    ),
)
_TRIAL_COLUMNS: Final = (
    _column("State", "string", ".status.state", "Where the trial stands."),
    _column("Value", "number", ".status.value", "Its value of the primary metric; so far, while it runs."),
    _column("Step", "number", ".status.step", "The step or epoch of its newest report.", wide=True),
    _column("Reports", "integer", ".status.reports", "How often the primary metric was reported."),
    _column("Parameters", "string", ".spec.summary", "Its parameters."),
    _column("Age", "date", ".metadata.creationTimestamp", "Time since creation."),
    _column("Reason", "string", ".status.reason", "Why it ended so.", wide=True),
    _column(
        "Saved", "integer", ".status.earlyTermination.secondsSaved", "Seconds that its early end saved.", wide=True
    ),
)


def custom_resource_definitions() -> tuple[Schema, Schema]:
    """Return the CRDs of HyperDrive and HyperDriveTrial, as the API server takes them."""
    status = structural(HyperDriveStatus) | {"default": dict(UNSEEN)}
    hyperdrive = _definition(
        kind="HyperDrive",
        short_name="hd",
        description="A hyperparameter sweep: one Job per combination of hyperparameters, the best in the status.",
        properties={"spec": structural(HyperDriveSpec), "status": status},
        columns=_HYPERDRIVE_COLUMNS,
        rules=[_NAME_RULE, _SOURCE_RULE],
    )
    trial_status = structural(HyperDriveTrialStatus) | {"default": {}}  # shows Queued without a write of ours
    trial = _definition(
        kind="HyperDriveTrial",
        short_name="hdt",
        description="One trial of a HyperDrive: its parameters, its state, its value. Written by the operator.",
        properties={"spec": structural(HyperDriveTrialSpec), "status": trial_status},
        columns=_TRIAL_COLUMNS,
        rules=[_ENDED_RULE],
    )
    return hyperdrive, trial


def _definition(
    *,
    kind: str,
    short_name: str,
    description: str,
    properties: Schema,
    columns: Sequence[Column],
    rules: Sequence[Schema],
) -> Schema:
    plural = f"{kind.lower()}s"
    schema: Schema = {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            **properties,
        },
    }
    if rules:
        schema["x-kubernetes-validations"] = list(rules)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short_name],
                # no category "hyperdrive": kubectl would take it for `kubectl get hyperdrive NAME` too, and refuse that
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": list(columns),
                }
            ],
        },
    }
