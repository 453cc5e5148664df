"""Reads how long a server asks us to wait: the header Retry-After in all the forms in which servers write it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_SECONDS = 3_600.0
_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?")


def retry_after_seconds(values: str | Iterable[str], now: datetime) -> float:
    """Return the longest wait in the `values` of the header, from 0 to an hour; what cannot be read counts as 0.

    Each value is a number of seconds or a date; a proxy may have joined several with commas. One may be given alone.
    """
    listed = (values,) if isinstance(values, str) else values
    parts = (part.strip() for value in listed for part in (value, *value.split(",")))
    longest = max((_seconds(part, now) for part in parts), default=0.0)
    return min(max(longest, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds(value: str, now: datetime) -> float:
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
        # HTTP dates are in UTC, also where they do not say so: in asctime's format, or as -0000
        return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
