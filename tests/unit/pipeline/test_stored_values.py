"""Values that Python does not have are read as others, and what it has is read as it was written."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import FIRST, LAST
from services.pipeline.stored_values import decoded_day, decoded_time, encoded_day, encoded_time, read_json

ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
INFINITY, MINUS_INFINITY = 2**63 - 1, -(2**63)


@given(st.datetimes(datetime(2, 1, 2), datetime(9998, 12, 30), timezones=ZONES))  # noqa: DTZ001 - hypothesis adds a zone
def test_a_time_in_the_calendar_is_itself(time: datetime) -> None:
    read = decoded_time(encoded_time(time))
    assert (read, read.tzinfo) == (time, UTC)


@given(st.dates())
def test_a_day_is_itself(day: date) -> None:
    assert decoded_day(encoded_day(day)) == day


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_number_of_a_time_is_read(stored: int) -> None:
    assert FIRST <= decoded_time((stored,)) <= LAST


@pytest.mark.parametrize(("stored", "time"), [(INFINITY, LAST), (MINUS_INFINITY, FIRST)])
def test_infinity_is_the_nearest_time(stored: int, time: datetime) -> None:
    assert decoded_time((stored,)) == time


@given(st.integers(-(2**31), 2**31 - 1))
def test_every_number_of_a_day_is_read(stored: int) -> None:
    assert date.min <= decoded_day((stored,)) <= date.max


def test_json_that_is_nested_too_deeply_is_its_text() -> None:
    deep = "[" * 5000 + "]" * 5000
    assert read_json(deep) == deep
    assert read_json('{"a": [1]}') == {"a": [1]}
    with pytest.raises(json.JSONDecodeError):
        read_json("{")
