"""When a summary is due."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.digest.rules.due import Due, due_on, latest_due
from tests.unit.digest.rules.samples import CHICAGO, NOW, SIX, instants, zones

times = st.times().map(lambda each: each.replace(microsecond=0))


def test_it_is_due_at_six_in_the_recipients_time_zone() -> None:
    assert latest_due(NOW, CHICAGO, SIX) == Due(date(2026, 11, 17), NOW)
    assert latest_due(NOW - timedelta(seconds=1), CHICAGO, SIX) == Due(date(2026, 11, 16), NOW - timedelta(days=1))
    assert latest_due(NOW, ZoneInfo("Asia/Tokyo"), SIX).local_date == date(2026, 11, 17)
    assert latest_due(NOW, ZoneInfo("Pacific/Honolulu"), SIX).local_date == date(2026, 11, 16)


def test_a_skipped_local_time_is_later_by_what_the_clocks_skip() -> None:
    # on 8 March 2026 the clocks of Chicago go from 02:00 to 03:00
    due = due_on(date(2026, 3, 8), CHICAGO, time(2, 30))
    assert due.at.astimezone(CHICAGO).time() == time(3, 30)


def test_a_local_time_that_occurs_twice_counts_the_first_time() -> None:
    # on 1 November 2026 the clocks of Chicago go from 02:00 back to 01:00
    due = due_on(date(2026, 11, 1), CHICAGO, time(1, 30))
    assert due.at == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert latest_due(due.at + timedelta(hours=1), CHICAGO, time(1, 30)) == due


def test_a_date_that_a_zone_skips_has_no_summary() -> None:
    # Samoa went from 29 to 31 December 2011
    apia = ZoneInfo("Pacific/Apia")
    hours = (datetime(2011, 12, 29, 0, tzinfo=UTC) + timedelta(hours=hour) for hour in range(72))
    dates = {latest_due(hour, apia, SIX).local_date for hour in hours}
    assert date(2011, 12, 30) not in dates
    assert {date(2011, 12, 29), date(2011, 12, 31)} <= dates


@given(now=instants, zone=zones, digest_at=times)
def test_the_latest_due_summary_is_the_last_one_whose_time_has_come(
    now: datetime, zone: ZoneInfo, digest_at: time
) -> None:
    due = latest_due(now, zone, digest_at)
    assert due.at <= now
    assert due_on(due.local_date + timedelta(days=1), zone, digest_at).at > now or due.local_date == _today(now, zone)
    assert now - due.at < timedelta(hours=50)


def _today(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()


@given(now=instants, hours=st.integers(0, 24 * 400), zone=zones, digest_at=times)
def test_the_due_date_never_goes_back(now: datetime, hours: int, zone: ZoneInfo, digest_at: time) -> None:
    later = now + timedelta(hours=hours)
    assert latest_due(now, zone, digest_at).local_date <= latest_due(later, zone, digest_at).local_date


@given(start=instants, zone=zones, digest_at=times)
def test_each_local_date_gets_one_due_time(start: datetime, zone: ZoneInfo, digest_at: time) -> None:
    passes = [latest_due(start + timedelta(hours=6 * n), zone, digest_at) for n in range(4 * 60)]
    assert len({due.local_date for due in passes}) == len(set(passes))
