"""When a summary is due, who gets one, and what it says."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import limits
from schemas.commitment import Person, Summary
from schemas.envelope import Event, decode, encode
from schemas.events import DigestReady
from schemas.fields import Kind, Status, ToolLevel
from services.digest.rules.summary import (
    OPEN,
    Due,
    Item,
    Outcome,
    Recipient,
    due_on,
    latest_due,
    outcome_for,
    summary_of,
)

SIX = time(6)
CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)  # 06:00 in Chicago
DANA = Person(id="dana", name="Dana Ruiz", email="dana.ruiz@desk.example")
SAM = Person(id="sam", name="Sam Lee", email="sam.lee@pm.example")

instants = st.datetimes(datetime(1995, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
times = st.times().map(lambda each: each.replace(microsecond=0))


def recipient(**given_: object) -> Recipient:
    plain: dict[str, object] = {
        "person": DANA,
        "company_id": "c-1",
        "time_zone": "America/Chicago",
        "erp_tool": ToolLevel.STANDARD,
        "can_push_to_accounting": True,
        "is_subscribed": True,
    }
    return Recipient(**(plain | given_))  # type: ignore[arg-type]


def item(name: str, status: Status = Status.READY, **given_: object) -> Item:
    summary = Summary(
        number=name,
        title="Concrete works",
        kind=Kind.SUBCONTRACT,
        project="Riverside Tower",
        vendor="Acme Concrete",
        currency="USD",
        total="480250.00",
        creator=SAM,
        sent_by=SAM,
        url="https://pm.example/commitments/1",
    )
    plain: dict[str, object] = {
        "commitment_id": name,
        "revision": 1,
        "status": status,
        "since": NOW - timedelta(days=1),
        "message": "",
        "currency": "USD",
        "total": Decimal("480250.00"),
        "summary": summary.model_dump_json(),
    }
    return Item(**(plain | given_))  # type: ignore[arg-type]


def made(items: list[Item], now: datetime = NOW, **given_: object) -> Event[DigestReady]:
    who = recipient(**given_)
    due = latest_due(now, who.zone, SIX)
    return summary_of(who, due, items, now, "https://desk.example/", "https://desk.example/u/TOKEN")


def verdict(who: Recipient, **given_: object) -> Outcome:
    plain: dict[str, object] = {"was_sent": False, "waits_since": NOW - timedelta(days=2), "until": NOW}
    return outcome_for(who, **(plain | given_))  # type: ignore[arg-type]


# when


def test_it_is_due_at_six_in_the_recipients_own_zone() -> None:
    assert latest_due(NOW, CHICAGO, SIX) == Due(date(2026, 11, 17), NOW)
    assert latest_due(NOW - timedelta(seconds=1), CHICAGO, SIX) == Due(date(2026, 11, 16), NOW - timedelta(days=1))
    assert latest_due(NOW, ZoneInfo("Asia/Tokyo"), SIX).local_date == date(2026, 11, 17)
    assert latest_due(NOW, ZoneInfo("Pacific/Honolulu"), SIX).local_date == date(2026, 11, 16)


def test_a_local_time_that_the_clocks_skip_is_as_much_later() -> None:
    # on 8 March 2026 the clocks of Chicago go from 02:00 to 03:00
    due = due_on(date(2026, 3, 8), CHICAGO, time(2, 30))
    assert due.at.astimezone(CHICAGO).time() == time(3, 30)


def test_a_local_time_that_exists_twice_counts_the_first_time() -> None:
    # on 1 November 2026 they go from 02:00 back to 01:00
    due = due_on(date(2026, 11, 1), CHICAGO, time(1, 30))
    assert due.at == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert latest_due(due.at + timedelta(hours=1), CHICAGO, time(1, 30)) == due


def test_a_date_that_a_zone_skips_is_nobodys_summary() -> None:
    # Samoa went from 29 to 31 December 2011
    apia = ZoneInfo("Pacific/Apia")
    hours = (datetime(2011, 12, 29, 0, tzinfo=UTC) + timedelta(hours=hour) for hour in range(72))
    dates = {latest_due(hour, apia, SIX).local_date for hour in hours}
    assert date(2011, 12, 30) not in dates
    assert {date(2011, 12, 29), date(2011, 12, 31)} <= dates


@given(now=instants, zone=zones, digest_at=times)
def test_what_is_due_has_come_and_is_the_newest_that_has(now: datetime, zone: ZoneInfo, digest_at: time) -> None:
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


# who


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ({"erp_tool": ToolLevel.STANDARD}, Outcome.SENT),
        ({"erp_tool": ToolLevel.ADMIN}, Outcome.SENT),
        ({"erp_tool": ToolLevel.READ_ONLY}, Outcome.NOT_AN_APPROVER),
        ({"erp_tool": ToolLevel.NONE}, Outcome.NOT_AN_APPROVER),
        ({"erp_tool": ToolLevel.ADMIN, "can_push_to_accounting": False}, Outcome.NOT_AN_APPROVER),
        ({"is_subscribed": False}, Outcome.UNSUBSCRIBED),
    ],
)
def test_only_subscribed_approvers_get_one(rights: dict[str, object], expected: Outcome) -> None:
    assert verdict(recipient(**rights)) is expected


def test_nobody_gets_two_for_one_date() -> None:
    assert verdict(recipient(), was_sent=True) is Outcome.ALREADY_SENT


def test_nobody_gets_one_while_nothing_waits() -> None:
    assert verdict(recipient(), waits_since=None) is Outcome.NOTHING_WAITS


def test_what_came_after_the_due_time_does_not_call_for_one_unless_it_is_ordered() -> None:
    late = NOW + timedelta(seconds=1)
    assert verdict(recipient(), waits_since=NOW) is Outcome.SENT
    assert verdict(recipient(), waits_since=late) is Outcome.NOTHING_WAITS
    assert verdict(recipient(), waits_since=late, until=None) is Outcome.SENT


# what


def test_each_status_has_its_part() -> None:
    told = made([item(status.value, status) for status in Status]).data
    parts = {
        name: {row.status for row in getattr(told, name).rows}
        for name in ("waiting", "failed", "in_doubt", "yesterday")
    }
    assert parts == {
        "waiting": {Status.READY, Status.DISPUTED},
        "failed": {Status.FAILED},
        "in_doubt": {Status.IN_DOUBT},
        "yesterday": {Status.SYNCED, Status.REJECTED},
    }


@pytest.mark.parametrize(
    ("since", "is_listed"),
    [
        (datetime(2026, 11, 16, 6, 0, tzinfo=UTC), True),  # midnight in Chicago
        (datetime(2026, 11, 16, 5, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 17, 5, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 17, 6, 0, tzinfo=UTC), False),
    ],
)
def test_yesterday_is_the_recipients(since: datetime, *, is_listed: bool) -> None:
    assert made([item("SC-1", Status.SYNCED, since=since)]).data.yesterday.count == is_listed


def test_yesterdays_outcomes_do_not_wait() -> None:
    told = made([item("SC-1", Status.SYNCED), item("SC-2", Status.REJECTED)]).data
    assert (told.waiting.count, told.yesterday.count) == (0, 2)


def test_an_age_counts_local_midnights() -> None:
    told = made(
        [item("SC-1", since=NOW - timedelta(days=9)), item("SC-2", since=datetime(2026, 11, 17, 5, tzinfo=UTC))]
    )
    assert [row.age_days for row in told.data.waiting.rows] == [9, 1]
    assert told.data.waiting.oldest_days == 9


@pytest.mark.parametrize("since", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
def test_an_absurd_clock_upstream_breaks_no_summary(since: datetime) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        told = made([item("SC-1", since=since), item("SC-2", Status.SYNCED, since=since)], time_zone=zone).data
        assert told.waiting.rows[0].age_days >= 0
        assert told.yesterday.count == 0


def test_links_lead_to_the_desk_whatever_the_id() -> None:
    told = made([item("a/b?c#d%")]).data
    assert told.waiting.rows[0].url == "https://desk.example/commitments/a%2Fb%3Fc%23d%25"
    assert (told.desk_url, told.unsubscribe_url) == ("https://desk.example/", "https://desk.example/u/TOKEN")


def test_totals_are_exact_and_one_for_each_currency() -> None:
    items = [item(f"SC-{n}", total=Decimal("0.10")) for n in range(3)] + [item("EU", currency="EUR", total=Decimal(7))]
    totals = made(items).data.waiting.totals
    assert [(each.currency, each.total) for each in totals] == [("EUR", "7"), ("USD", "0.30")]


def test_a_total_beyond_all_amounts_is_left_out() -> None:
    huge = [item(name, total=Decimal("999999999999999.999999")) for name in ("SC-1", "SC-2")]
    section = made([*huge, item("SC-3", currency="EUR")]).data.waiting
    assert (section.count, [each.currency for each in section.totals]) == (3, ["EUR"])


def test_a_part_lists_a_hundred_rows_and_counts_the_rest() -> None:
    section = made([item(f"SC-{n:03}", since=NOW - timedelta(hours=n)) for n in range(130)]).data.waiting
    assert (section.count, len(section.rows)) == (130, limits.MAX_DIGEST_ROWS)
    assert section.rows[0].summary.number == "SC-129"
    assert section.totals[0].total == "62432500.00"


def test_a_summary_always_fits_a_message() -> None:
    title = "\N{FULL BLOCK}" * limits.MAX_TITLE_CHARACTERS
    plain = item("SC-1")
    summary = Summary.model_validate_json(plain.summary).model_copy(
        update={"title": title, "url": "https://pm.example/" + "\N{FULL BLOCK}" * 1900}
    )
    long = [
        item(f"{status}-{n}", status, message=title, summary=summary.model_dump_json())
        for status in OPEN
        for n in range(100)
    ]
    event = made(long)
    assert len(encode(event)) <= limits.MAX_MESSAGE_BYTES
    assert event.data.waiting.count == 200
    assert event.data.waiting.rows


ids = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_characters="\x7f", exclude_categories=["Cs"]),
    min_size=1,
    max_size=20,
)
items_of_a_company = st.lists(
    st.builds(
        item,
        ids,
        st.sampled_from(Status),
        since=instants,
        currency=st.sampled_from(["USD", "EUR", "JPY"]),
        total=st.decimals(-(10**9), 10**9, places=2),
    ),
    max_size=130,
    unique_by=lambda each: each.commitment_id,
)


@given(items=items_of_a_company, now=instants, zone=zones)
def test_every_open_item_is_counted_once_oldest_first_and_survives_the_wire(
    items: list[Item], now: datetime, zone: ZoneInfo
) -> None:
    event = made(items, now, time_zone=zone.key)
    read = decode(DigestReady.topic, b"dana", encode(event), (), now)
    assert (read.id, read.data) == (event.id, event.data)

    told = event.data
    sections = (told.waiting, told.failed, told.in_doubt)
    assert sum(section.count for section in sections) == sum(each.status in OPEN for each in items)
    for section in (*sections, told.yesterday):
        assert len(section.rows) == min(section.count, limits.MAX_DIGEST_ROWS)
        assert [row.since for row in section.rows] == sorted(row.since for row in section.rows)
        assert all(row.age_days <= section.oldest_days for row in section.rows)
    by_currency = {each.currency: Decimal(each.total) for each in told.waiting.totals}
    waiting = [each for each in items if each.status in (Status.READY, Status.DISPUTED)]
    assert by_currency == {
        currency: sum(each.total for each in waiting if each.currency == currency)
        for currency in {each.currency for each in waiting}
    }
