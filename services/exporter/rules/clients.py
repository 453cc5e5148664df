"""When the client of a polled ERP counts as away."""

from datetime import datetime, timedelta

MISSED_POLLS = 2
GRACE = timedelta(minutes=1)


def is_away(last_asked: datetime | None, poll_minutes: int, now: datetime) -> bool:
    """Whether a client that asks every `poll_minutes` has missed two polls; one that never asked is not set up yet."""
    return last_asked is not None and now - last_asked > MISSED_POLLS * timedelta(minutes=poll_minutes) + GRACE
