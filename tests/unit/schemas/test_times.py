"""Which times in a message are believed, and that any time can be shown."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import EARLIEST, MAX_AHEAD, believed, in_zone
from tests.unit.schemas.messages import BROKER_TIME, altered, read


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59-14:00",
        "1970-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "2026-11-24T09:00:00Z",
        "2099-01-01T00:00:00Z",
        "+1000000000-12-31T23:59:59.999999999Z",
        "-0001-11-30T00:00:00+00:00",
        "2026-11-22T23:59:60Z",
        "2026-02-30T00:00:00Z",
        "",
        None,
    ],
)
def test_an_impossible_time_is_the_brokers(time: str | None) -> None:
    assert read(altered("time", to=time)).time == BROKER_TIME


@pytest.mark.parametrize("time", ["2000-01-01T00:00:00Z", "2026-11-16T15:02:00.123456789Z", "2026-11-23T09:00:00Z"])
def test_a_possible_time_is_the_events(time: str) -> None:
    assert f"{read(altered('time', to=time)).time:%Y-%m-%dT%H:%M:%S}" == time[:19]


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_believed_is_never_far_from_the_message(stated: datetime) -> None:
    assert EARLIEST <= believed(stated, BROKER_TIME) <= BROKER_TIME + MAX_AHEAD


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(sorted(available_timezones())))
def test_every_time_can_be_shown_in_every_zone(time: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    assert abs(in_zone(time, zone) - time) <= timedelta(days=2)
