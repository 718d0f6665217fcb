"""HyperDrive.spec.repeats: each combination several times, and what that can't be used with."""

from typing import Final

MAX_REPEATS: Final = 100

REPEATS_TEXT: Final = (
    "How often each combination is run: with other seeds, or on other folds. A trial is then an Indexed Job with so "
    "many completions, each of which knows its number, from 0, by HYPERDRIVE_REPEAT; the template says how many run at "
    "once (parallelism). The trial's value is the mean of theirs. Immutable."
)
JUDGED_RULE: Final = "self.repeats == 1 || !has(self.earlyTermination)"
JUDGED_MESSAGE: Final = (
    "earlyTermination judges a trial while it runs, and one of repeats has no value before all have ended: "
    "remove repeats or earlyTermination"
)
SOURCE_RULE: Final = "self.repeats == 1 || self.metrics.source != 'Annotation'"
SOURCE_MESSAGE: Final = (
    "repeats of a trial share a Job, and so one annotation: set metrics.source to Log or TerminationMessage, "
    "or remove repeats"
)
