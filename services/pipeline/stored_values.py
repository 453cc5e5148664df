"""Reads values that Python does not have, so that one of them does not hide all rows that are read with it.

PostgreSQL has years from 4713 BC to 294276, infinity, and JSON that is nested 5,000 times. Reading them would raise for
the whole answer to a statement. So a time is read as the nearest one in the years 2 to 9998, a day as the nearest one
that Python has, and JSON that is nested too deeply as its text, which no reader of an object takes: that row alone
cannot be read.
"""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, func, literal

from schemas.times import FIRST, LAST

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY = _EPOCH.toordinal()
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST, _LATEST = (FIRST - _EPOCH) // _MICROSECOND, (LAST - _EPOCH) // _MICROSECOND


def read_in_calendar(connection: Any, _record: object) -> None:
    """Have a new connection of SQLAlchemy, to asyncpg, read and write times and days this way."""
    connection.run_async(_set_codecs)


def as_read(time: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """Return in SQL how a time is read, for comparing a column that is never empty with what was read from it."""
    return func.greatest(func.least(time, literal(LAST)), literal(FIRST), type_=DateTime(timezone=True))


def read_json(stored: str) -> Any:
    """Return the JSON in a column; its text if it is nested too deeply."""
    try:
        return json.loads(stored)
    except RecursionError:
        return stored


async def _set_codecs(driver: Any) -> None:
    await driver.set_type_codec(
        "timestamptz", schema="pg_catalog", encoder=encoded_time, decoder=decoded_time, format="tuple"
    )
    await driver.set_type_codec("date", schema="pg_catalog", encoder=encoded_day, decoder=decoded_day, format="tuple")


def decoded_time(stored: tuple[int]) -> datetime:
    """Return the time of microseconds since 2000; infinity has the highest and the lowest number."""
    if _EARLIEST <= stored[0] <= _LATEST:
        return _EPOCH + timedelta(0, 0, stored[0])
    return FIRST if stored[0] < 0 else LAST


def encoded_time(time: datetime) -> tuple[int]:
    """Return the microseconds since 2000 of a time with a zone."""
    return ((time - _EPOCH) // _MICROSECOND,)


def decoded_day(stored: tuple[int]) -> date:
    """Return the day of days since 2000."""
    return date.fromordinal(min(max(_FIRST_DAY + stored[0], date.min.toordinal()), date.max.toordinal()))


def encoded_day(day: date) -> tuple[int]:
    """Return the days since 2000."""
    return (day.toordinal() - _FIRST_DAY,)
