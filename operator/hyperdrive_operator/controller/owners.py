"""Whose child an object is. An owner reference alone does not say: it may claim anything.

Nothing keeps it from the uid of an object in another namespace, until the garbage collector finds out. So a child
counts only in its owner's namespace, and by the name that the operator would have given it.
"""

from hyperdrive_operator.core.pods import Pod
from hyperdrive_operator.core.records import Record
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trialjobs import Job

#: By what children are found: their namespace, their owner's name as theirs implies it (where it does), and its uid.
Owner = tuple[str, str, str]


def key_of_children(owner: Sweep | Record | Job) -> Owner:
    """Return what the children of an object are found by."""
    return owner.namespace, "" if isinstance(owner, Job) else owner.name, owner.uid


def sweep_of(record: Record) -> Owner:
    """Return the HyperDrive that a trial belongs to: it is called NAME-NUMBER."""
    suffix = f"-{record.number}"
    is_named = record.number > 0 and record.name.endswith(suffix)
    return record.namespace, record.name.removesuffix(suffix) if is_named else "", record.sweep_uid


def trial_of(job: Job) -> Owner:
    """Return the trial that a Job belongs to: it has the same name."""
    return job.namespace, job.name, job.trial_uid


def is_current(job: Job, record: Record) -> bool:
    """Tell whether a Job is that of a trial's present attempt."""
    return key_of_children(record) == trial_of(job) and record.attempt == job.attempt


def job_of(pod: Pod) -> Owner:
    """Return the Job that a pod belongs to."""
    return pod.namespace, "", pod.job_uid
