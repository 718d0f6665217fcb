"""A HyperDrive as the decisions see it: parsed once per generation, with what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.api.v1alpha1.prior import OWN_SOURCE
from hyperdrive_operator.api.v1alpha1.spec import MAX_NAME_LENGTH

from .budget import budget_problems
from .constraints import constraint_problems
from .first import first_problems
from .jobs import template_problems
from .patterns import pattern_problems
from .problems import Problem, problems_of


@dataclass(frozen=True, slots=True)
class Sweep:
    """One HyperDrive. `spec` is None when it can't be read at all; with `problems` no trial starts."""

    uid: str
    namespace: str
    name: str
    generation: int
    resource_version: str = field(compare=False)
    deleting: bool
    spec: HyperDriveSpec | None
    problems: tuple[Problem, ...]
    status: Mapping[str, Any]


def read_sweep(body: Mapping[str, Any], known: Sweep | None = None) -> Sweep:
    """Project a HyperDrive's JSON. What `known` already parsed of the same generation is taken over."""
    metadata = body["metadata"]
    generation = metadata.get("generation", 0)
    if known is not None and known.uid == metadata["uid"] and known.generation == generation:
        spec, problems = known.spec, known.problems
    else:
        spec, problems = _parse(metadata["name"], body.get("spec"))
    return Sweep(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        generation=generation,
        resource_version=metadata.get("resourceVersion", ""),
        deleting="deletionTimestamp" in metadata,
        spec=spec,
        problems=problems,
        status=body.get("status") or {},
    )


def _parse(name: str, raw: Any) -> tuple[HyperDriveSpec | None, tuple[Problem, ...]]:
    """Return the spec, or all that is wrong with it. The API server has checked most of this already."""
    if len(name) > MAX_NAME_LENGTH:
        message = f"must have at most {MAX_NAME_LENGTH} characters: its Jobs are called NAME-NUMBER"
        return None, (Problem(names.REASON_INVALID_SPEC, "metadata.name", message),)
    try:
        spec = HyperDriveSpec.model_validate(raw)
    except ValidationError as error:
        return None, problems_of(error)
    rules = constraint_problems(spec)  # an entry can only be held against rules that can be read
    problems = (
        *template_problems(spec),
        *budget_problems(spec),
        *_source_problems(name, spec),
        *(rules or first_problems(spec)),
    )
    return spec, (*problems, *pattern_problems(spec))


def _source_problems(name: str, spec: HyperDriveSpec) -> tuple[Problem, ...]:
    if spec.warm_start is None or name not in spec.warm_start.sources:
        return ()
    return (Problem(names.REASON_INVALID_SPEC, "spec.warmStart.from", OWN_SOURCE),)
