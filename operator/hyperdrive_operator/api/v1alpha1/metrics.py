"""HyperDrive.spec.metrics: where the metrics of a trial come from, and which report is its value."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from .base import Model, cel

_PATTERN_RULE = "!has(self.pattern) || self.source != 'Annotation'"
_PATTERN_MESSAGE = "pattern reads a trial's output: remove it, or set source to Log or TerminationMessage"


class Metrics(Model):
    """Where the metrics of a trial come from. The Job's annotation hyperdrive.dev/metrics always counts."""

    model_config = ConfigDict(json_schema_extra=cel((_PATTERN_RULE, _PATTERN_MESSAGE)))

    source: Literal["Log", "Annotation", "TerminationMessage"] = Field(
        default="Log",
        description="Log also reads name=value, name: value and JSON lines from the output of the trial's pod, "
        "so that the script needs nothing. TerminationMessage reads the same from the last words of the container. "
        "Annotation reads the annotation alone.",
    )
    pattern: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="A regular expression (RE2) that finds metrics in the output, in place of the forms above: groups "
        "(?P<value>...), (?P<name>...) for the metric's name unless it is the primary metric, and (?P<step>...); "
        "without named groups the first is the name and the second the value.",
    )
    value: Literal["Best", "Last"] = Field(
        default="Best", description="Which report of the primary metric is the trial's value: the best or the last."
    )

    @model_validator(mode="after")
    def _pattern_has_something_to_read(self) -> Self:
        if self.pattern is not None and self.source == "Annotation":
            raise ValueError(_PATTERN_MESSAGE)
        return self
