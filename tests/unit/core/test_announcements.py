"""The events of a pass."""

from typing import Any

from tests.support.builders import NOW, ended, facts, limits, running, sweep, trial

from hyperdrive_operator.core.announcements import Announcement, announcements
from hyperdrive_operator.core.status import summarise
from hyperdrive_operator.core.trials import Trial


def status(trials: list[Trial], **given: Any) -> dict[str, Any]:
    return summarise(facts(sweep(**given), trials), NOW)


def reasons(old: dict[str, Any], new: dict[str, Any], *trials: Trial) -> list[str]:
    return [news.reason for news in announcements(old, new, [each.record for each in trials], "accuracy")]


def test_the_first_trial_is_news_once() -> None:
    first = status([running(1)])
    assert announcements({}, first, [], "accuracy") == [
        Announcement("Normal", "Started", "started the first of 3 trials")
    ]
    assert announcements(first, first, [], "accuracy") == []


def test_a_new_best_trial_is_news_and_a_count_is_none() -> None:
    one, two = status([ended(1, 0.5)]), status([ended(1, 0.5), ended(2, 0.75)])
    assert announcements(one, two, [], "accuracy") == [
        Announcement("Normal", "NewBestTrial", "digits-2: accuracy=0.75")
    ]
    assert reasons(one, status([ended(1, 0.5), ended(2, 0.1)])) == []


def test_a_trial_that_failed_is_news_and_one_that_succeeded_is_none() -> None:
    same = status([running(1)])
    failed = trial(2, state="Failed", reason="JobFailed", message="exit code 1")
    assert announcements(same, same, [failed.record, ended(3, 0.5).record], "accuracy") == [
        Announcement("Warning", "TrialFailed", "digits-2: JobFailed: exit code 1", is_minor=True)
    ]


def stopped(number: int) -> Trial:
    explanation = {"policy": "Bandit", "secondsSaved": 60}
    return trial(number, state="EarlyStopped", reason="Bandit", message="too low", earlyTermination=explanation)


def test_trials_that_were_stopped_are_told_of_in_one_event() -> None:
    same = status([running(1)])
    one = announcements(same, same, [stopped(2).record], "accuracy")
    assert one == [Announcement("Normal", "TrialStopped", "digits-2: Bandit: too low; saves about 60 s", is_minor=True)]
    (many,) = announcements(same, same, [stopped(number).record for number in range(1, 1001)], "accuracy")
    assert many.message.startswith("digits-1: Bandit: too low; saves about 60 s; also digits-2, digits-3, ")
    assert many.message.endswith(", digits-11 and 989 more")


def test_the_end_is_news() -> None:
    before, after = status([ended(1, 0.5), ended(2, 0.4), running(3)]), status([ended(n, 0.5) for n in (1, 2, 3)])
    assert reasons(before, after) == ["AllTrialsFinished"]


def test_what_stalls_is_news_and_again_when_the_reason_is_another() -> None:
    fine = status([running(1)])
    stalled = status([ended(1, None, reason="JobFailed"), running(2)])
    other = status([*(ended(n, None, reason="MetricNotReported") for n in (1, 2)), running(3)])
    assert reasons(fine, stalled) == ["JobFailed"]
    assert reasons(stalled, stalled) == []
    assert reasons(stalled, other) == ["MetricNotReported"]
    assert reasons(stalled, fine) == []


def test_a_sweep_without_a_result_is_a_warning() -> None:
    failed = [ended(n, None, reason="JobFailed") for n in range(1, 6)]
    news = announcements(status(failed[:4], limits=limits(9, 3)), status(failed, limits=limits(9, 3)), [], "accuracy")
    assert [(each.type, each.reason) for each in news] == [("Warning", "JobFailed")]
