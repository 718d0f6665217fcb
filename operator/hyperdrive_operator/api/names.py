"""Every literal string that others may rely on: groups, labels, annotations, conditions, reasons.

Nothing here is built from data. What stands here is an interface: renaming it breaks somebody's manifest,
script, alert or dashboard.
"""

from typing import Final

GROUP: Final = "hyperdrive.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

# --- labels -----------------------------------------------------------------------------------------------------

#: On every trial, Job and pod of a sweep. Value: the HyperDrive's name.
LABEL_HYPERDRIVE: Final = f"{GROUP}/hyperdrive"
#: On every Job and pod. Value: the trial's name (which is the Job's name too).
LABEL_TRIAL: Final = f"{GROUP}/trial"
#: On every Job and pod. Value: which attempt at its trial it is, from 1.
LABEL_ATTEMPT: Final = f"{GROUP}/attempt"
#: On every Job we create; the server-side selector of the Job watch.
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "hyperdrive-operator"

#: On a Job, written by the user: it is in a queue of Kueue's, to whom its `suspend` belongs.
LABEL_KUEUE_QUEUE: Final = "kueue.x-k8s.io/queue-name"

# --- annotations ------------------------------------------------------------------------------------------------

#: On a Job, written by anyone: a JSON object of metric name to number. The metrics contract.
ANNOTATION_METRICS: Final = f"{GROUP}/metrics"
#: On a Job, written by the reporter: the curve of the primary metric, complete though bounded (core/curves.py).
ANNOTATION_CURVE: Final = f"{GROUP}/curve"
#: On a Job, written by the operator: that it is suspended for a pause of its sweep, and is to be resumed after it.
ANNOTATION_SUSPENDED: Final = f"{GROUP}/suspended"

# --- environment of a trial's containers ------------------------------------------------------------------------

#: The trial's name.
ENV_TRIAL: Final = "HYPERDRIVE_TRIAL"
#: All parameters as one JSON object.
ENV_PARAMETERS: Final = "HYPERDRIVE_PARAMETERS"
#: One variable a parameter: this, then the name in capitals, what is no letter or digit as an underscore.
ENV_PARAMETER_PREFIX: Final = "HYPERDRIVE_PARAM_"
#: What the reporter (sdk/) makes the curve of, and which way is better: Maximize or Minimize.
ENV_PRIMARY_METRIC: Final = "HYPERDRIVE_PRIMARY_METRIC"
ENV_GOAL: Final = "HYPERDRIVE_GOAL"
#: The Job's uid, with which the reporter never writes to a later Job of the same name.
ENV_JOB_UID: Final = "HYPERDRIVE_JOB_UID"

#: With spec.repeats: which of them a pod is, from 0.
ENV_REPEAT: Final = "HYPERDRIVE_REPEAT"

#: Where a pod of an Indexed Job finds its number: an annotation that the Job controller sets.
FIELD_COMPLETION_INDEX: Final = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
#: Where a pod finds its Job's uid: a label that the Job controller sets.
FIELD_JOB_UID: Final = "metadata.labels['batch.kubernetes.io/controller-uid']"

# --- condition types of a HyperDrive (after batch/v1 and kstatus) -----------------------------------------------

#: The spec is valid and the API server takes the Job of its template.
CONDITION_ACCEPTED: Final = "Accepted"
#: Trials are being run.
CONDITION_PROGRESSING: Final = "Progressing"
#: Something that a person must mend keeps trials from running or from giving results.
CONDITION_STALLED: Final = "Stalled"
#: The sweep has ended: with a usable result, or because spec.state says so.
CONDITION_COMPLETE: Final = "Complete"
#: The sweep has ended without a usable result, or too many trials have failed.
CONDITION_FAILED: Final = "Failed"

# --- reasons: CamelCase, on conditions, events and trials -------------------------------------------------------

REASON_VALID: Final = "Valid"
REASON_INVALID_SPEC: Final = "InvalidSpec"
REASON_INVALID_TEMPLATE: Final = "InvalidTrialTemplate"
REASON_UNCHECKED: Final = "NotYetChecked"

REASON_RUNNING: Final = "TrialsRunning"
#: No trial runs: all wait in a queue, or for a node.
REASON_QUEUED: Final = "TrialsQueued"
#: spec.state is Paused.
REASON_PAUSED: Final = "Paused"
REASON_ALL_TRIALS_FINISHED: Final = "AllTrialsFinished"
REASON_SPACE_EXHAUSTED: Final = "SearchSpaceExhausted"
REASON_NO_COMBINATION: Final = "NoCombinationAllowed"
#: skipKnown leaves nothing: the earlier sweeps have run all of the search space. No failure.
REASON_ALL_KNOWN: Final = "AllCombinationsKnown"
#: What ends a sweep before it has run all its trials; also the reason of each trial that was ended with it.
REASON_TARGET_REACHED: Final = "TargetReached"
REASON_TIMEOUT_REACHED: Final = "TimeoutReached"
REASON_NO_IMPROVEMENT: Final = "NoImprovement"
REASON_TOO_MANY_FAILED_TRIALS: Final = "TooManyFailedTrials"
REASON_BUDGET_SPENT: Final = "BudgetSpent"
#: spec.state is Stopped, or Cancelled.
REASON_STOPPED: Final = "Stopped"
REASON_CANCELLED: Final = "Cancelled"
#: A trial alone was cancelled, by its own spec.state.
REASON_TRIAL_CANCELLED: Final = "TrialCancelled"
REASON_NO_USABLE_TRIAL: Final = "NoUsableTrial"
REASON_NOTHING_IN_THE_WAY: Final = "NothingInTheWay"

#: The container ended well, and no value of the primary metric was found.
REASON_METRIC_NOT_REPORTED: Final = "MetricNotReported"
#: The primary metric was reported with something that is no finite number.
REASON_METRIC_NOT_A_NUMBER: Final = "MetricNotANumber"
#: The Job failed.
REASON_JOB_FAILED: Final = "JobFailed"
#: The trial ran for longer than limits.trialTimeout.
REASON_TIMED_OUT: Final = "TimedOut"
#: Why a trial that had run waits again: somebody (Kueue, say) has suspended its Job.
REASON_SUSPENDED: Final = "Suspended"
#: The Job went away before it finished.
REASON_JOB_DELETED: Final = "JobDeleted"
#: The API server refuses the Job of this trial (not of the template: that is InvalidTrialTemplate).
REASON_JOB_REFUSED: Final = "JobRefused"
#: A quota of the namespace leaves no room for the next Job.
REASON_QUOTA_EXCEEDED: Final = "QuotaExceeded"
#: The operator lacks a permission.
REASON_FORBIDDEN: Final = "Forbidden"
#: An object of somebody else's has the name that a trial or Job needs.
REASON_NAME_TAKEN: Final = "NameTaken"
#: A HyperDrive that spec.warmStart.from names does not exist (yet).
REASON_WARM_START_NOT_FOUND: Final = "WarmStartNotFound"
#: The optimiser that proposes the next combinations failed or took too long.
REASON_OPTIMIZER_FAILED: Final = "OptimizerFailed"
#: A trial's Job is there, but nobody lets it have a pod: a quota, a limit range, an admission policy.
REASON_POD_NOT_CREATED: Final = "PodNotCreated"
#: A running trial's pod can't be scheduled, pulled or started.
REASON_POD_WAITING: Final = "PodWaiting"

REASON_STARTED: Final = "Started"
REASON_NEW_BEST: Final = "NewBestTrial"
REASON_TRIAL_FAILED: Final = "TrialFailed"
#: A sweep that had ended goes on: its limits were raised, or its state was changed.
REASON_RESUMED: Final = "Resumed"
#: Trials were ended with their sweep. On the trials themselves the reason is what ended the sweep.
REASON_TRIALS_CANCELLED: Final = "TrialsCancelled"
#: A trial was ended before its time. On the trial itself the reason is the policy's name.
REASON_TRIAL_STOPPED: Final = "TrialStopped"
