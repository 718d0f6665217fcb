"""HyperDrive.spec.earlyTermination: which trials are not worth running to their end, and the options of each policy."""

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from .base import Model, Number, cel

PolicyType = Literal[
    "Bandit",
    "MedianStopping",
    "TruncationSelection",
    "SuccessiveHalving",
    "Hyperband",
    "Extrapolation",
    "Threshold",
    "Patience",
]

#: The member that holds the options of a type.
POLICY_OPTIONS: Final = {
    "bandit": "Bandit",
    "medianStopping": "MedianStopping",
    "truncationSelection": "TruncationSelection",
    "successiveHalving": "SuccessiveHalving",
    "hyperband": "Hyperband",
    "extrapolation": "Extrapolation",
    "threshold": "Threshold",
    "patience": "Patience",
}
_STANDS_ALONE: Final = {
    member: f"{member} stands only with type {kind}: remove it, or set the type"
    for member, kind in POLICY_OPTIONS.items()
}
#: Policies that do nothing without a number that nobody can guess, and which.
_NEEDED: Final = {
    "bandit": "type Bandit needs bandit.slackFactor or bandit.slackAmount",
    "truncationSelection": "type TruncationSelection needs truncationSelection.truncationPercentage",
    "hyperband": "type Hyperband needs hyperband.maxInterval: the number of reports of a whole trial",
    "threshold": "type Threshold needs threshold.lower or threshold.upper",
    "patience": "type Patience needs patience.intervals",
}
_RUNGS: Final = ("SuccessiveHalving", "Hyperband")
_NO_INTERVALS: Final = (
    "SuccessiveHalving and Hyperband judge at their rungs: remove evaluationInterval and delayEvaluation "
    "(successiveHalving.minInterval and hyperband.maxInterval say where the rungs are)"
)
_NO_INTERVALS_RULE: Final = (
    f"!(self.type in ['{_RUNGS[0]}', '{_RUNGS[1]}']) || (!has(self.evaluationInterval) && !has(self.delayEvaluation))"
)
_ONE_SLACK: Final = "exactly one of slackFactor and slackAmount must be set"
_A_BOUND: Final = "at least one of lower and upper must be set"
_ORDERED: Final = "lower must be below upper"
_DELAY_WITHIN: Final = "delayEvaluation must be below extrapolation.maxInterval: else no trial is ever judged"
_DELAY_WITHIN_RULE: Final = (
    "!has(self.extrapolation) || !has(self.extrapolation.maxInterval) || !has(self.delayEvaluation) || "
    "self.delayEvaluation < self.extrapolation.maxInterval"
)
_MAX_BEYOND_MIN: Final = "maxInterval must be above minInterval"

MAX_INTERVAL: Final = 1_000_000_000  # more reports than anybody makes

#: Reports before a trial is compared with others. Measured (docs/early-termination-measured.md): to judge first reports
#: stops the best trial of many a sweep, and what it saves beyond waiting for five is little.
DEFAULT_DELAY: Final = 5
_COMPARING: Final = ("Bandit", "MedianStopping", "TruncationSelection")

Interval = Annotated[int, Field(ge=1, le=MAX_INTERVAL)]
Slack = Annotated[Number, Field(gt=0)]
Delta = Annotated[Number, Field(ge=0)]


class BanditOptions(Model):
    """Options of Bandit: how far behind the best a trial may be."""

    model_config = ConfigDict(
        json_schema_extra=cel(("has(self.slackFactor) != has(self.slackAmount)", _ONE_SLACK)),
    )

    slack_factor: Slack | None = Field(
        default=None,
        description="As a ratio: with 0.2 and Maximize a trial below best / 1.2 is stopped, with Minimize one above "
        "best * 1.2. Where the best is 0 it leaves no slack: use slackAmount.",
    )
    slack_amount: Slack | None = Field(
        default=None,
        description="As a distance: with 0.2 a trial that is worse than the best by more than 0.2 is stopped.",
    )

    @model_validator(mode="after")
    def _has_one_slack(self) -> Self:
        if (self.slack_factor is None) == (self.slack_amount is None):
            raise ValueError(_ONE_SLACK)
        return self


class MedianStoppingOptions(Model):
    """Options of MedianStopping."""

    min_trials: int = Field(
        default=3,
        ge=1,
        le=10_000,
        description="No trial is stopped before so many others are known at its interval.",
    )


class TruncationSelectionOptions(Model):
    """Options of TruncationSelection."""

    truncation_percentage: int = Field(
        ge=1, le=99, description="The lowest so many percent of the trials at an interval are stopped, rounded down."
    )
    exclude_finished_trials: bool = Field(
        default=False, description="Whether trials that ran to their end are left out of the ranking."
    )


class SuccessiveHalvingOptions(Model):
    """Options of SuccessiveHalving (ASHA). Rungs are at minInterval * reductionFactor^k."""

    model_config = ConfigDict(
        json_schema_extra=cel(("!has(self.maxInterval) || self.maxInterval > self.minInterval", _MAX_BEYOND_MIN)),
    )

    reduction_factor: int = Field(
        default=2, ge=2, le=100, description="Of the trials that reach a rung the best 1/reductionFactor go on."
    )
    min_interval: Interval = Field(
        default=DEFAULT_DELAY, description="The first rung: reports that every trial may make."
    )
    max_interval: Interval | None = Field(default=None, description="There is no rung at it or beyond it.")

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.max_interval is not None and self.max_interval <= self.min_interval:
            raise ValueError(_MAX_BEYOND_MIN)
        return self


class HyperbandOptions(Model):
    """Options of Hyperband: several successive halvings side by side, from hasty to none at all."""

    max_interval: int = Field(
        ge=2, le=MAX_INTERVAL, description="Reports of a whole trial; the number of brackets follows from it."
    )
    reduction_factor: int = Field(
        default=3, ge=2, le=100, description="Of the trials of a bracket at a rung the best 1/reductionFactor go on."
    )
    brackets: int | None = Field(
        default=None,
        ge=1,
        le=31,
        description="Most brackets, the hastiest first. Without it all of them, the last of which stops nobody.",
    )


class ExtrapolationOptions(Model):
    """Options of Extrapolation: how sure it must be that a trial can't become the best, and what that must save."""

    max_interval: int | None = Field(
        default=None,
        ge=2,
        le=MAX_INTERVAL,
        description="Reports of a whole trial. Without it as many as the longest trial made that ran to its end.",
    )
    caution: Slack = Field(
        default=2,
        description="How many times its recent pace and ups and downs a trial may be expected to gain. "
        "More stops fewer trials and loses less.",
    )
    min_trials: int = Field(
        default=1,
        ge=1,
        le=10_000,
        description="No trial is stopped before so many others have run to their end, beyond its interval.",
    )
    min_time_left: Delta = Field(
        default=0.1,
        description="A trial is not stopped that has less time to go than this share of the mean run time of those "
        "that have ended: there is little to save. With 0 time does not count.",
    )


class ThresholdOptions(Model):
    """Options of Threshold: values of the primary metric that no trial worth its time reports."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("has(self.lower) || has(self.upper)", _A_BOUND),
            ("!has(self.lower) || !has(self.upper) || self.lower < self.upper", _ORDERED),
        ),
    )

    lower: Number | None = Field(default=None, description="A trial whose value is below it is stopped.")
    upper: Number | None = Field(default=None, description="A trial whose value is above it is stopped.")

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.lower is None and self.upper is None:
            raise ValueError(_A_BOUND)
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise ValueError(_ORDERED)
        return self


class PatienceOptions(Model):
    """Options of Patience."""

    intervals: Interval = Field(description="A trial is stopped that has not improved for so many reports.")
    min_delta: Delta = Field(default=0, description="What improves the best value by no more than this does not count.")


class EarlyTermination(Model):
    """Which trials are ended before their time. A change applies to trials that are judged after it."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            *((f"!has(self.{m}) || self.type == '{kind}'", _STANDS_ALONE[m]) for m, kind in POLICY_OPTIONS.items()),
            *((f"self.type != '{POLICY_OPTIONS[m]}' || has(self.{m})", message) for m, message in _NEEDED.items()),
            (_NO_INTERVALS_RULE, _NO_INTERVALS),
            (_DELAY_WITHIN_RULE, _DELAY_WITHIN),
        )
    )

    type: PolicyType = Field(
        description="Bandit stops a trial that is too far behind the best; MedianStopping one whose best value is "
        "worse than the median of the others' running averages; TruncationSelection the lowest percentage; "
        "SuccessiveHalving (ASHA) all but the best 1/reductionFactor at each rung; Hyperband the same in several "
        "brackets; Extrapolation one that can't become the best by its own pace nor by what others gained "
        "from its age on; Threshold a trial whose value is out of bounds; Patience one that no longer improves. "
        "Trials are compared with others at the same number of reports, but for Extrapolation."
    )
    evaluation_interval: Interval | None = Field(
        default=None,
        description="A trial is judged at each multiple of so many reports of the primary metric. Without it 1.",
    )
    delay_evaluation: int | None = Field(
        default=None,
        ge=0,
        le=MAX_INTERVAL,
        description=f"No trial is judged before so many reports. Without it {DEFAULT_DELAY} for the types that compare "
        f"trials ({', '.join(_COMPARING)}), half of a whole trial's reports for Extrapolation, "
        "else 0.",
    )
    bandit: BanditOptions | None = Field(default=None, description="Options of type Bandit.")
    median_stopping: MedianStoppingOptions | None = Field(default=None, description="Options of type MedianStopping.")
    truncation_selection: TruncationSelectionOptions | None = Field(
        default=None, description="Options of type TruncationSelection."
    )
    successive_halving: SuccessiveHalvingOptions | None = Field(
        default=None, description="Options of type SuccessiveHalving."
    )
    hyperband: HyperbandOptions | None = Field(default=None, description="Options of type Hyperband.")
    extrapolation: ExtrapolationOptions | None = Field(default=None, description="Options of type Extrapolation.")
    threshold: ThresholdOptions | None = Field(default=None, description="Options of type Threshold.")
    patience: PatienceOptions | None = Field(default=None, description="Options of type Patience.")

    @property
    def delay(self) -> int:
        """Reports before a trial is judged, for the types that do not judge at rungs."""
        if self.delay_evaluation is not None:
            return self.delay_evaluation
        return DEFAULT_DELAY if self.type in _COMPARING else 0

    @model_validator(mode="after")
    def _has_its_own_options_only(self) -> Self:
        given = {
            "bandit": self.bandit,
            "medianStopping": self.median_stopping,
            "truncationSelection": self.truncation_selection,
            "successiveHalving": self.successive_halving,
            "hyperband": self.hyperband,
            "extrapolation": self.extrapolation,
            "threshold": self.threshold,
            "patience": self.patience,
        }
        for member, options in given.items():
            is_its_own = self.type == POLICY_OPTIONS[member]
            if options is not None and not is_its_own:
                raise ValueError(_STANDS_ALONE[member])
            if options is None and is_its_own and member in _NEEDED:
                raise ValueError(_NEEDED[member])
        return self

    @model_validator(mode="after")
    def _has_one_schedule(self) -> Self:
        if self.type in _RUNGS and (self.evaluation_interval is not None or self.delay_evaluation is not None):
            raise ValueError(_NO_INTERVALS)
        return self

    @model_validator(mode="after")
    def _judges_before_the_end(self) -> Self:
        whole = self.extrapolation.max_interval if self.extrapolation is not None else None
        if whole is not None and self.delay_evaluation is not None and self.delay_evaluation >= whole:
            raise ValueError(_DELAY_WITHIN)
        return self
