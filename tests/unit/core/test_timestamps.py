"""Kubernetes' timestamps."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperdrive_operator.core import timestamps

MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  naive bounds


@given(MOMENTS)
def test_what_is_written_is_read_back_to_the_second(moment: datetime) -> None:
    assert timestamps.parse(timestamps.text(moment)) == moment.replace(microsecond=0)


def test_it_is_written_in_utc() -> None:
    moment = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert timestamps.text(moment) == "2026-02-28T23:30:00Z"


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000000Z", "2026-03-01T14:00:00+02:00"])
def test_the_forms_of_kubernetes_are_read(text: str) -> None:
    assert timestamps.parse(text) == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("junk", ["", "yesterday", None, 5, [], "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_junk_is_no_time(junk: Any) -> None:
    assert timestamps.parse(junk) is None
