"""How a sweep has ended: the conditions Complete and Failed."""

from collections import Counter

from hyperdrive_operator.api import names

from .attempts import asked_for
from .conditions import Finding
from .facts import Facts, best_trial
from .records import State
from .roster import completion
from .trials import Trial

ALL_KNOWN = (
    "the sweeps of spec.warmStart.from have run every combination of spec.searchSpace: nothing is left to run. "
    "To run them again: create another HyperDrive without warmStart.skipKnown"
)


def complete(facts: Facts) -> Finding:
    """Say whether the sweep has ended as it should, and what came of it."""
    kind = names.CONDITION_COMPLETE
    if not facts.is_complete:
        return Finding(kind, "False", names.REASON_RUNNING, "not all trials have ended")
    if facts.is_all_known:
        return Finding(kind, "True", names.REASON_ALL_KNOWN, ALL_KNOWN)
    if facts.ending is not None:
        return Finding(kind, "True", facts.ending.reason, f"{facts.ending.message}; {_result(facts)}")
    spec = facts.sweep.spec
    best = best_trial(facts)
    if spec is None or best is None:
        return Finding(kind, "False", names.REASON_NO_USABLE_TRIAL, "no trial gave a usable result")
    is_cut = facts.plan.is_exhausted or facts.plan.planned < spec.limits.max_total_trials
    reason = names.REASON_SPACE_EXHAUSTED if is_cut else names.REASON_ALL_TRIALS_FINISHED
    return Finding(kind, "True", reason, f"all {len(facts.trials)} trials have ended; {_result(facts)}")


def _result(facts: Facts) -> str:
    spec, best = facts.sweep.spec, best_trial(facts)
    if spec is None or best is None:
        result = "no trial gave a usable result"
    else:
        result = f"best is {best.name} with {spec.objective.primary_metric}={best.value:g}"
        result += f"; {len(front)} on the Pareto front" if (front := facts.front) else ""
    if waiting := asked_for(facts.trials):
        others = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
        result += f"; {waiting[0].record.name}{others} will be run again (spec.attempt) when the sweep goes on"
    return result


def failed(facts: Facts) -> Finding:
    """Say whether the sweep has ended without a result, or with too many failures."""
    kind = names.CONDITION_FAILED
    if not facts.is_over or facts.is_complete:
        return Finding(kind, "False", names.REASON_NOTHING_IN_THE_WAY, "the sweep has not failed")
    if facts.ending is not None:
        return Finding(kind, "True", facts.ending.reason, f"{facts.ending.message}; {_result(facts)}")
    return Finding(kind, "True", *fruitless(facts))


def is_fruitless(trial: Trial) -> bool:
    """Tell whether a trial has ended by itself and, as none has a result, gave none."""
    return trial.is_ended and trial.record.state is not State.CANCELLED


def fruitless(facts: Facts) -> tuple[str, str]:
    """Return reason and message of a sweep none of whose ended trials gave a result: the commonest cause."""
    ended = [trial.record for trial in facts.trials.ended.trials if is_fruitless(trial)]
    if not ended:
        return names.REASON_NO_COMBINATION, (
            "no combination of spec.searchSpace was found that satisfies spec.constraints: "
            "create another HyperDrive whose constraints leave some"
        )
    reasons = Counter(record.reason for record in ended)
    commonest = max(reasons, key=lambda reason: (reasons[reason], reason))
    last = max((record for record in ended if record.reason == commonest), key=completion)
    message = f"{len(ended)} of {len(ended)} ended trials gave no result; {last.name}: {last.message}"
    if facts.plan.is_hopeless:
        selector = f"{names.LABEL_HYPERDRIVE}={facts.sweep.name}"
        message += f"; no more are started. To try again: kubectl delete hyperdrivetrials -l {selector}"
    return commonest or names.REASON_NO_USABLE_TRIAL, message
