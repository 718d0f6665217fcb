"""What must be true after every fault, found out from the API server's own history and objects."""

from collections.abc import Iterator, Mapping
from typing import Any

from hyperdrive_operator.api.v1alpha1 import length_of

from .stage import TRIALS, Stage
from .sweep import score

USABLE = frozenset({"Succeeded", "EarlyStopped"})
#: Timestamps tell whole seconds, and what is counted of an attempt is rounded up.
ROUNDING_SECONDS = 1.0
#: A pod that was taken away and told no end may count until that was noticed: for as long as a fault, and the way back.
UNTOLD_SECONDS = 240.0
#: Lines that all operators together may log in the worst minute, beside two for each trial and ten for each start.
LINES_A_MINUTE = 60


async def problems(stage: Stage) -> list[str]:
    """Return all that is wrong; nothing if all is well."""
    records = {record["metadata"]["name"]: record for record in await stage.all(TRIALS)}
    statuses = {name: record.get("status") or {} for name, record in records.items()}
    status = (await stage.sweep()).get("status") or {}
    best = status.get("bestTrial") or {}
    used = ((status.get("budget") or {}).get("trialTime") or {}).get("used", "")
    return [
        *_combinations(stage, {name: record["spec"]["parameters"]["x"] for name, record in records.items()}),
        *_runs(stage),
        *_ends(stage, statuses),
        *interruptions(stage.evicted, stage.history.ran, statuses),
        *_best(best, statuses),
        *spending(length_of(used).total_seconds() if used else None, stage.history.ran, stage.history.seconds),
        *_operators(stage),
    ]


def _combinations(stage: Stage, parameters: dict[str, int]) -> Iterator[str]:
    expected = stage.plan.expected
    if parameters != expected:
        lost = sorted(set(expected) - set(parameters))
        wrong = {name: x for name, x in parameters.items() if expected.get(name) != x}
        yield f"combinations: lost {lost}, wrong {wrong}"


def _runs(stage: Stage) -> Iterator[str]:
    history = stage.history
    if history.most_at_once > stage.plan.at_once:
        yield f"{history.most_at_once} unfinished Jobs at once, allowed are {stage.plan.at_once}"
    for what, seen in (("records", history.trial_uids), ("Jobs", history.job_uids), ("pods that ran", history.ran)):
        for name, uids in seen.items():
            if len(uids) > 1 + stage.disturbed[name]:
                yield f"{name} had {len(uids)} {what}, and was disturbed {stage.disturbed[name]} times"
    yield from history.rewritten


def _ends(stage: Stage, statuses: dict[str, dict[str, object]]) -> Iterator[str]:
    for name, status in statuses.items():
        right = score(stage.plan.expected.get(name, 0))
        state, value = status.get("state"), status.get("value")
        if stage.disturbed[name]:
            if state not in {"Succeeded", "Failed"} or value not in {right, None}:
                yield f"{name}, which was disturbed, is {state} with {value}"
        elif (state, value) != ("Succeeded", right):
            yield f"{name} is {state} with {value}, not Succeeded with {right}: {status.get('message')}"


def interruptions(
    evicted: Mapping[str, int], ran: Mapping[str, set[str]], statuses: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Name the trials that ran once more after an eviction, and whose record does not say so."""
    for name in evicted:
        told = (statuses[name].get("interruptions") or {}).get("count", 0) if name in statuses else 0
        if told < len(ran[name]) - 1:
            yield f"{name} had {len(ran[name])} pods that ran, and its record tells of {told} interruptions"


def spending(used: float | None, ran: Mapping[str, set[str]], seconds: Mapping[str, float]) -> Iterator[str]:
    """Compare what the sweep says its trials have used of their budget with the time for which their pods ran."""
    pods = [uid for uids in ran.values() for uid in uids]
    told = [seconds[uid] for uid in pods if uid in seconds]
    least = sum(told) - ROUNDING_SECONDS * len(told)
    most = sum(told) + ROUNDING_SECONDS * len(told) + UNTOLD_SECONDS * (len(pods) - len(told))
    if used is None or not least <= used <= most:
        untold = len(pods) - len(told)
        yield f"the trials are said to have used {used} s: their pods ran for {sum(told):.0f} s, {untold} untold"


def _best(best: dict[str, object], statuses: dict[str, dict[str, object]]) -> Iterator[str]:
    values = {name: float(str(status["value"])) for name, status in statuses.items() if status.get("state") in USABLE}
    winner = max(values, key=lambda name: values[name], default=None)
    if winner is not None and (best.get("name"), best.get("value")) != (winner, values[winner]):
        yield f"the best trial is said to be {best.get('name')} with {best.get('value')}, it is {winner}"


def _operators(stage: Stage) -> Iterator[str]:
    starts = sum(1 + operator.kills for operator in stage.operators)
    limit = LINES_A_MINUTE + 2 * stage.plan.total * len(stage.operators) + 10 * starts
    if (lines := stage.log.most_a_minute()) > limit:
        yield f"a log storm: {lines} lines in a minute, allowed are {limit}"
    for operator in stage.operators:
        if operator.deaths:
            yield f"the operator ended by itself: exit status {operator.deaths}"
    yield from (f"logged: {bug}" for bug in stage.log.bugs)
