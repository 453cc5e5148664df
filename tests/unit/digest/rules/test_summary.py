"""What a summary says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import limits
from schemas.commitment import Summary
from schemas.envelope import Event, decode, encode
from schemas.events import DigestReady
from schemas.fields import Status
from services.digest.rules.due import latest_due
from services.digest.rules.items import OPEN, Item
from services.digest.rules.summary import summary_of
from tests.unit.digest.rules.samples import NOW, SIX, instants, item, recipient, zones


def made(items: list[Item], now: datetime = NOW, *, time_zone: str = "America/Chicago") -> Event[DigestReady]:
    who = recipient(time_zone=time_zone)
    due = latest_due(now, who.zone, SIX)
    return summary_of(who, due, items, now, "https://desk.example", "https://desk.example/u/TOKEN")


def test_each_status_has_its_section() -> None:
    digest = made([item(status.value, status) for status in Status]).data
    sections = {
        name: {row.status for row in getattr(digest, name).rows}
        for name in ("waiting", "failed", "in_doubt", "yesterday")
    }
    assert sections == {
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
def test_yesterday_is_in_the_recipients_time_zone(since: datetime, *, is_listed: bool) -> None:
    assert made([item("SC-1", Status.SYNCED, since=since)]).data.yesterday.count == is_listed


def test_yesterdays_outcomes_are_not_waiting() -> None:
    digest = made([item("SC-1", Status.SYNCED), item("SC-2", Status.REJECTED)]).data
    assert (digest.waiting.count, digest.yesterday.count) == (0, 2)


def test_an_age_counts_local_midnights() -> None:
    digest = made(
        [item("SC-1", since=NOW - timedelta(days=9)), item("SC-2", since=datetime(2026, 11, 17, 5, tzinfo=UTC))]
    )
    assert [row.age_days for row in digest.data.waiting.rows] == [9, 1]
    assert digest.data.waiting.oldest_days == 9


@pytest.mark.parametrize("since", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
def test_a_wrong_clock_upstream_breaks_no_summary(since: datetime) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        digest = made([item("SC-1", since=since), item("SC-2", Status.SYNCED, since=since)], time_zone=zone).data
        assert digest.waiting.rows[0].age_days >= 0
        assert digest.yesterday.count == 0


def test_links_work_for_any_commitment_id() -> None:
    digest = made([item("a/b?c#d%")]).data
    assert digest.waiting.rows[0].url == "https://desk.example/commitments/a%2Fb%3Fc%23d%25"
    assert (digest.desk_url, digest.unsubscribe_url) == ("https://desk.example/", "https://desk.example/u/TOKEN")


def test_there_is_an_exact_total_for_each_currency() -> None:
    items = [item(f"SC-{n}", total=Decimal("0.10")) for n in range(3)] + [item("EU", currency="EUR", total=Decimal(7))]
    totals = made(items).data.waiting.totals
    assert [(each.currency, each.total) for each in totals] == [("EUR", "7"), ("USD", "0.30")]


def test_a_total_that_is_too_large_is_left_out() -> None:
    huge = [item(name, total=Decimal("999999999999999.999999")) for name in ("SC-1", "SC-2")]
    section = made([*huge, item("SC-3", currency="EUR")]).data.waiting
    assert (section.count, [each.currency for each in section.totals]) == (3, ["EUR"])


def test_a_section_lists_a_hundred_rows_and_counts_the_rest() -> None:
    section = made([item(f"SC-{n:03}", since=NOW - timedelta(hours=n)) for n in range(130)]).data.waiting
    assert (section.count, len(section.rows)) == (130, limits.MAX_DIGEST_ROWS)
    assert section.rows[0].summary.number == "SC-129"
    assert section.totals[0].total == "62432500.00"


def test_a_summary_always_fits_into_a_message() -> None:
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
def test_every_open_item_is_counted_once_oldest_first_and_survives_encoding(
    items: list[Item], now: datetime, zone: ZoneInfo
) -> None:
    event = made(items, now, time_zone=zone.key)
    read = decode(DigestReady.topic, b"dana", encode(event), (), now)
    assert (read.id, read.data) == (event.id, event.data)

    digest = event.data
    sections = (digest.waiting, digest.failed, digest.in_doubt)
    assert sum(section.count for section in sections) == sum(each.status in OPEN for each in items)
    for section in (*sections, digest.yesterday):
        assert len(section.rows) == min(section.count, limits.MAX_DIGEST_ROWS)
        assert [row.since for row in section.rows] == sorted(row.since for row in section.rows)
        assert all(row.age_days <= section.oldest_days for row in section.rows)
    by_currency = {each.currency: Decimal(each.total) for each in digest.waiting.totals}
    waiting = [each for each in items if each.status in (Status.READY, Status.DISPUTED)]
    assert by_currency == {
        currency: sum(each.total for each in waiting if each.currency == currency)
        for currency in {each.currency for each in waiting}
    }
