"""When a person's daily summary is due."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Due:
    """The summary of one local date, and the instant at which it is due."""

    local_date: date
    at: datetime


def due_on(local_date: date, zone: ZoneInfo, digest_at: time) -> Due:
    """Return the summary of `local_date` in `zone`.

    A local time that occurs twice counts the first time; one that the clocks skip is as much later as they skip.
    """
    return Due(local_date, datetime.combine(local_date, digest_at, zone).astimezone(UTC))


def latest_due(now: datetime, zone: ZoneInfo, digest_at: time) -> Due:
    """Return the summary that became due last; missed ones of earlier dates are not sent."""
    today = now.astimezone(zone).date()
    # three dates, because a zone that crosses the date line skips a whole one
    dates = (due_on(today - timedelta(days=days), zone, digest_at) for days in range(3))
    return next(due for due in dates if due.at <= now)


def next_due(now: datetime, zone: ZoneInfo, digest_at: time) -> Due:
    """Return the summary that becomes due next."""
    today = now.astimezone(zone).date()
    # three dates, because a zone that crosses the date line skips a whole one
    dates = (due_on(today + timedelta(days=days), zone, digest_at) for days in range(3))
    return next(due for due in dates if due.at > now)
