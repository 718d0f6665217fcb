"""The operator's pod dies without a warning, again and again, while a sweep runs."""

from collections.abc import Callable, Sized
from functools import partial

from .installation import Installation
from .kubectl import Kubectl, Object
from .sweeps import SCORE, trials
from .watching import JobHistory

AT_ONCE = 3
TOTAL = 20
#: The operator is killed when so many Jobs have been created, or have finished: right after one of its writes, or
#: right before one.
MOMENTS = (("created", 2), ("finished", 4), ("created", 9), ("finished", 12), ("created", 17))


def test_killing_the_operator_loses_repeats_and_overfills_nothing(
    namespace: Kubectl, operator: Installation, make_sweep: Callable[..., Object]
) -> None:
    with JobHistory(namespace) as history:
        namespace.apply(make_sweep("survivor", f"sleep 1; {SCORE}", total=TOTAL, at_once=AT_ONCE))
        for what, count in MOMENTS:
            jobs: Sized = history.uids if what == "created" else history.finished
            history.until(partial(_are_at_least, jobs, count), seconds=120, what=f"{count} Jobs {what}")
            operator.kill()
        namespace.wait("hd/survivor", "condition=Complete")
        history.until(lambda: len(history.finished) == TOTAL, seconds=10, what="all Jobs have finished")
        assert history.is_unbroken()

    names = [f"survivor-{number}" for number in range(1, TOTAL + 1)]
    assert sorted(history.uids) == sorted(names)
    assert {len(uids) for uids in history.uids.values()} == {1}, "each combination ran once"
    assert history.most_at_once == AT_ONCE
    records = trials(namespace, "survivor")
    assert [record["metadata"]["name"] for record in records] == names
    assert [record["spec"]["parameters"]["x"] for record in records] == list(range(1, TOTAL + 1))
    assert {record["status"]["state"] for record in records} == {"Succeeded"}
    best = namespace.get("hd", "survivor")["status"]["bestTrial"]
    assert (best["name"], best["value"], best["parameters"]) == ("survivor-13", 0, {"x": 13})


def _are_at_least(jobs: Sized, count: int) -> bool:
    return len(jobs) >= count
