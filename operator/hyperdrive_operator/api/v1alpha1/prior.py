"""HyperDrive.spec.firstCombinations and warmStart: what a sweep knows before it begins."""

from typing import Annotated, Any, Final

from pydantic import Field, field_validator

from .base import Model

MAX_FIRST: Final = 100
MAX_SOURCES: Final = 16
#: Of a parameter's values at most so many stand in one combination: as many as there may be parameters.
_MAX_VALUES: Final = 100

FIRST_TEXT: Final = (
    "Combinations to try first, in order: trial n runs entry n. An entry maps names of parameters to values of "
    "searchSpace; a parameter that it leaves out is drawn at random. Immutable."
)

OWN_SOURCE: Final = "must not name the HyperDrive itself: name earlier ones"

#: What a HyperDrive can be called, so far as its Jobs let it.
SourceName = Annotated[str, Field(min_length=1, max_length=57, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
Combination = Annotated[dict[str, Any], Field(max_length=_MAX_VALUES)]


class WarmStart(Model):
    """Earlier HyperDrives of the namespace whose results are known from the start."""

    sources: list[SourceName] = Field(
        alias="from",
        min_length=1,
        max_length=MAX_SOURCES,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="Names of earlier HyperDrives in the namespace, with the same primary metric and goal. Bayesian, "
        "CmaEs and NsgaII learn from those of their trials that have a value and fit searchSpace. No trial is started "
        "before all of them exist.",
    )
    skip_known: bool = Field(
        default=False, description="Whether combinations that those trials have run are not run again."
    )

    @field_validator("sources")
    @classmethod
    def _has_unique_names(cls, names: list[str]) -> list[str]:
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"Duplicate value: {min(twice)!r} stands twice, remove one")
        return names
