from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from hyperdrive_operator.core.election import (
    Claim,
    Sight,
    Timing,
    free_from,
    given_back,
    look,
    read_claim,
    taken,
)

NOW = datetime(2026, 11, 24, 10, 0, 0, 500, UTC)
CLAIM = Claim("a", 10.0, "then", "now", 3)


def test_a_lease_that_says_nothing_is_held_by_nobody() -> None:
    empty: list[dict[str, Any]] = [{}, {"spec": None}, {"spec": {}}, {"spec": {"holderIdentity": ""}}]
    for body in empty:
        assert read_claim(body) == Claim("", 0.0, "", "", 0)


def test_a_holder_is_alive_as_long_as_the_lease_changes_on_our_own_clock() -> None:
    first = look(None, CLAIM, 100.0)
    assert look(first, CLAIM, 109.0).since == 100.0
    renewed = Claim("a", 10.0, "then", "a second later", 3)
    assert look(first, renewed, 109.0).since == 109.0


@pytest.mark.parametrize("renewed", ["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "no time at all"])
def test_what_the_holders_clock_says_does_not_matter(renewed: str) -> None:
    assert free_from(Sight(Claim("a", 10.0, "", renewed, 0), 100.0), "b") == 110.0


@pytest.mark.parametrize(
    ("holder", "me", "moment"),
    [
        pytest.param("a", "b", 130.0, id="another's: when its own duration is over, not ours"),
        pytest.param("a", "a", 100.0, id="ours from before a restart: at once"),
        pytest.param("", "b", 100.0, id="given back: at once"),
    ],
)
def test_when_a_lease_is_free(holder: str, me: str, moment: float) -> None:
    assert free_from(Sight(Claim(holder, 30.0, "", "", 0), 100.0), me) == moment


def test_a_renewal_keeps_since_when_it_is_ours_and_a_change_of_hands_is_counted() -> None:
    first = taken(None, "a", 10.0, NOW)
    assert first == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 10,
        "acquireTime": "2026-11-24T10:00:00.000500Z",
        "renewTime": "2026-11-24T10:00:00.000500Z",
        "leaseTransitions": 0,
    }
    again = taken(read_claim({"spec": first}), "a", 10.0, NOW + timedelta(seconds=2))
    assert again == first | {"renewTime": "2026-11-24T10:00:02.000500Z"}
    other = taken(read_claim({"spec": again}), "b", 10.0, NOW + timedelta(seconds=60))
    assert (other["leaseTransitions"], other["acquireTime"]) == (1, "2026-11-24T10:01:00.000500Z")
    back = read_claim({"spec": {**other, **given_back(NOW)}})
    assert (back.holder, back.transitions) == ("", 1)


def test_times_are_written_in_utc_whatever_the_clocks_zone() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    assert taken(None, "a", 10.0, there) == taken(None, "a", 10.0, NOW)


@pytest.mark.parametrize("duration", [5.0, 10.0, 300.0])
def test_a_leader_stops_before_its_lease_can_be_taken(duration: float) -> None:
    timing = Timing(duration)
    assert timing.look_every < timing.renew_every < timing.renew_deadline / 3
    assert timing.duration - timing.renew_deadline >= timing.look_every
    assert timing.duration + timing.renew_every <= 15.0 or duration > 10, "the promise for the default"
