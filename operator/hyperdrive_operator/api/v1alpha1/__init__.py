"""hyperdrive.dev/v1alpha1: what users write and what they read back."""

from .base import MAX_DEPTH, Model, Number, canonical, cel, is_too_deep
from .duration import duration_of, length_of
from .early_termination import (
    BanditOptions,
    EarlyTermination,
    ExtrapolationOptions,
    HyperbandOptions,
    MedianStoppingOptions,
    PatienceOptions,
    PolicyType,
    SuccessiveHalvingOptions,
    ThresholdOptions,
    TruncationSelectionOptions,
)
from .finished_jobs import FinishedJobs
from .limits import Limits
from .metrics import Metrics
from .preview import Preview
from .prior import WarmStart
from .quantity import amount_of, written_as
from .sampling import BayesianOptions, CmaEsOptions, NsgaIIOptions, SamplingAlgorithm, SobolOptions
from .search_space import (
    EXPRESSIONS,
    Choice,
    LogNormal,
    LogUniform,
    Normal,
    Parameter,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    RandInt,
    Uniform,
    When,
    multiples,
)
from .spec import (
    AdditionalObjective,
    Constraint,
    HyperDriveSpec,
    Objective,
    TemplateMetadata,
    TrialTemplate,
)
from .state import RunningTrials
from .status import (
    BestTrial,
    BudgetStatus,
    Condition,
    HyperDriveStatus,
    ParetoTrial,
    Spending,
    TrialCounts,
    WarmStartStatus,
)
from .trial import HyperDriveTrialSpec, HyperDriveTrialStatus, StopExplanation

__all__ = [
    "EXPRESSIONS",
    "MAX_DEPTH",
    "AdditionalObjective",
    "BanditOptions",
    "BayesianOptions",
    "BestTrial",
    "BudgetStatus",
    "Choice",
    "CmaEsOptions",
    "Condition",
    "Constraint",
    "EarlyTermination",
    "ExtrapolationOptions",
    "FinishedJobs",
    "HyperDriveSpec",
    "HyperDriveStatus",
    "HyperDriveTrialSpec",
    "HyperDriveTrialStatus",
    "HyperbandOptions",
    "Limits",
    "LogNormal",
    "LogUniform",
    "MedianStoppingOptions",
    "Metrics",
    "Model",
    "Normal",
    "NsgaIIOptions",
    "Number",
    "Objective",
    "Parameter",
    "ParetoTrial",
    "PatienceOptions",
    "PolicyType",
    "Preview",
    "QLogNormal",
    "QLogUniform",
    "QNormal",
    "QUniform",
    "RandInt",
    "RunningTrials",
    "SamplingAlgorithm",
    "SobolOptions",
    "Spending",
    "StopExplanation",
    "SuccessiveHalvingOptions",
    "TemplateMetadata",
    "ThresholdOptions",
    "TrialCounts",
    "TrialTemplate",
    "TruncationSelectionOptions",
    "Uniform",
    "WarmStart",
    "WarmStartStatus",
    "When",
    "amount_of",
    "canonical",
    "cel",
    "duration_of",
    "is_too_deep",
    "length_of",
    "multiples",
    "written_as",
]
