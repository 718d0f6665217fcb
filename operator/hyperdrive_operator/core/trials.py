"""A trial as the decisions see it: its record, its Job, its pod and what was read of its output, in one."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from .curves import Curve
from .loglines import Position
from .pods import Pod
from .progress import Progress, joined
from .records import ENDED, Record, State
from .spans import Span
from .trialjobs import DEADLINE_OF_STOPPED, Job


@dataclass(frozen=True, slots=True)
class Log:
    """What was read of a trial's output so far, or why nothing could be."""

    progress: Progress = field(default_factory=Progress)
    problem: str = ""
    #: Up to where it was read. Kept in the record, so that whoever comes next goes on from there.
    position: Position | None = None
    #: It was read to its end, or there is no hope to.
    is_whole: bool = True
    #: The last lines.
    tail: str = ""
    #: Which attempt at the trial it is of.
    attempt: int = 1
    #: Of a trial that is run several times: the value of each time, and the first that has none.
    repeats: tuple[float, ...] = ()
    incomplete: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial, all that is known of it now. `log` is None until its output was looked at."""

    record: Record
    job: Job | None
    pod: Pod | None
    log: Log | None = None
    #: What was seen of its Job's annotations; None if they say nothing.
    annotated: Progress | None = None
    #: The pod that the cluster took away last, as long as it can be seen.
    disrupted: Pod | None = None
    #: The Job of an attempt before this one, as long as it is there: it keeps the name of the next.
    former: Job | None = None
    #: When its pods ran, as long as they can be seen and it has not ended.
    spans: tuple[Span, ...] = ()
    #: It was seen to run, whatever its record says by now: should its Job go, it is not run again.
    was_running: bool = False

    @property
    def progress(self) -> Progress:
        """What it has reported, as far as is known now. The annotation counts before the log."""
        if self.is_ended:
            return self.record.progress
        # until a log that has to be read again is read, more is recorded than was read
        rest = self.log.progress if self.log is not None else self.record.progress
        if rest.reports < self.record.curve.reports:
            rest = replace(rest, curve=self.record.curve, last={**self.record.metrics, **rest.last})
        return joined(self.annotated, rest) if self.annotated is not None else rest

    @property
    def curve(self) -> Curve:
        """Its reports of the primary metric, as far as they are known now."""
        if self.record.state in ENDED or (self.log is None and self.annotated is None):
            return self.record.curve  # as progress says, without making one: thousands are asked
        return self.progress.curve

    @property
    def is_ended(self) -> bool:
        """Its record says how it ended. Final."""
        return self.record.state in ENDED

    @property
    def is_active(self) -> bool:
        """It takes one of the places of maxConcurrentTrials: its Job has not finished, or is not there yet."""
        if self.record.state in ENDED:  # thousands are: no call more than it takes
            return self.is_ending
        return self.job is None or not self.job.finished

    @property
    def leaves_soon(self) -> bool:
        """Its one pod has succeeded: its Job is finished when the Job controller has looked, a second later."""
        if self.record.state in ENDED or self.job is None or self.job.finished or self.pod is None:
            return False
        return self.pod.phase == "Succeeded" and self.job.demand.completions == 1

    @property
    def is_ending(self) -> bool:
        """It was ended before its time, and its pod may still run: through its grace period, or longer if it resists.

        A Job that is suspended and has no pod is none such: it fails at the moment it is resumed.
        """
        if self.job is None or self.job.finished or not self.record.is_cut_short:
            return False
        has_pod = self.pod is not None and self.pod.phase in {"Pending", "Running"}
        return not self.job.suspended or has_pod or self.must_end_job

    @property
    def is_unfinished(self) -> bool:
        """It has not ended, or its pod may still run."""
        return not self.is_ended or self.is_ending

    @property
    def must_end_job(self) -> bool:
        """It was ended before its time, and nothing has told its Job so yet, or somebody took that back."""
        return (
            self.job is not None
            and not self.job.finished
            and self.record.is_cut_short
            and not self.job.deleting
            and self.job.deadline != DEADLINE_OF_STOPPED
        )

    @property
    def is_running(self) -> bool:
        """Its pod runs."""
        return (
            self.record.state not in ENDED
            and self.is_active
            and self.job is not None
            and ((self.pod is not None and self.pod.phase == "Running") or self.job.ready > 0)
        )

    @property
    def is_concluding(self) -> bool:
        """Its Job has finished, and what is left of its output is still read."""
        if self.job is None or not self.job.finished:
            return False
        # a start that came so late is not recorded
        return self.record.state is State.RUNNING or (self.record.state is State.QUEUED and self.has_run)

    @property
    def is_held(self) -> bool:
        """Its Job is suspended by others than us, or its pod finds no node: it runs when they let it."""
        if self.record.state in ENDED or self.job is None or self.job.finished or self.is_running:
            return False
        if self.job.suspended:
            return not self.job.is_paused
        return self.pod is not None and self.pod.is_unscheduled

    @property
    def has_begun(self) -> bool:
        """Its pod runs, or has run."""
        return self.record.started is not None or self.was_running or self.is_running or self.has_run

    @property
    def has_run(self) -> bool:
        """Its pod has ended: one that its node refused has not run."""
        if self.job is not None and self.job.finished == "Complete":
            return True
        return self.pod is not None and self.pod.phase in {"Succeeded", "Failed"} and self.pod.ended is not None

    @property
    def podless_since(self) -> datetime | None:
        """Since when its Job, which is not suspended, has wanted a pod and has none; None if it has one."""
        if not self.is_active or self.is_ended or self.job is None or self.job.suspended or self.job.ready or self.pod:
            return None
        return self.job.started

    @property
    def started(self) -> datetime | None:
        """When its pod started, as far as anyone still knows."""
        return self.record.started or (self.pod and self.pod.started) or (self.job and self.job.started) or None
