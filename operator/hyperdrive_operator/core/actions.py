"""What can be done for a sweep: the actions of a plan, as values. controller/executor.py does them."""

from dataclasses import dataclass
from datetime import timedelta

from .early_termination import Verdict
from .endings import Ending
from .jobs import Manifest
from .space import Parameters
from .trialjobs import Job
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
class PrepareTrial:
    """Write the record of a trial whose place is about to be free: then only its Job is left to create."""

    number: int
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Propose:
    """Let the optimiser propose the combinations of these trials. Takes its time, and is waited for by none."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CreateJob:
    """Create the Job of a trial whose record stands already.

    It was written ahead, or a write was lost, or the Job before it started.
    """

    trial: Trial


@dataclass(frozen=True, slots=True)
class RetryTrial:
    """Write the record of a trial that has ended back to its beginning: another attempt follows."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class DeleteJob:
    """Delete a Job that has finished: its trial runs once more, or it is not to be kept."""

    trial: Trial
    job: Job


@dataclass(frozen=True, slots=True)
class RecordStart:
    """Record that a trial's pod runs, or has run."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RecordInterruption:
    """Record that the cluster took a trial's pod away."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RecordQueued:
    """Record that a trial that had run waits for a pod again."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RecordProgress:
    """Record what a running trial has reported since the last time."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class FollowLog:
    """Follow the output of a running trial. Goes on beside, and is waited for by none."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class ReadLog:
    """Read what is left of a trial's output whose Job has finished. Takes its time, and is waited for by none."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """Record how a trial ended whose Job has finished."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RecordLoss:
    """Record that a started trial's Job is gone, once the API server has confirmed it."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class StopTrial:
    """Record that a trial is ended before its time, then end its Job."""

    trial: Trial
    verdict: Verdict
    #: How long a trial takes that runs to its end, as far as any has.
    whole: timedelta | None = None


@dataclass(frozen=True, slots=True)
class TimeOutTrial:
    """Record that a trial has run for too long, then end its Job."""

    trial: Trial
    limit: str


@dataclass(frozen=True, slots=True)
class EndJob:
    """End the Job of a trial whose record says that it was stopped: a write was lost, or somebody took it back."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class CancelTrial:
    """Record that a trial is ended with its sweep, then end its Job, if it has one."""

    trial: Trial
    ending: Ending


@dataclass(frozen=True, slots=True)
class SuspendJob:
    """Suspend a Job for a pause of its sweep: its pods end, and it starts others when it is resumed."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class ResumeJob:
    """Resume a Job that was suspended for a pause."""

    trial: Trial


#: What changes a Job that stands.
JobChange = EndJob | SuspendJob | ResumeJob | DeleteJob
#: What brings a trial's record, its Job and what has happened together.
Recording = (
    RecordStart
    | RecordInterruption
    | RecordQueued
    | RecordProgress
    | RecordEnd
    | RecordLoss
    | StopTrial
    | TimeOutTrial
    | CancelTrial
)
Settling = Recording | FollowLog | ReadLog | JobChange
Action = CheckTemplate | Propose | CreateTrial | PrepareTrial | CreateJob | RetryTrial | Settling

#: What leads to another running trial.
STARTS = (CheckTemplate, Propose, CreateTrial, CreateJob, RetryTrial)
#: What ends a Job that runs.
ENDS = (StopTrial, TimeOutTrial, CancelTrial, EndJob)
#: What is followed by nothing that hurries.
UNHURRIED = (
    Propose,
    CreateTrial,
    PrepareTrial,
    CreateJob,
    RecordStart,
    RecordInterruption,
    RecordQueued,
    RecordProgress,
    FollowLog,
    ReadLog,
)
