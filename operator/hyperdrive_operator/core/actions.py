"""What can be done for a sweep: the actions of a plan, as values. controller/executor.py does them."""

from dataclasses import dataclass

from .jobs import Manifest
from .space import Parameters
from .trials import Trial


@dataclass(frozen=True, slots=True)
class CheckTemplate:
    """Let the API server judge the first Job without creating it."""

    job: Manifest


@dataclass(frozen=True, slots=True)
class CreateTrial:
    """Write a trial's record, then create its Job."""

    number: int
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Propose:
    """Let the optimiser propose the combinations of these trials. Takes its time, and is waited for by none."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CreateJob:
    """Create the Job of a trial whose record stands already: a write was lost, or the Job before it started."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RecordStart:
    """Record that a trial's pod runs."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class ReadLog:
    """Read the metrics in the output of a trial whose Job has finished. Takes its time, and is waited for by none."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """Record how a trial ended whose Job has finished."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RecordLoss:
    """Record that a started trial's Job is gone, once the API server has confirmed it."""

    trial: Trial


Action = CheckTemplate | Propose | CreateTrial | CreateJob | RecordStart | ReadLog | RecordEnd | RecordLoss

#: What leads to another running trial.
STARTS = (CheckTemplate, Propose, CreateTrial, CreateJob)
