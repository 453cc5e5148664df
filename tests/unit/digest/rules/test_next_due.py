"""The summary that becomes due next, also where a clock skips an hour or a zone a whole day."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.digest.rules.due import latest_due, next_due

CHICAGO = ZoneInfo("America/Chicago")
SIX = time(6)


def test_before_the_time_it_is_today_and_from_the_time_on_tomorrow() -> None:
    due = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)
    assert next_due(due - timedelta(seconds=1), CHICAGO, SIX).at == due
    assert next_due(due, CHICAGO, SIX).at == due + timedelta(days=1)


@pytest.mark.parametrize("zone", ["America/Chicago", "Pacific/Apia", "Asia/Kolkata", "Pacific/Kiritimati", "UTC"])
def test_it_is_always_the_one_after_the_latest(zone: str) -> None:
    moment = datetime(2011, 12, 25, tzinfo=UTC)  # Apia skipped December 30
    for hours in range(24 * 10):
        now = moment + timedelta(hours=hours)
        latest, following = latest_due(now, ZoneInfo(zone), SIX), next_due(now, ZoneInfo(zone), SIX)
        assert latest.at <= now < following.at
        assert latest.local_date < following.local_date
