"""HyperDrive.spec: what to search, what to optimise, how far to go, and the Job that trains."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from .base import Model, Number, cel
from .conditional import PARENT_MESSAGE, PARENT_RULE, check_conditions
from .early_termination import EarlyTermination
from .finished_jobs import FinishedJobs
from .limits import MAX_TRIALS, Limits
from .metrics import Metrics
from .prior import FIRST_TEXT, MAX_FIRST, Combination, WarmStart
from .repeats import JUDGED_MESSAGE, JUDGED_RULE, MAX_REPEATS, REPEATS_TEXT, SOURCE_MESSAGE, SOURCE_RULE
from .sampling import SamplingAlgorithm
from .search_space import Parameter
from .state import STATE_DESCRIPTION, DesiredState, RunningTrials

MAX_PARAMETERS = 100
MAX_CONSTRAINTS = 16
MAX_ADDITIONAL_OBJECTIVES = 3  # with more, almost every trial is on the front, and the front says nothing

#: Longest name of a HyperDrive: its trials are called NAME-NUMBER, and a Job's name has at most 63 characters.
MAX_NAME_LENGTH = 63 - len(f"-{MAX_TRIALS}")

_IMMUTABLE = "is immutable: trials under other rules could not be compared. Create another HyperDrive instead"
_DISCRETE = ("choice", "randint", "q_uniform", "q_log_uniform", "grid_points")
_GRID_RULE = (
    "self.samplingAlgorithm.type != 'Grid' || self.searchSpace.all(p, "
    "has(p.choice) || has(p.randint) || has(p.qUniform) || has(p.qLogUniform) || has(p.gridPoints))"
)
_GRID_MESSAGE = (
    "Grid needs parameters with countable values: choice, randint, qUniform or qLogUniform "
    "(give a continuous range a step q or a number of gridPoints, or use the Random sampling algorithm)"
)

_CMA_ES_NEEDS = 2
_CMA_ES_RULE = (
    "self.samplingAlgorithm.type != 'CmaEs' || "
    f"self.searchSpace.filter(p, !has(p.choice) && !has(p.when)).size() >= {_CMA_ES_NEEDS}"
)
_CMA_ES_MESSAGE = (
    "CmaEs needs at least two numeric parameters without a condition: it models no others "
    "(use the Bayesian sampling algorithm, which models every search space)"
)

_ONE_METRIC_RULE = (
    "self.samplingAlgorithm.type != 'CmaEs' || !has(self.objective.additionalObjectives) || "
    "self.objective.additionalObjectives.size() == 0"
)
_ONE_METRIC_MESSAGE = (
    "CmaEs optimises one metric: use NsgaII or Bayesian for several objectives, or remove additionalObjectives"
)
_SEVERAL_METRICS_RULE = (
    "self.samplingAlgorithm.type != 'NsgaII' || "
    "(has(self.objective.additionalObjectives) && self.objective.additionalObjectives.size() > 0)"
)
_SEVERAL_METRICS_MESSAGE = (
    "NsgaII needs several objectives: add objective.additionalObjectives, or use Bayesian or CmaEs for one metric"
)
_OTHERS_RULE = "!has(self.additionalObjectives) || self.additionalObjectives.all(o, o.metric != self.primaryMetric)"
_OTHERS_MESSAGE = "additionalObjectives must not repeat the primaryMetric: it is an objective already"

#: Sources of metrics that say nothing before a trial has ended.
_SILENT_SOURCES = frozenset({"TerminationMessage"})
_SILENT_RULE = "!has(self.earlyTermination) || self.metrics.source != 'TerminationMessage'"
_SILENT_MESSAGE = (
    "earlyTermination needs metrics while a trial runs, and a termination message comes at its end: "
    "set metrics.source to Log or Annotation, or remove earlyTermination"
)

Text = Annotated[str, Field(max_length=4096)]
_NO_TERMINATION_RULE = (
    "!has(self.earlyTermination) || !has(self.objective.additionalObjectives) || "
    "self.objective.additionalObjectives.size() == 0"
)
_NO_TERMINATION_MESSAGE = (
    "earlyTermination judges by one metric, and a trial that is behind in it may be ahead in another: "
    "remove objective.additionalObjectives or earlyTermination"
)

MetricName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^\s=:,\"{}]+$")]
Goal = Literal["Maximize", "Minimize"]


class AdditionalObjective(Model):
    """One more metric to optimise at the same time."""

    metric: MetricName = Field(description="Name of the metric, exactly as the training script reports it.")
    goal: Goal = Field(description="Whether higher or lower values are better.")


class Objective(Model):
    """What makes one trial better than another."""

    model_config = ConfigDict(
        json_schema_extra=cel(("self == oldSelf", f"objective {_IMMUTABLE}"), (_OTHERS_RULE, _OTHERS_MESSAGE))
    )

    primary_metric: MetricName = Field(
        description="Name of the metric to optimise, exactly as the training script reports it."
    )
    goal: Goal = Field(description="Whether higher or lower values are better.")
    target: Number | None = Field(
        default=None,
        description="A value that is good enough: the first report of the primary metric as good as it ends the sweep.",
    )
    additional_objectives: list[AdditionalObjective] = Field(
        default=[],
        max_length=MAX_ADDITIONAL_OBJECTIVES,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["metric"]},
        description="Further metrics to optimise, each as much as the primary metric: the result is the Pareto front, "
        "in status.paretoFront. A trial's values are then the last that it reported of each. "
        "status.bestTrial stays the trial with the best primary metric.",
    )

    @property
    def goals(self) -> dict[str, Goal]:
        """Every objective's metric with its goal, the primary one first."""
        return {self.primary_metric: self.goal, **{one.metric: one.goal for one in self.additional_objectives}}

    @field_validator("additional_objectives")
    @classmethod
    def _names_each_metric_once(cls, others: list[AdditionalObjective]) -> list[AdditionalObjective]:
        metrics = [one.metric for one in others]
        if twice := {metric for metric in metrics if metrics.count(metric) > 1}:
            raise ValueError(f"each metric stands once: remove the duplicate {min(twice)!r}")
        return others

    @model_validator(mode="after")
    def _does_not_repeat_the_primary_metric(self) -> Self:
        if any(one.metric == self.primary_metric for one in self.additional_objectives):
            raise ValueError(_OTHERS_MESSAGE)
        return self


class TemplateMetadata(Model):
    """Metadata of each Job."""

    labels: dict[str, Text] = Field(default={}, max_length=64, description="Labels of each Job.")
    annotations: dict[str, Text] = Field(default={}, max_length=64, description="Annotations of each Job.")


class TrialTemplate(Model):
    """The batch/v1 Job of a trial. $(params.NAME) in any string stands for the trial's value of that parameter."""

    metadata: TemplateMetadata = Field(default=TemplateMetadata(), description="Labels and annotations of each Job.")
    spec: dict[str, Any] = Field(
        description="A batch/v1 JobSpec, any field. Each string may hold placeholders $(params.NAME); a string that is "
        "only a placeholder takes the parameter's type. Every container also gets the parameters as environment "
        "variables HYPERDRIVE_PARAM_NAME and as JSON in HYPERDRIVE_PARAMETERS."
    )


class Constraint(Model):
    """A rule between parameters. A combination that breaks it is not run."""

    rule: str = Field(
        min_length=1,
        max_length=1024,
        description="CEL over params, true for combinations that may run: "
        'params["batch-size"] * params.layers <= 4096. Whole and other numbers do not mix: double(params.layers). '
        "A rule that needs a parameter which is not active does not apply.",
    )


class HyperDriveSpec(Model):
    """A sweep: one Job per combination of hyperparameters, the best of them in the status."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (_GRID_RULE, _GRID_MESSAGE),
            (_CMA_ES_RULE, _CMA_ES_MESSAGE),
            (_SILENT_RULE, _SILENT_MESSAGE),
            (_NO_TERMINATION_RULE, _NO_TERMINATION_MESSAGE),
            (_ONE_METRIC_RULE, _ONE_METRIC_MESSAGE),
            (_SEVERAL_METRICS_RULE, _SEVERAL_METRICS_MESSAGE),
            (JUDGED_RULE, JUDGED_MESSAGE),
            (SOURCE_RULE, SOURCE_MESSAGE),
            *(
                (f"has(self.{field}) == has(oldSelf.{field})", f"{field} {_IMMUTABLE}")
                for field in ("constraints", "firstCombinations", "warmStart")
            ),
        )
    )

    objective: Objective = Field(description="The primary metric and its goal. Immutable.")
    search_space: list[Parameter] = Field(
        min_length=1,
        max_length=MAX_PARAMETERS,
        json_schema_extra=cel(
            ("self == oldSelf", f"searchSpace {_IMMUTABLE}"),
            (PARENT_RULE, PARENT_MESSAGE),
            **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
        description="The hyperparameters, each with the values it may take. Immutable.",
    )
    constraints: list[Constraint] = Field(
        default=[],
        max_length=MAX_CONSTRAINTS,
        json_schema_extra=cel(("self == oldSelf", f"constraints {_IMMUTABLE}")),
        description="Rules between parameters, all of which a combination must satisfy to be run. Immutable.",
    )
    sampling_algorithm: SamplingAlgorithm = Field(
        default=SamplingAlgorithm(), description="How the next combination is chosen. Immutable."
    )
    first_combinations: list[Combination] = Field(
        default=[],
        max_length=MAX_FIRST,
        json_schema_extra=cel(("self == oldSelf", f"firstCombinations {_IMMUTABLE}")),
        description=FIRST_TEXT,
    )
    warm_start: WarmStart | None = Field(
        default=None,
        json_schema_extra=cel(("self == oldSelf", f"warmStart {_IMMUTABLE}")),
        description="Earlier HyperDrives of the namespace whose results are known from the start. Immutable.",
    )
    early_termination: EarlyTermination | None = Field(
        default=None,
        description="Which trials are ended before their time, judged by the values that they report while they run. "
        "Without it all trials run to their end. Can be changed at any time.",
    )
    limits: Limits = Field(description="How many trials, how many at once, and what else ends the sweep.")
    state: DesiredState = Field(default="Running", description=STATE_DESCRIPTION)
    running_trials: RunningTrials = Field(
        default=RunningTrials(), description="What becomes of running trials when no more are to be started."
    )
    finished_jobs: FinishedJobs = Field(
        default=FinishedJobs(), description="Which Jobs that have finished are kept. Records are kept in any case."
    )
    repeats: int = Field(
        default=1,
        ge=1,
        le=MAX_REPEATS,
        json_schema_extra=cel(("self == oldSelf", f"repeats {_IMMUTABLE}")),
        description=REPEATS_TEXT,
    )
    metrics: Metrics = Field(default=Metrics(), description="Where the metrics of a trial come from.")
    trial_template: TrialTemplate = Field(description="The Job that trains one combination.")

    @field_validator("search_space")
    @classmethod
    def _has_unique_names(cls, parameters: list[Parameter]) -> list[Parameter]:
        names = [parameter.name for parameter in parameters]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"each parameter stands once: remove the duplicate {min(twice)!r}")
        return parameters

    @field_validator("search_space")
    @classmethod
    def _has_sound_conditions(cls, parameters: list[Parameter]) -> list[Parameter]:
        check_conditions(parameters)
        return parameters

    @model_validator(mode="after")
    def _grid_is_countable(self) -> Self:
        if self.sampling_algorithm.type == "Grid":
            for parameter in self.search_space:
                if all(getattr(parameter, field) is None for field in _DISCRETE):
                    raise ValueError(_GRID_MESSAGE)
        return self

    @model_validator(mode="after")
    def _cma_es_has_something_to_model(self) -> Self:
        modelled = [one for one in self.search_space if one.choice is None and one.when is None]
        if self.sampling_algorithm.type == "CmaEs" and len(modelled) < _CMA_ES_NEEDS:
            raise ValueError(_CMA_ES_MESSAGE)
        return self

    @model_validator(mode="after")
    def _early_termination_can_judge(self) -> Self:
        if self.early_termination is not None and self.metrics.source in _SILENT_SOURCES:
            raise ValueError(_SILENT_MESSAGE)
        if self.early_termination is not None and self.objective.additional_objectives:
            raise ValueError(_NO_TERMINATION_MESSAGE)
        return self

    @model_validator(mode="after")
    def _repeats_can_be_told_apart(self) -> Self:
        if self.repeats > 1 and self.early_termination is not None:
            raise ValueError(JUDGED_MESSAGE)
        if self.repeats > 1 and self.metrics.source == "Annotation":
            raise ValueError(SOURCE_MESSAGE)
        return self

    @model_validator(mode="after")
    def _algorithm_suits_the_number_of_objectives(self) -> Self:
        has_several = bool(self.objective.additional_objectives)
        if self.sampling_algorithm.type == "CmaEs" and has_several:
            raise ValueError(_ONE_METRIC_MESSAGE)
        if self.sampling_algorithm.type == "NsgaII" and not has_several:
            raise ValueError(_SEVERAL_METRICS_MESSAGE)
        return self
