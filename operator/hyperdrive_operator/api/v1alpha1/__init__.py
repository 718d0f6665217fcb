"""hyperdrive.dev/v1alpha1: what users write and what they read back."""

from .base import MAX_DEPTH, Model, Number, canonical, cel, is_too_deep
from .preview import Preview
from .sampling import BayesianOptions, CmaEsOptions, SamplingAlgorithm, SobolOptions
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
from .spec import Constraint, HyperDriveSpec, Limits, Metrics, Objective, TemplateMetadata, TrialTemplate
from .status import BestTrial, Condition, HyperDriveStatus, TrialCounts
from .trial import HyperDriveTrialSpec, HyperDriveTrialStatus

__all__ = [
    "EXPRESSIONS",
    "MAX_DEPTH",
    "BayesianOptions",
    "BestTrial",
    "Choice",
    "CmaEsOptions",
    "Condition",
    "Constraint",
    "HyperDriveSpec",
    "HyperDriveStatus",
    "HyperDriveTrialSpec",
    "HyperDriveTrialStatus",
    "Limits",
    "LogNormal",
    "LogUniform",
    "Metrics",
    "Model",
    "Normal",
    "Number",
    "Objective",
    "Parameter",
    "Preview",
    "QLogNormal",
    "QLogUniform",
    "QNormal",
    "QUniform",
    "RandInt",
    "SamplingAlgorithm",
    "SobolOptions",
    "TemplateMetadata",
    "TrialCounts",
    "TrialTemplate",
    "Uniform",
    "When",
    "canonical",
    "cel",
    "is_too_deep",
    "multiples",
]
