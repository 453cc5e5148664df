"""One rule for times that others write, wherever they are taken, shown, compared or added to.

A time in a message counts if it lies in the years from 2000 to 2099 and not more than a day after the message itself;
otherwise the broker's time counts. Defaults of programming languages, clocks that were never set and numbers in another
unit are no times. What is stored may be older than this rule, so showing a time never fails, whatever it is.
"""

from datetime import UTC, datetime, timedelta, tzinfo

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
FIRST = datetime(2, 1, 1, tzinfo=UTC)
LAST = datetime(9998, 12, 31, tzinfo=UTC)
"""A year from the ends of Python's calendar, so that adding days, or a time zone, leads nowhere outside of it."""
MAX_AHEAD = timedelta(days=1)
"""How far a sender's clock may be ahead of the broker's."""
_SHOWABLE = (datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC))
"""Between these, a time has a date in every time zone."""


def believed(stated: datetime, broker_time: datetime) -> datetime:
    """`stated` if it can be when something happened that was told at `broker_time`, else `broker_time`."""
    return stated if EARLIEST <= stated <= broker_time + MAX_AHEAD else broker_time


def in_calendar(time: datetime) -> datetime:
    """`time` itself, or the nearest one to which days can be added, and which every table takes."""
    return min(max(time, FIRST), LAST)


def in_zone(time: datetime, zone: tzinfo) -> datetime:
    """`time` in `zone`; at the ends of the calendar, the nearest time that every zone has."""
    first, last = _SHOWABLE
    return min(max(time, first), last).astimezone(zone)
